"""SIGTERM: drain first, then let the server end itself in its own way.

daphne's own answer to it runs nothing of ours: no disconnect, no `finally`, no lifespan.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)

_draining: set[asyncio.Task[None]] = set()


def drain_on_sigterm(drain: Callable[[], Awaitable[None]]) -> None:
    """Answer SIGTERM with `drain` on the running loop; a second SIGTERM ends at once.

    Does nothing the second time, nor off the main thread, where Python takes no handlers.
    """
    servers_own = signal.getsignal(signal.SIGTERM)
    if isinstance(servers_own, _Handler) or threading.current_thread() != threading.main_thread():
        return
    signal.signal(signal.SIGTERM, _Handler(drain, servers_own, asyncio.get_running_loop()))


class _Handler:
    def __init__(
        self,
        drain: Callable[[], Awaitable[None]],
        servers_own: Any,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._drain, self._servers_own, self._loop = drain, servers_own, loop

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if _draining:
            self._hand_over()
        else:
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        logger.warning("Told to stop: draining")
        _draining.add(asyncio.create_task(self._drain_and_end()))

    async def _drain_and_end(self) -> None:
        try:
            await self._drain()
        finally:
            self._hand_over()

    def _hand_over(self) -> None:
        """End as the server would have ended without us."""
        if callable(self._servers_own):
            self._servers_own(signal.SIGTERM, None)
        else:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
