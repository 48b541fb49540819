"""`flush` for tests: Django empties the database with it after each transactional test.

The ledger's guard refuses that, on purpose, and outside the tests nothing lifts it.
"""

from typing import Any

from django.core.management.commands import flush
from django.db import connections, transaction

from billing.append_only import guard, lift

GUARDED = ("billing_usagerecord", "billing_priceentry", "accounts_auditentry")


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        with transaction.atomic(using=connection.alias):
            for table in GUARDED:
                lift(connection, table)
            super().handle(**options)
            for table in GUARDED:
                guard(connection, table)
