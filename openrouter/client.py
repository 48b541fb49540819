"""The client of OpenRouter: chat, streamed and whole; the other endpoints are in `resources.py`.

One client serves one event loop. Source: OpenRouter API reference.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

import httpx

from openrouter.decoder import StreamDecoder
from openrouter.errors import OpenRouterError, StreamInterrupted
from openrouter.events import (
    Failed,
    Finished,
    Identified,
    KeepAlive,
    Retrying,
    StreamEvent,
)
from openrouter.resources import Resources
from openrouter.retries import RetryPolicy
from openrouter.transport import ClientConfig, Wire
from openrouter.types import ChatRequest, Completion, completion_of

__all__ = ["ClientConfig", "OpenRouterClient"]

_CHAT: Final = "/chat/completions"
_NOT_A_TOKEN: Final = (Identified, KeepAlive, Finished)
# How long silence is suffered once there is little left to come: after [DONE] or a failure only the
# end of the body (or a bill), after the finish and its bill [DONE] or a server tool's next round
_AFTER_THE_END_S: Final = 2.0
_AFTER_THE_BILL_S: Final = 15.0


class OpenRouterClient(Resources):
    """OpenRouter, or a server that speaks as it does.

    `transport` replaces the network (a test's, the emulator's); `sleep` and `uniform` are what
    retries wait with and how they throw dice.
    """

    def __init__(
        self,
        config: ClientConfig,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        super().__init__(
            Wire(config, transport),
            RetryPolicy(max_attempts=config.max_attempts),
            sleep=sleep,
            uniform=uniform,
        )
        self._slots = asyncio.Semaphore(config.max_streams)
        self.waiting = 0  # answers that wait until others have ended

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
        await self._wire.aclose()

    @property
    def connections(self) -> int:
        """How many connections to upstream are in use."""
        return self._wire.busy_connections

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """A place among `max_streams`, counting who waits for one."""
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    async def stream_chat(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """Ask, and tell what comes as it comes. Use `contextlib.aclosing` to end it early.

        First comes Identified, when the headers of a good answer are here. What goes wrong before
        that is raised as an OpenRouterError; what goes wrong later is a Failed event, after which
        the iterator ends in order. What fails before its first token and may be asked again is
        asked again, each time after a Retrying. Closing the iterator, or cancelling the task that
        reads it, closes the connection at once.
        """
        body = request.body(stream=True)
        async with self._slot():
            attempt = 1
            while True:
                try:
                    async with aclosing(self._attempt(body, attempt, request.api_key)) as events:
                        async for event in events:
                            yield event
                except _EarlyError as early:
                    retrying = Retrying(early.error, early.delay_s, attempt)
                except OpenRouterError as error:
                    delay_s = self._retries.delay_s(error, attempt, self._uniform)
                    if delay_s is None:
                        raise
                    retrying = Retrying(error, delay_s, attempt)
                else:
                    return
                yield retrying
                await self._sleep(retrying.delay_s)
                attempt += 1

    async def complete_chat(self, request: ChatRequest) -> Completion:
        """Ask, and wait for the whole answer. It cannot be cancelled upstream: prefer a stream.

        Raises OpenRouterError, also for the errors that come with status 200; what may pass is
        asked again first, and nobody hears of it.
        """
        body = request.body(stream=False)

        async def ask() -> Completion:
            asking = self._wire.answer("POST", _CHAT, body=body, api_key=request.api_key)
            async with asking as response:
                answer = await self._wire.good_body(response)
                decoder = StreamDecoder(response.headers.get("x-generation-id"))
                return completion_of([*decoder.feed(answer), *decoder.close()])

        async with self._slot():
            return await self._retrying(ask)

    async def _attempt(
        self, body: object, attempt: int, api_key: str
    ) -> AsyncGenerator[StreamEvent, None]:
        """One request. Raises what failed before headers, and _EarlyError to be repeated."""
        asking = self._wire.answer("POST", _CHAT, body=body, streamed=True, api_key=api_key)
        async with asking as response:
            if not response.is_success:
                raise await self._wire.refusal(response)
            yield Identified(response.headers.get("x-generation-id"))
            has_begun = False
            async with aclosing(self._batches(response)) as batches:
                async for batch in batches:
                    if not has_begun:
                        self._give_up_early(batch, attempt)
                        has_begun = any(not isinstance(event, _NOT_A_TOKEN) for event in batch)
                    for event in batch:
                        yield event

    def _give_up_early(self, batch: Sequence[StreamEvent], attempt: int) -> None:
        """Raise _EarlyError when the stream failed before its first token and we may ask again."""
        for event in batch:
            if isinstance(event, Failed):
                delay_s = self._retries.delay_s(event.error, attempt, self._uniform)
                if delay_s is not None:
                    raise _EarlyError(event.error, delay_s)
            if not isinstance(event, _NOT_A_TOKEN):
                return

    async def _batches(self, response: httpx.Response) -> AsyncGenerator[list[StreamEvent], None]:
        """The events of one answer, in the lots in which its bytes come."""
        decoder = StreamDecoder(response.headers.get("x-generation-id"))
        cut: OpenRouterError | None = None
        async with self._wire.reading(response) as pieces:
            while True:
                try:
                    piece = await pieces.next()
                except StreamInterrupted as error:
                    cut = error
                    break
                if piece is None:
                    break
                if batch := decoder.feed(piece):
                    yield batch
                    if decoder.has_ended or decoder.has_finish_and_bill:
                        pieces.shorten(_patience_s(decoder))
        if batch := decoder.close(cut):
            yield batch


def _patience_s(decoder: StreamDecoder) -> float:
    """For what may still come once the end or the bill was told."""
    return _AFTER_THE_END_S if decoder.has_ended else _AFTER_THE_BILL_S


class _EarlyError(Exception):
    """Not an error to anybody: this attempt failed early, and the next begins after `delay_s`."""

    def __init__(self, error: OpenRouterError, delay_s: float) -> None:
        super().__init__(str(error))
        self.error = error
        self.delay_s = delay_s
