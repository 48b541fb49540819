"""`manage.py erase_user NAME`: remove a person and all they have; say what went, what stays."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.erasure import CannotErase, erase, in_words, plan, require_erasable
from accounts.management.commands.export_user import find


class Command(BaseCommand):
    help = "Remove a person and all they have, for good. The ledger keeps rows without a name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a username, or the number of a person: user-12")
        parser.add_argument("--dry-run", action="store_true", help="say what would go; keep it")

    def handle(self, *, name: str, dry_run: bool, **_: Any) -> None:
        user = find(name)
        try:
            require_erasable(user)
            receipt = plan(user) if dry_run else erase(user)
        except CannotErase as error:
            raise CommandError(error.for_person) from error
        if dry_run:
            self.stdout.write("Nothing was removed; this is what would be.")
        self.stdout.write("\n".join(in_words(receipt)))
