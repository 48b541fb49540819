"""A PostgreSQL and a Redis of our own, so that they can be ended without harm to anybody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.processes import end, free_port

START_S = 60.0


class Missing(Exception):
    """This machine lacks a program that the run needs."""


def postgres_program(name: str) -> str:
    """A program of the newest PostgreSQL on this machine. Raises Missing."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise Missing(f"there is no {name} on this machine")
    return program


class Postgres:
    """One cluster in a folder of its own, run as `postgres` where we are root (it refuses root)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if os.geteuid() != 0:
            self._as_user = []
        self.outages: list[tuple[float, float]] = []  # by time.monotonic(), from and until

    @property
    def dsn(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/chaos"

    def create(self) -> None:
        self._folder.mkdir()
        if self._as_user:
            shutil.chown(self._folder, "postgres", "postgres")
        self._run("initdb", "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
        self.start()
        with psycopg.connect(self.dsn.replace("/chaos", "/postgres"), autocommit=True) as admin:
            admin.execute("CREATE DATABASE chaos")

    def start(self) -> None:
        # fsync guards against a machine that dies, and ours does not; a server that dies is safe.
        flags = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", f"{START_S:.0f}", "-l", log, "-o", flags)

    def stop(self, mode: str) -> None:
        """`fast` ends every session; `immediate` is a crash, with recovery at the next start."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def restart(self, mode: str, rest_s: float) -> None:
        since = time.monotonic()
        self.stop(mode)
        time.sleep(rest_s)
        self.start()
        self.outages.append((since, time.monotonic()))

    def _run(self, name: str, *words: str) -> None:
        command = [*self._as_user, postgres_program(name), "-D", str(self._folder), *words]
        subprocess.run(
            command, check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )


class RedisServer:
    """One server that stores nothing: a restart loses all that it knew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        words = ["--bind", "127.0.0.1", "--port", str(self._port), "--save", "", "--appendonly"]
        command = ["redis-server", *words, "no", "--dir", str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        if self._process:
            end(self._process)

    def restart(self, rest_s: float) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        time.sleep(rest_s)
        self.start()


@contextmanager
def clusters() -> Iterator[tuple[Postgres, RedisServer, Path]]:
    """Both, started, and a folder for everything else; all of it is gone afterwards."""
    require("redis-server", "setpriv")
    with tempfile.TemporaryDirectory(prefix="switchboard-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres, redis = Postgres(folder / "postgres"), RedisServer(folder)
        try:
            postgres.create()
            redis.start()
            yield postgres, redis, folder
        finally:
            redis.stop()
            postgres.stop("immediate")


def require(*programs: str) -> None:
    """Raises Missing for the first that this machine lacks."""
    missing: Sequence[str] = [name for name in programs if shutil.which(name) is None]
    if missing:
        raise Missing(f"there is no {missing[0]} on this machine")
