"""How long the pages about usage take on a ledger of a million entries.

`python -m tests.bench.usage --rows 1000000`, or one database alone: `--database sqlite`. For each
page the time in the server, from the request to the last byte of the answer, middleware, queries
and templates included; p50 and p95 of as many requests as `--times` says, and beside them the CPU
of one request, server and database together, which other work on the machine does not stretch.
Then the plans of the ledger's questions. Each database is made for the run and dropped after it
(`--keep` leaves it).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

POSTGRES = os.environ.get("SWITCHBOARD_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.usage", description=__doc__)
    add = parser.add_argument
    add("--rows", type=int, default=1_000_000, help="entries of the ledger")
    add("--times", type=int, default=20, help="requests of each page that count")
    add("--database", nargs="+", choices=["postgres", "sqlite"], default=["postgres", "sqlite"])
    add("--keep", action="store_true", help="leave the databases where they are")
    add("--url", help="measure this one, which a run with --keep has left")
    return parser.parse_args()


def main() -> int:
    chosen = options()
    if chosen.url:
        return measure(chosen.url, chosen)
    worst = 0
    for kind in chosen.database:
        with a_database(kind, keep=chosen.keep) as url:
            worst = max(worst, measure(url, chosen))
    return worst


def measure(url: str, chosen: argparse.Namespace) -> int:
    """In a process of its own: Django has one database a process."""
    command = [sys.executable, "-m", "tests.bench.usage_pages"]
    command += ["--rows", str(chosen.rows), "--times", str(chosen.times)]
    env = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    return subprocess.run(command, env=env, check=False).returncode


@contextmanager
def a_database(kind: str, *, keep: bool) -> Iterator[str]:
    if kind == "sqlite":
        folder = tempfile.mkdtemp(prefix="switchboard-usage-")
        yield f"sqlite:///{folder}/ledger.sqlite3"
        if not keep:
            shutil.rmtree(folder)
        return
    name = f"bench_usage_{os.getpid()}"
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        yield f"{POSTGRES.rpartition('/')[0]}/{name}"
    finally:
        if not keep:
            with psycopg.connect(POSTGRES, autocommit=True) as admin:
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


if __name__ == "__main__":
    sys.exit(main())
