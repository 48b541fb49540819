"""What goes wrong, and when, by seed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from subprocess import CalledProcessError

from tests.chaos.person import Shared
from tests.chaos.stage import Server, Stage

LEAST_S = 0.5  # between two troubles


@dataclass(frozen=True, slots=True)
class Kind:
    weight: int
    make: Callable[[], Awaitable[None]]


class Trouble:
    """Makes trouble until it is told to end. `every_s`: the mean of the waits between two."""

    def __init__(self, stage: Stage, shared: Shared, chance: random.Random, every_s: float) -> None:
        self.made: Counter[str] = Counter()
        self._stage, self._shared, self._chance = stage, shared, chance
        self._every_s = every_s
        self._running: set[asyncio.Task[None]] = set()
        self._busy = {"redis": asyncio.Lock(), "postgres": asyncio.Lock()}
        self._kinds = {
            "kill -9 of a server": Kind(4, self._kill),
            "SIGTERM of a server": Kind(2, self._drain),
            "restart of Redis": Kind(3, self._restart_redis),
            "restart of PostgreSQL": Kind(2, self._restart_postgres),
            "cut of half the sockets": Kind(3, self._cut),
        }

    async def run(self) -> None:
        names = list(self._kinds)
        weights = [kind.weight for kind in self._kinds.values()]
        while True:
            wait_s = self._chance.expovariate(1 / self._every_s)
            await asyncio.sleep(min(max(wait_s, LEAST_S), 3 * self._every_s))
            name = self._chance.choices(names, weights)[0]
            task = asyncio.create_task(self._make(name))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def over(self) -> None:
        """Wait until all that was broken runs again. Raises what could not be repaired."""
        while self._running:
            await asyncio.gather(*self._running)

    async def _make(self, name: str) -> None:
        try:
            await self._kinds[name].make()
        except (RuntimeError, CalledProcessError) as error:
            self._shared.faults.append(f"{name} was not repaired: {error!s:.300}")
        self.made[name] += 1

    def _server(self) -> Server:
        return self._chance.choice(self._stage.servers)

    async def _kill(self) -> None:
        server, rest_s = self._server(), self._chance.uniform(0, 3)
        async with server.busy:
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(rest_s)
            await asyncio.to_thread(server.start)

    async def _drain(self) -> None:
        server = self._server()
        async with server.busy:
            await asyncio.to_thread(server.drain)
            await asyncio.to_thread(server.start)

    async def _restart_redis(self) -> None:
        rest_s = self._chance.choice((0.0, 0.3, 3.0))
        async with self._busy["redis"]:
            await asyncio.to_thread(self._stage.redis.restart, rest_s)

    async def _restart_postgres(self) -> None:
        mode, rest_s = self._chance.choice(("fast", "immediate")), self._chance.uniform(0, 2)
        async with self._busy["postgres"]:
            await asyncio.to_thread(self._stage.postgres.restart, mode, rest_s)

    async def _cut(self) -> None:
        for tab in list(self._shared.tabs):
            if self._chance.random() < 0.5:
                tab.cut()
