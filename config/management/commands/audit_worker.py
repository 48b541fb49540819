"""`manage.py audit_worker`: one process of `audit_books`, which starts it; not for people."""

from __future__ import annotations

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.audit.plan import make_plan, share, victims
from config.audit.worker import wait_to_be_killed, write_all


class Command(BaseCommand):
    help = "One process of `manage.py audit_books`, which starts it with a database of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", choices=["share", "victim"])
        parser.add_argument("index", type=int, help="which of the processes this is")
        parser.add_argument("size", type=int, help="share: of how many; victim: replies of one")
        parser.add_argument("--replies", type=int, required=True)
        parser.add_argument("--faults", type=float, required=True)
        parser.add_argument("--seed", type=int, required=True)

    def handle(self, *, role: str, index: int, size: int, **options: Any) -> None:
        plan = make_plan(
            replies=options["replies"], fault_share=options["faults"], seed=options["seed"]
        )
        if role == "victim":
            asyncio.run(wait_to_be_killed(victims(plan, index, size)))
        else:
            asyncio.run(write_all(share(plan, index, size)))
