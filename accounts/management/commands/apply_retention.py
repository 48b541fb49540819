"""`manage.py apply_retention`: remove what is older than this installation keeps. For cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.retention import apply, due


class Command(BaseCommand):
    help = "Remove conversations older than RETENTION_DAYS, and all else whose time is over."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go; keep it")

    def handle(self, *, dry_run: bool, **_: Any) -> None:
        if dry_run:
            self.stdout.write("Nothing was removed; this is what would be.")
        for line in due() if dry_run else apply():
            self.stdout.write(f"{line.count:>8}  {line.what}")
