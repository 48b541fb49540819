"""A backup is of one moment, sound, and there whole or not at all; and it can be restored."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from config.backup import copy_database, forget_old
from tests import processes


def database(path: Path, *texts: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE message (text)")
    connection.executemany("INSERT INTO message VALUES (?)", [(text,) for text in texts])
    return connection


def texts(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM message ORDER BY rowid")]


def test_what_was_committed_is_in_it_and_what_was_not_is_not(tmp_path: Path) -> None:
    with closing(database(tmp_path / "live", "one", "two")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO message VALUES ('not yet')")
        copy_database(tmp_path / "live", tmp_path / "copy")
        writer.execute("COMMIT")
    assert texts(tmp_path / "copy") == ["one", "two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "live"]


def test_a_copy_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("precious")
    with closing(database(tmp_path / "live")), pytest.raises(FileExistsError):
        copy_database(tmp_path / "live", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "precious"


def test_what_is_no_database_leaves_no_copy(tmp_path: Path) -> None:
    (tmp_path / "live").write_text("no database at all, but long enough to be read as one" * 99)
    with pytest.raises(sqlite3.DatabaseError):
        copy_database(tmp_path / "live", tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["live"]


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        copy_database(tmp_path / "live", tmp_path / "copy")
    assert not list(tmp_path.iterdir())


def test_only_the_latest_copies_are_kept(tmp_path: Path) -> None:
    for day in range(1, 6):
        (tmp_path / f"switchboard-2026010{day}.sqlite3").touch()
    (tmp_path / "other").touch()
    forget_old(tmp_path, "switchboard-*.sqlite3", keep=2)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["other", "switchboard-20260104.sqlite3", "switchboard-20260105.sqlite3"]


def backup(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "backup", *words]
    return subprocess.run(
        command, cwd=processes.ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_an_installation_can_be_restored_from_its_backup(tmp_path: Path) -> None:
    """The recipe of docs/operations.md: the copy takes the place of the database."""
    env = processes.environment(tmp_path)
    processes.manage(env, "migrate", "--verbosity", "0")
    processes.manage(env, "create_demo")
    done = backup(env, str(tmp_path / "backups"), "--keep", "1")
    assert done.returncode == 0, done.stderr
    [copy] = (tmp_path / "backups").iterdir()
    for lost in tmp_path.glob("switchboard.sqlite3*"):
        lost.unlink()
    copy.rename(tmp_path / "switchboard.sqlite3")
    processes.manage(env, "migrate", "--check")
    with closing(sqlite3.connect(tmp_path / "switchboard.sqlite3")) as restored:
        names = restored.execute("SELECT username FROM accounts_user").fetchall()
        triggers = restored.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'")
        assert names == [("demo",)]
        assert triggers.fetchone()[0] > 0, "the ledger is still append-only"


def test_a_backup_that_fails_says_so(tmp_path: Path) -> None:
    env = processes.environment(tmp_path)
    failed = backup(env, str(tmp_path / "backups"))
    assert failed.returncode == 1
    assert "Nothing was copied" in failed.stderr
    assert backup(env, "x", "--keep", "0").returncode == 2


def test_on_postgresql_it_names_the_tool(tmp_path: Path) -> None:
    env = processes.environment(tmp_path, DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
    refused = backup(env, str(tmp_path))
    assert refused.returncode == 1
    assert "pg_dump" in refused.stderr
