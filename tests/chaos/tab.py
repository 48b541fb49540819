"""One tab of one conversation: its page, its socket, and the coming back of its socket."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import suppress

from tests.bench.wire import Socket
from tests.chaos.page import Element, Page, Unbalanced, pk_of
from tests.chaos.visit import BROKEN, Visit
from tests.chaos.witness import Witness

RUNNING = ("queued", "streaming")
OPEN_S = 15.0  # for a socket to be opened


class Tab:
    """`is_plain`: the answers here have no Markdown, so that what is seen is what was sent."""

    def __init__(
        self,
        name: str,
        visit: Visit,
        path: str,
        witness: Witness,
        chance: random.Random,
        *,
        is_plain: bool,
    ) -> None:
        self.name, self.path = name, path
        self.port = 0
        self.page = Page("")
        self.connects = 0
        self._visit, self._witness, self._chance = visit, witness, chance
        self._is_plain = is_plain
        self._socket: Socket | None = None
        self._life: asyncio.Task[None] | None = None
        self._sleeps_until_s = 0.0
        self._changed = asyncio.Event()
        self._noted: dict[int, Element] = {}

    # --- What a person does with it ---

    async def load(self) -> None:
        """Open it, or load it again; at another server than before, where one runs. GaveUp."""
        await self._leave()
        self.port, answer = await self._visit.get(self.path, but=self.port)
        self.page = Page(answer.body.decode())
        self._noted.clear()
        self._look()
        self._life = asyncio.create_task(self._live())

    async def close(self) -> None:
        await self._leave()

    def cut(self) -> None:
        """The network breaks: no word to the server, and none to the page."""
        if self._socket:
            self._socket.close()

    def fall_asleep(self, seconds: float) -> None:
        """Read nothing for a while, as a laptop on a bad train does."""
        self._sleeps_until_s = time.monotonic() + seconds

    def show(self, frame: str) -> None:
        """A frame came, by the socket or as the answer to a command."""
        self.page.apply(frame)
        self._look()

    async def has_settled(self, reply: int) -> str:
        """Wait until it shows a reply that has ended; return its state."""
        while True:
            self._changed.clear()
            article = self.page.find(f"m{reply}")
            if article and article.attrs["data-state"] not in RUNNING:
                return article.attrs["data-state"]
            await self._changed.wait()

    def last_reply(self) -> int:
        """The newest answer on the page; 0 where there is none."""
        return max((pk_of(article) for article in self._answers("messages")), default=0)

    # --- How it lives ---

    async def _leave(self) -> None:
        if self._life:
            self._life.cancel()
            with suppress(asyncio.CancelledError):
                await self._life
        self.cut()

    async def _live(self) -> None:
        """Connect, read, and connect again, with the waits of app.js."""
        attempts = 0
        while True:
            try:
                await self._connect()
                while True:
                    await self._read_one()
                    attempts = 0
            except BROKEN:
                most_s = min(10.0, 0.375 * 2**attempts)
                attempts += 1
                await asyncio.sleep(most_s * self._chance.uniform(0.66, 1.33))
                self.port = self._visit.stage.port(self._chance)

    async def _connect(self) -> None:
        after = self.page.move_settled()
        address = f"/ws{self.path}?after={after}"
        opening = asyncio.create_task(Socket.open(self.port, address, self._visit.cookies))
        try:
            async with asyncio.timeout(OPEN_S):
                self._socket = await asyncio.shield(opening)
        except BaseException:  # a tab that leaves meanwhile leaves no connection
            _late.add(opening)  # asyncio itself keeps no task alive
            opening.add_done_callback(_close)
            raise
        self.connects += 1

    async def _read_one(self) -> None:
        assert self._socket is not None
        frame = await self._socket.frame()
        if (left_s := self._sleeps_until_s - time.monotonic()) > 0:
            await asyncio.sleep(left_s)
        try:
            self.show(frame.decode())
        except Unbalanced as error:
            self._witness.unreadable.append(f"{self.name}: {error}: {frame[:300]!r}")

    # --- What it sees ---

    def _look(self) -> None:
        for article in self._answers("live"):
            if article.attrs["data-state"] in RUNNING:
                self._see_growing(pk_of(article))
            elif self._noted.get(pk_of(article)) is not article:
                self._see_settled(article)
        self._changed.set()

    def _answers(self, within: str) -> Iterator[Element]:
        place = self.page.find(within)
        if within == "messages":
            return (one for one in (place.walk() if place else ()) if "assistant" in one.classes)
        children = place.children if place else []
        return (one for one in children if isinstance(one, Element) and "assistant" in one.classes)

    def _see_growing(self, reply: int) -> None:
        done, growing, thought = (self._text(reply, part) for part in ("done", "open", "think"))
        self._witness.saw_growing(reply, "closed", self.name, done)
        self._witness.saw_growing(reply, "thought", self.name, thought)
        if self._is_plain:
            self._witness.saw_growing(reply, "text", self.name, done + growing)

    def _text(self, reply: int, part: str) -> str:
        place = self.page.find(f"m{reply}-{part}")
        return place.text() if place else ""

    def _see_settled(self, article: Element) -> None:
        self._noted[pk_of(article)] = article
        source = next((one for one in article.walk() if "source" in one.classes), None)
        text = source.own_texts() if source else ""
        state = article.attrs["data-state"]
        self._witness.saw_settled(pk_of(article), self.name, state, text)


_late: set[asyncio.Task[Socket]] = set()


def _close(opening: asyncio.Task[Socket]) -> None:
    _late.discard(opening)
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
