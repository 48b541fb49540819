"""`manage.py replay --policy P --since D`: what a policy would have chosen. Asks no model."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from routing.models import LanguageModel
from routing.policy_services import BUILT_IN, NoSuchPolicy, find_policy
from routing.replay import Report
from routing.replay_tables import Table, as_json, notes, tables
from routing.replays import replay

WIDEST = 60  # characters of a cell


class Command(BaseCommand):
    help = "Decide the stored messages again by a policy: its cost, models and predicted quality."

    def add_arguments(self, parser: CommandParser) -> None:
        named = f"name, name@version, or {BUILT_IN}."
        parser.add_argument("--policy", required=True, help=f"Which policy: {named}")
        parser.add_argument("--since", required=True, help="The first day, as 2026-11-01 (UTC).")
        parser.add_argument("--until", default=None, help="The day after the last, likewise.")
        parser.add_argument("--newest", type=int, default=None, help="At most so many messages.")
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, **options: Any) -> None:
        since, until = _day(options["since"]), _day(options["until"])
        if since is None or (until is not None and until <= since):
            raise CommandError("--until must be a later day than --since.")
        if options["newest"] is not None and options["newest"] < 1:
            raise CommandError("--newest must be 1 or more.")
        try:
            policy = find_policy(options["policy"])
        except NoSuchPolicy as error:
            raise CommandError(str(error)) from error
        except (ValueError, TypeError) as error:
            raise CommandError(f"{options['policy']} cannot be used: {error}") from error
        if not LanguageModel.objects.exists():
            raise CommandError("The catalogue is empty: run `manage.py sync_models` first.")
        report = replay(policy, since=since, until=until, newest=options["newest"])
        if options["format"] == "json":
            self.stdout.write(json.dumps(as_json(report), indent=2))
        else:
            self.stdout.write(drawn(report))


def _day(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no day: write it as 2026-11-01.") from None
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def drawn(report: Report) -> str:
    """The report for a terminal."""
    parts = ["\n".join(notes(report)), *(_drawn_table(table) for table in tables(report))]
    return "\n\n".join(parts)


def _drawn_table(table: Table) -> str:
    rows = [table.head, *table.rows]
    widths = [
        min(WIDEST, max(len(row[column]) for row in rows)) for column in range(len(table.head))
    ]
    lines = [
        "  ".join(
            cell.rjust(width) if column in table.figures else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([f"{table.title}:", *lines])
