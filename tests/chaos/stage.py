"""Two processes of Switchboard and their upstream, and what can be done to them."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.wire import Connection
from tests.chaos.cluster import Postgres, RedisServer, clusters
from tests.processes import (
    Running,
    emulator,
    environment,
    free_port,
    install,
    sign_in,
    switchboard,
)

DRAIN_S = 4.0
STARTS = 4
HANGS_S = 60.0  # a drain that takes longer than DRAIN_S and this has hung
UPSTREAM = ["--tokens-per-s", "40", "--first-token-s", "0.2", "--generation-delay-s", "0.5"]
UPSTREAM += ["--cancelled-generation-delay-s", "1", "--credits", "1000000"]


class Server:
    """One process of Switchboard on a port of its own, which comes back on the same port."""

    def __init__(self, env: dict[str, str], log: Path, kind: str) -> None:
        self.port = free_port()
        self.log = log
        self.hung = 0  # drains that had to be killed
        self.busy = asyncio.Lock()  # one trouble at a time
        self._env, self._kind = env, kind
        self._life: ExitStack | None = None
        self.running: Running | None = None

    def start(self) -> None:
        """Raises RuntimeError where it did not come up, however often it was tried."""
        for attempt in range(STARTS):
            self._life = ExitStack()
            here = switchboard(self._env, self.log, self._kind, self.port)
            try:
                self.running = self._life.enter_context(here)
            except RuntimeError:  # its port may be the other end of somebody's connection just now
                if attempt == STARTS - 1:
                    raise
            else:
                return

    def stop(self) -> None:
        if self._life:
            self._life.close()
        self._life = self.running = None

    def kill(self) -> None:
        """kill -9."""
        if self.running:
            self.running.process.kill()
            self.running.process.wait()
        self.stop()

    def drain(self) -> None:
        """SIGTERM, and wait until it has ended by itself."""
        if self.running:
            self.running.process.terminate()
            try:
                self.running.process.wait(DRAIN_S + HANGS_S)
            except subprocess.TimeoutExpired:
                self.hung += 1
        self.stop()


@dataclass(slots=True)
class Stage:
    """Everything that runs. `people`: session keys of those who may sign in."""

    postgres: Postgres
    redis: RedisServer
    servers: list[Server]
    upstream: Running
    people: list[str]

    def port(self, chance: random.Random, *, but: int = 0) -> int:
        """Where a load balancer sends somebody: any server that runs, and another than `but`."""
        ports = [server.port for server in self.servers if server.running]
        others = [port for port in ports if port != but]
        return chance.choice(others or ports or [self.servers[0].port])

    async def ask_upstream(self, path: str) -> dict[str, Any]:
        """One of the emulator's own paths, as JSON; empty where it knows nothing of it."""
        connection = await Connection.open(self.upstream.port)
        try:
            connection.write("GET", f"/_emulator/{path}", {})
            answer = await asyncio.wait_for(connection.read(), 60)
        finally:
            connection.close()
        return dict(json.loads(answer.body)) if answer.status == 200 else {}


@contextmanager
def stage(kind: str, people: int, seed: int) -> Iterator[Stage]:
    """Set it up, in a folder and on ports of its own, and take it down."""
    with ExitStack() as stack:
        postgres, redis, folder = stack.enter_context(clusters())
        upstream = stack.enter_context(
            emulator(environment(folder), folder / "upstream.log", *UPSTREAM, "--seed", str(seed))
        )
        env = environment(
            folder,
            upstream.url,
            DATABASE_URL=postgres.dsn,
            REDIS_URL=redis.url,
            MAX_STREAMS_PER_USER="1000",
            DRAIN_S=str(DRAIN_S),
        )
        install(env)
        servers = [Server(env, folder / f"server{number}.log", kind) for number in (0, 1)]
        for server in servers:
            stack.callback(server.stop)
            server.start()
        keys = sign_in(env, [f"chaos{number}" for number in range(people)])
        yield Stage(postgres, redis, servers, upstream, list(keys.values()))
