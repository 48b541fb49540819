"""Plays steps into a connection: on time, with comments in the silence, until the client leaves."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeAlias

from openrouter.emulator.generation import Generation
from openrouter.emulator.steps import Act, Step
from openrouter.emulator.web import Receive, Send

YIELD_EVERY = 32  # chunks that are written at once before others get their turn

Now: TypeAlias = Callable[[], dt.datetime]


class Cut(Exception):
    """The connection is to be closed without an end."""


class Player:
    """Writes one body. `idle` is what fills a silence: a comment, or whitespace."""

    def __init__(self, send: Send, idle: bytes, keep_alive_s: float) -> None:
        self._send, self._idle, self._keep_alive_s = send, idle, keep_alive_s
        self._clock = asyncio.get_running_loop().time
        self._start = self._last = self._clock()

    async def write(self, data: bytes) -> None:
        self._last = self._clock()
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def rest_until(self, at_s: float) -> None:
        """Wait until a step is due, and let the client know that somebody is there."""
        while (left_s := self._start + at_s - self._clock()) > 0:
            quiet_s = self._last + self._keep_alive_s - self._clock()
            await asyncio.sleep(max(min(left_s, quiet_s), 0))
            if quiet_s < left_s:
                await self.write(self._idle)

    async def rest_in_silence(self, wait_s: float) -> None:
        """Wait before there is anything to write into; all that is due later moves with it."""
        await asyncio.sleep(wait_s)
        self._start = self._last = self._clock()

    async def play(self, steps: Iterable[Step], generation: Generation, now: Now) -> None:
        """Write the steps. Raises Cut where one says so."""
        for number, step in enumerate(steps):
            if step.at_s and self._start + step.at_s > self._clock():
                await self.rest_until(step.at_s)
            elif number % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
            if step.act is not Act.SEND:
                await self.act(step.act)
            text, data = step.make() if step.make else (step.text, step.data)
            if generation.first_at is None and step.tokens:
                generation.first_at = now()
            generation.meter(step, text)
            if data:
                await self.write(data)

    async def act(self, act: Act) -> None:
        """Cut, or wait for the client to leave; never returns."""
        if act is Act.CUT:
            raise Cut
        while True:
            await asyncio.sleep(self._keep_alive_s)
            if act is Act.COMMENTS:
                await self.write(self._idle)


async def until_gone(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_connected(work: Coroutine[None, None, None], receive: Receive) -> bool:
    """Do the work until it is done or the client has left; True when it left."""
    writer = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(until_gone(receive))
    try:
        await asyncio.wait({writer, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if writer.done():
            writer.result()
            return False
        return True
    finally:
        for task in (writer, watcher):
            task.cancel()
        await asyncio.gather(writer, watcher, return_exceptions=True)
