"""`manage.py reprice`: old messages with the prices of their day, beside what was booked."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentTypeError
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing.money import EXACT
from billing.pricebook_reprice import Repriced, reprice_all
from billing.templatetags.money import usd_exact

NOTHING = Decimal(0)


@dataclass(slots=True)
class Sum:
    """Of one model: only messages that the book can price are compared."""

    messages: int = 0
    without: int = 0
    booked_usd: Decimal = NOTHING
    book_usd: Decimal = NOTHING

    def add(self, one: Repriced) -> None:
        self.messages += 1
        if one.book_usd is None:
            self.without += 1
            return
        self.booked_usd = EXACT.add(self.booked_usd, one.booked_usd)
        self.book_usd = EXACT.add(self.book_usd, one.book_usd)


class Command(BaseCommand):
    help = (
        "Price the messages since a day once more, with the price book of the day on which each "
        "was sent, and print it beside what was booked. Nothing is written: the ledger stays what "
        "was paid. A difference is a discount, a search, an image, or a price that changed between "
        "two runs of sync_models. On people's own keys the provider's price is compared."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", type=utc_midnight, required=True, metavar="YYYY-MM-DD",
            help="the first UTC day",
        )  # fmt: skip
        parser.add_argument(
            "--until", type=utc_midnight, metavar="YYYY-MM-DD",
            help="the UTC day after the last (default: up to now)",
        )  # fmt: skip
        parser.add_argument(
            "--totals", action="store_true", help="print the sums by model only, no message"
        )

    def handle(
        self, *, since: dt.datetime, until: dt.datetime | None, totals: bool, **options: Any
    ) -> None:
        sums: defaultdict[str, Sum] = defaultdict(Sum)
        for one in reprice_all(since, until):
            sums[one.record.served_model or one.record.requested_model].add(one)
            if not totals:
                self._print(one)
        if not sums:
            self.stdout.write("No message was booked in this time.")
        for model, each in sorted(sums.items()):
            self._print_sum(model, each)

    def _print(self, one: Repriced) -> None:
        record = one.record
        beside = f"by the book {usd_exact(one.book_usd)}" if not one.remark else one.remark
        self.stdout.write(
            f"{record.created_at:%Y-%m-%d %H:%M:%S}  message {record.message_ref or '-'}  "
            f"{record.served_model or record.requested_model}  "
            f"booked {usd_exact(one.booked_usd)}  {beside}"
            + (f"  difference {usd_exact(one.difference_usd)}" if one.difference_usd else "")
        )

    def _print_sum(self, model: str, each: Sum) -> None:
        difference = EXACT.subtract(each.booked_usd, each.book_usd)
        self.stdout.write(
            f"{model}: {each.messages} messages, booked {usd_exact(each.booked_usd)}, by the book "
            f"{usd_exact(each.book_usd)}, difference {usd_exact(difference)}"
            + (f"; {each.without} without a price are not compared" if each.without else "")
        )


def utc_midnight(text: str) -> dt.datetime:
    """The beginning of a day as it is written on the command line."""
    try:
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), dt.UTC)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day; write it as 2026-11-01") from error
