"""Many people at once: conversations whose answers are written for minutes, each in a tab."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from tests.bench.person import SETTLED, Visit, token_of
from tests.bench.watching import Lags, Watcher

CHUNKS_PER_S = 20
LONG_S = 600  # no level takes as long as its answers
SENDERS = 4
MESSAGE = re.compile(rb'<article id="m(\d+)"')
PROMPT = "Say the time. [[bench: chunks={chunks} rate={rate}]]"


@dataclass(frozen=True, slots=True)
class Ports:
    """Who is asked to write, and where the tabs of that writer's replies are opened."""

    send: int
    watch: int


class Crowd:
    """Streams of 20 chunks a second, each watched by one tab; `lags` is what the tabs saw."""

    def __init__(self, visits: Sequence[tuple[Visit, str, Ports]]) -> None:
        self._visits = visits
        self.lags = Lags()
        self.tabs: list[Watcher] = []

    @classmethod
    async def gather(cls, ports: Sequence[Ports]) -> Crowd:
        """Sign in, and get ready to send by a few connections to each server."""
        first = await Visit.signed_in(ports[0].send)
        visits = []
        for _, port in zip(range(SENDERS * len(ports)), cycle(ports)):
            visit = await first.at(port.send)
            visits.append((visit, token_of(await visit.get("/")), port))
        first.close()
        return cls(visits)

    @property
    def count(self) -> int:
        return len(self.tabs)

    async def grow_to(self, count: int) -> None:
        """Let so many replies be written, and return when each has shown its first frame."""
        missing = list(range(count - self.count))

        async def sender(visit: Visit, token: str, ports: Ports) -> None:
            while missing:
                missing.pop()
                path = await begin(visit, token, LONG_S * CHUNKS_PER_S)
                tab = await Watcher.open(ports.watch, f"/ws{path}", visit.cookies, self.lags)
                await tab.first_frame
                self.tabs.append(tab)

        await asyncio.gather(*(sender(*visit) for visit in self._visits))

    async def watched(self, seconds: float) -> list[float]:
        """How late each chunk came, in seconds, that arrived within this time."""
        self.lags.begin()
        await asyncio.sleep(seconds)
        self.lags.end()
        return self.lags.seconds

    def lost(self) -> int:
        """Tabs whose socket the server has closed."""
        return sum(tab.is_lost for tab in self.tabs)

    def close(self) -> None:
        for tab in self.tabs:
            tab.close()
        for visit, _, _ in self._visits:
            visit.close()


async def begin(visit: Visit, token: str, chunks: int) -> str:
    """Begin a conversation with a prompt; return its path."""
    prompt = PROMPT.format(chunks=chunks, rate=CHUNKS_PER_S)
    form = {"prompt": prompt, "nonce": secrets.token_hex(16), "csrfmiddlewaretoken": token}
    return (await visit.post("/send/", form, expect=302)).header("location")


async def settled(visit: Visit, path: str) -> str:
    """Where a tab's socket is opened once the page shows the whole answer."""
    while not SETTLED.search((page := await visit.get(path)).body):  # noqa: ASYNC110 (another's)
        await asyncio.sleep(0.05)
    return f"{path}?after={max(map(int, MESSAGE.findall(page.body)))}"


async def open_idle(port: int, count: int) -> tuple[list[Watcher], float]:
    """Tabs on settled conversations, and the seconds until each of them had its first frame."""
    visit = await Visit.signed_in(port)
    token = token_of(await visit.get("/"))
    paths = [await settled(visit, await begin(visit, token, 1)) for _ in range(10)]
    gate = asyncio.Semaphore(64)
    lags = Lags()

    async def one(path: str) -> Watcher:
        async with gate:
            tab = await Watcher.open(port, f"/ws{path}", visit.cookies, lags)
            await tab.first_frame
            return tab

    start = time.monotonic()
    tabs = await asyncio.gather(*(one(path) for _, path in zip(range(count), cycle(paths))))
    taken_s = time.monotonic() - start
    visit.close()
    return list(tabs), taken_s
