"""`manage.py settle`: ask at once for every bill that is pending."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.module_loading import import_string

from billing.models import Call
from billing.settlement import SettleReport, settle_due

PAUSE_S = 1.0
STILL_PENDING = 2  # exit status: no fault, but not everything is there yet


class Command(BaseCommand):
    help = (
        "Ask OpenRouter for the bill of every call that ended without a figure, and book it. "
        "A bill is there seconds after an answer, minutes after a stopped one. "
        "Exit status: 0 nothing is pending, 2 something still is, 1 it could not be asked for."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait", type=float, default=0.0, metavar="S",
            help="keep asking for up to S seconds while something is pending (default: ask once)",
        )  # fmt: skip

    def handle(self, *, wait: float, **options: Any) -> None:
        report = async_to_sync(settle_all)(wait)
        pending = Call.objects.pending()
        overdue = pending.overdue(timezone.now()).count()
        counts = {"pending": pending.count(), "unknown": pending.unknown().count()}
        self.stdout.write(
            f"{len(report.settled)} settled, {len(report.estimated)} estimated, "
            f"{counts['pending']} pending ({overdue} of them overdue, "
            f"{counts['unknown']} without an id to ask with)."
        )
        if report.error:
            raise CommandError(
                f"OpenRouter could not be asked: {report.error.for_person} {report.error}"
            )
        if counts["pending"]:
            raise CommandError(
                "Ask again later, or look at the calls in the admin.", returncode=STILL_PENDING
            )


async def settle_all(wait_s: float) -> SettleReport:
    """Ask for everything at once, and again while something is pending and time is left."""
    client = import_string(settings.OPENROUTER_CLIENT)()
    until = time.monotonic() + wait_s
    report = SettleReport()
    try:
        while True:
            report.add(await settle_due(client, at_once=True))
            left_s = until - time.monotonic()
            if report.error or left_s <= 0 or not await Call.objects.billable().aexists():
                return report
            await asyncio.sleep(min(PAUSE_S, left_s))
    finally:
        await client.aclose()
