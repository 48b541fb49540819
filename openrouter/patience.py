"""Reading what comes in pieces, and giving up after a silence.

`asyncio.timeout` around each piece makes and drops a timer every time, a tenth of all that a
relayed chunk costs. Here one timer serves the whole answer: when it is due, it looks since when
nothing has come.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import httpx

from openrouter.errors import StreamInterrupted


class Patience:
    """The pieces of one answer, for one task; `shorten` may be called between two of them."""

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        limit_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pieces = pieces
        self._clock = clock
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._waiting_since_s: float | None = None
        self._waiter: asyncio.Task[object] | None = None
        self._is_over = False
        self._timer = self._loop.call_later(limit_s, self._look)

    async def next(self) -> bytes | None:
        """The next bytes, or None at their end.

        Raises StreamInterrupted when none come within the limit, or the connection breaks.
        """
        self._waiter = asyncio.current_task()
        self._waiting_since_s = self._clock()
        try:
            return await anext(self._pieces, None)
        except asyncio.CancelledError as error:
            # whoever else has cancelled us means it
            if self._is_over and self._waiter and self._waiter.uncancel() == 0:
                raise StreamInterrupted(f"silence for {self._limit_s:g} s") from error
            raise
        except httpx.HTTPError as error:
            raise StreamInterrupted(str(error) or type(error).__name__) from error
        finally:
            self._waiting_since_s = None

    def shorten(self, limit_s: float) -> None:
        """From now on a shorter silence is the end."""
        if limit_s < self._limit_s:
            self._limit_s = limit_s
            self._timer.cancel()
            self._timer = self._loop.call_later(limit_s, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        since_s, now_s = self._waiting_since_s, self._clock()
        left_s = self._limit_s if since_s is None else since_s + self._limit_s - now_s
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        elif self._waiter:
            self._is_over = True
            self._waiter.cancel()
