"""`manage.py reconcile`: the ledger beside OpenRouter's own account, day by day."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentTypeError
from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from billing.keys import NoUsableKey, is_emulated, management_key
from billing.reconciliation import Statement, fetch_statement, our_keys, reconcile
from billing.reconciliation_models import Reconciliation, Verdict
from billing.templatetags.money import usd_exact
from openrouter.errors import KeyRejected, OpenRouterError

NOT_CLOSED = 2


class Command(BaseCommand):
    help = (
        "Fetch OpenRouter's activity, credits and key, compare them with the ledger by day and "
        "model, and keep the outcome (see Reconciliations in the admin). Only completed UTC days "
        "of the last 30 can be compared; a management key is needed (OPENROUTER_MANAGEMENT_KEY). "
        "Exit status: 0 every residual is 0 or explained, 2 one is not, 1 nothing was compared."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--date", type=utc_day, metavar="YYYY-MM-DD",
            help="compare this UTC day only (default: every completed day of the last 30)",
        )  # fmt: skip
        parser.add_argument(
            "--whole-account", action="store_true",
            help="compare with the whole account, not only with the keys of this installation",
        )  # fmt: skip

    def handle(self, *, date: dt.date | None, whole_account: bool, **options: Any) -> None:
        try:
            if not (is_emulated() or management_key()):
                raise CommandError("Nothing was compared: set OPENROUTER_MANAGEMENT_KEY first.")
            keys = [] if whole_account else our_keys()
            account = import_string(settings.OPENROUTER_MANAGEMENT_CLIENT)()
            own = import_string(settings.OPENROUTER_CLIENT)()
            statement = async_to_sync(fetch)(account, own, date, keys)
        except NoUsableKey as error:
            raise CommandError(f"Nothing was compared: {error}") from error
        except KeyRejected as error:
            raise CommandError(f"Nothing was compared: {about_the_key(error)}") from error
        except OpenRouterError as error:
            raise CommandError(f"Nothing was compared: {error.for_person} {error}") from error
        records = reconcile(statement, day=date)
        for record in records:
            self._print(record)
        if records:
            self._print_totals(records[-1])
        else:
            self.stdout.write("There is no day to compare yet.")
        if any(record.verdict == Verdict.OPEN for record in records):
            raise CommandError(
                "A residual is not explained; see Reconciliations in the admin.",
                returncode=NOT_CLOSED,
            )

    def _print(self, record: Reconciliation) -> None:
        self.stdout.write(
            f"{record.day}  ours {usd_exact(record.ours_usd)}  "
            f"theirs {usd_exact(record.theirs_usd)}  "
            f"residual {usd_exact(record.residual_usd)}  {record.verdict}"
            f"  ({record.pending} pending, {record.estimated} estimated)"
        )
        for line in record.lines:
            if line["residual_usd"] != "0":
                self.stdout.write(
                    f"    {line['model']}: ours ${line['ours_usd']} in {line['our_calls']} calls, "
                    f"theirs ${line['theirs_usd']} in {line['their_requests']} requests"
                )

        for key in record.keys:
            if key["residual_usd"] != "0":
                self.stdout.write(
                    f"    {key['key']}: ours ${key['ours_usd']}, theirs ${key['theirs_usd']}"
                )

    def _print_totals(self, record: Reconciliation) -> None:
        used = usd_exact(record.key_usage_usd) or "unknown"
        self.stdout.write(
            f"In all: ledger {usd_exact(record.ledger_usd)}, usage of the key {used}."
        )


async def fetch(account: Any, own: Any, day: dt.date | None, keys: Sequence[str]) -> Statement:
    """Ask with both keys, and close what was opened."""
    try:
        return await fetch_statement(account, own, day=day, keys=keys)
    finally:
        await account.aclose()
        await own.aclose()


def utc_day(text: str) -> dt.date:
    """A day as it is written on the command line."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day; write it as 2026-11-01") from error


def about_the_key(error: KeyRejected) -> str:
    """Which of the keys is wrong, and what to do about it."""
    if error.status == 403:
        return (
            "OpenRouter wants a management key here. Set OPENROUTER_MANAGEMENT_KEY to one; "
            f"the key that was sent is none. ({error})"
        )
    return f"a key was rejected; look at the two OPENROUTER keys in the settings. ({error})"
