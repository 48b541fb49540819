"""A copy of a SQLite database while it is in use, as one moment saw it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from billing.money import teach_connection

PATIENCE_S = 60


class BadCopy(Exception):
    """The copy is not a sound database, and was removed."""


def copy_database(source: Path, target: Path) -> None:
    """Write a sound copy of `source` to `target`, which is there whole or not at all.

    Readers and the writer go on meanwhile; what they commit is in the copy or in the next one.
    Raises FileExistsError, sqlite3.Error, or BadCopy.
    """
    if target.exists():
        raise FileExistsError(f"{target} is there already")
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as origin,
            closing(sqlite3.connect(unfinished, timeout=PATIENCE_S)) as copy,
        ):
            origin.execute(f"PRAGMA busy_timeout = {PATIENCE_S * 1000}")
            teach_connection(copy)  # else the check stumbles over the order of money
            origin.backup(copy)  # in one step, so that it is of one moment
            verdict = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise BadCopy(str(verdict))
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def forget_old(folder: Path, pattern: str, *, keep: int) -> list[Path]:
    """Delete all but the last `keep` files, by name; return those deleted."""
    old = sorted(folder.glob(pattern))[:-keep]
    for path in old:
        path.unlink()
    return old
