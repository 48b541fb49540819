"""The database: there, up to date, and of a kind and a place that carries the load."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.management.commands.create_demo import PASSWORD, USERNAME
from chat.models import Message
from config.doctor.findings import Finding, fault, fine, warning

MOUNTS = Path("/proc/mounts")
# File systems whose locks SQLite cannot trust. Source: sqlite.org, "How To Corrupt", section 2.
NETWORK_DISKS = {
    *("9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "glusterfs"),
    *("lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "virtiofs"),
}
OLDEST_POSTGRES = 14  # that Django 5.2 supports
CLOCK_S = 2.0
RESERVED = 3  # connections that PostgreSQL keeps for administrators


def check() -> Iterator[Finding]:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        yield fault(
            f"The database cannot be reached: {first_line(error)}.",
            "Look at DATABASE_URL, whether the server runs, and whether it lets this machine in.",
        )
        return
    pending = _pending_migrations()
    yield _migrations(pending)
    if connection.vendor == "sqlite":
        yield from _sqlite()
    else:
        yield from judge_postgres(_postgres_facts())
    if not pending:
        yield from _one_process_without_redis()
        yield from _demo_account()


def first_line(error: Exception) -> str:
    """What a driver says, without the query and the row that may follow."""
    return str(error).strip().partition("\n")[0].rstrip(".")


def _pending_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _migrations(pending: list[str]) -> Finding:
    if not pending:
        return fine("All migrations are applied.")
    return fault(
        f"{len(pending)} migrations are not applied, the first is {pending[0]}.",
        "Run manage.py migrate, by one process, before the servers start.",
    )


# --- SQLite ---


def _sqlite() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        health = cursor.execute("PRAGMA quick_check(1)").fetchone()[0]
    path = Path(connection.settings_dict["NAME"]).resolve()
    yield from judge_sqlite(mode, health, path, _disk_of(path, MOUNTS))


def judge_sqlite(mode: str, health: str, path: Path, disk: str) -> Iterator[Finding]:
    """`disk`: the type of its file system, "" where that is not known."""
    if health != "ok":
        yield fault(
            f"The database file is damaged: {health}.",
            "Stop the server and restore the latest backup (docs/operations.md).",
        )
    if mode != "wal":
        yield fault(
            f"SQLite's journal is {mode}, not WAL: each write waits for every reader.",
            "The settings ask for WAL; a disk without shared memory refuses it. Use a local disk.",
        )
    if disk in NETWORK_DISKS:
        yield fault(
            f"{path} is on a network disk ({disk}), whose locks SQLite cannot trust.",
            "Move it to a disk of this machine, or use PostgreSQL.",
        )
    if not os.access(path.parent, os.W_OK):
        yield fault(
            f"{path.parent} cannot be written to, and SQLite keeps its journal there.",
            "Give the folder to the user that runs the server.",
        )
    if settings.REDIS_URL:
        yield fault(
            "REDIS_URL is set, for many processes, but SQLite has room for one writer.",
            "Use PostgreSQL (DATABASE_URL), or leave REDIS_URL empty and run one process.",
        )
    if health == "ok" and mode == "wal" and disk not in NETWORK_DISKS:
        yield fine("SQLite writes ahead (WAL), on a disk of this machine.")


def _disk_of(path: Path, mounts: Path) -> str:
    """The type of the file system that holds a path; "" where the system does not tell."""
    try:
        lines = [line.split() for line in mounts.read_text().splitlines()]
    except OSError:
        return ""
    holding = [(len(line[1]), line[2]) for line in lines if path.is_relative_to(line[1])]
    return max(holding)[1] if holding else ""


# --- PostgreSQL ---


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """`pool_max`: connections of one process, 0 without a pool. `clock_s`: its clock minus ours."""

    version: int
    max_connections: int
    pool_max: int
    clock_s: float


def _postgres_facts() -> PostgresFacts:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version_num')::int / 10000,"
            " current_setting('max_connections')::int, clock_timestamp()"
        )
        version, max_connections, clock = cursor.fetchone()
    skew_s = (clock - timezone.now()).total_seconds()
    pool = connection.settings_dict["OPTIONS"].get("pool") or {}
    return PostgresFacts(version, max_connections, int(pool.get("max_size", 0)), skew_s)


def judge_postgres(facts: PostgresFacts) -> Iterator[Finding]:
    if facts.version < OLDEST_POSTGRES:
        yield fault(
            f"PostgreSQL {facts.version} is too old: Django wants {OLDEST_POSTGRES} or later.",
            "Upgrade the server (pg_upgrade), after a backup.",
        )
    else:
        yield fine(f"PostgreSQL {facts.version}.")
    if not facts.pool_max:
        yield fault(
            "There is no pool of connections: each query opens one, at ten times its cost.",
            "Leave OPTIONS['pool'] in config/settings.py as it is shipped.",
        )
    processes = (facts.max_connections - RESERVED) // max(1, facts.pool_max)
    if facts.pool_max and processes < 2:
        yield warning(
            f"PostgreSQL lets {facts.max_connections} connections in, which one process can use up"
            f" ({facts.pool_max}).",
            "Raise max_connections, or put PgBouncer in front.",
        )
    elif facts.pool_max:
        yield fine(f"Its connections are enough for {processes} processes.")
    if abs(facts.clock_s) > CLOCK_S:
        yield fault(
            f"The clocks of this machine and of PostgreSQL differ by {abs(facts.clock_s):.0f} s.",
            "Leases of running replies go by the clock: let NTP keep both.",
        )


# --- Both ---


def _one_process_without_redis() -> Iterator[Finding]:
    if settings.REDIS_URL:
        return
    running = Message.objects.running().filter(lease_until__gt=timezone.now()).exclude(owner="")
    owners = set(running.values_list("owner", flat=True))
    if len(owners) > 1:
        yield fault(
            f"{len(owners)} processes write replies, but REDIS_URL is empty: a tab sees only what"
            " its own process writes.",
            "Set REDIS_URL for all of them, or run one process.",
        )


def _demo_account() -> Iterator[Finding]:
    if settings.DEMO:
        return
    demo = get_user_model().objects.filter(username=USERNAME, is_active=True).first()
    if demo and demo.check_password(PASSWORD):
        yield fault(
            f"The account {USERNAME} is still there, with its public password.",
            f"Give it another (manage.py changepassword {USERNAME}) or delete it in the admin.",
        )
