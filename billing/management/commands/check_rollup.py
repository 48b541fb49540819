"""`manage.py check_rollup`: prove that the sums behind the usage pages are those of the ledger."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.rollup import Difference, catch_up, check
from billing.templatetags.money import usd_exact

DIFFERENT = 2
MOST_TOLD = 20  # rows that are told one by one


class Command(BaseCommand):
    help = (
        "Count the ledger entries that are not counted yet, then compare every sum by day and "
        "month with the whole ledger, to the last digit. Reads every entry once, a month at a "
        "time. Exit status: 0 all equal (or made so with --repair), 2 some are not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="write what the ledger says where it differs"
        )

    def handle(self, *, repair: bool, **options: Any) -> None:
        self.stdout.write(f"{catch_up():,} entries were still to be counted.")
        found = check(repair=repair)
        self.stdout.write(
            f"{found.entries:,} entries. Ledger {usd_exact(found.ledger_usd)}, "
            f"rollup {usd_exact(found.rollup_usd)}: {len(found.differences):,} rows differ."
        )
        for difference in found.differences[:MOST_TOLD]:
            self.stdout.write(f"  {told(difference)}")
        if not found.differences:
            return
        if not repair:
            raise CommandError(
                "The rollup is not what the ledger says; run it again with --repair.",
                returncode=DIFFERENT,
            )
        self.stdout.write("Repaired: every row now says what the ledger says.")


def told(difference: Difference) -> str:
    key = difference.key
    who = key.user_ref or "everybody"
    ours, theirs = (
        "nothing" if sums is None else f"{usd_exact(sums.cost_usd)} in {sums.entries:,}"
        for sums in (difference.ledger, difference.rollup)
    )
    return (
        f"{key.span} {key.starts_on}, {who}, {key.served_model or 'unknown model'}: "
        f"ledger {ours}, rollup {theirs}"
    )
