"""`manage.py backup`: a sound copy of the SQLite database, while it is in use."""

from __future__ import annotations

import sqlite3
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from config.backup import BadCopy, copy_database, forget_old


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("a number of copies, at least 1")
    return int(text)


class Command(BaseCommand):
    help = (
        "Copy the SQLite database into a folder, as switchboard-<UTC time>.sqlite3, checked and as"
        " of one moment. The server may run. For PostgreSQL use pg_dump: docs/operations.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="made if it is not there")
        parser.add_argument(
            "--keep", type=_at_least_one, help="delete older copies beyond this number"
        )

    def handle(self, *, folder: Path, keep: int | None, **_: Any) -> None:
        if connection.vendor != "sqlite":
            raise CommandError(
                "Nothing was copied: this is PostgreSQL. Use"
                ' pg_dump --format=custom --file=switchboard.dump "$DATABASE_URL"'
            )
        target = folder / f"switchboard-{timezone.now():%Y%m%dT%H%M%SZ}.sqlite3"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            copy_database(Path(connection.settings_dict["NAME"]).resolve(), target)
        except (OSError, sqlite3.Error, BadCopy) as error:
            raise CommandError(f"Nothing was copied: {error}") from error
        self.stdout.write(f"{target} ({target.stat().st_size / 1e6:.1f} MB)")
        if keep:
            for path in forget_old(folder, "switchboard-*.sqlite3", keep=keep):
                self.stdout.write(f"deleted {path}")
