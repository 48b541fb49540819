"""A network cable between a browser and the server, which a test may pull.

Playwright's own `set_offline` leaves open sockets alone, so the connections of these tests go
through a small TCP proxy with an event loop and a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cable:
    """Forwards bytes to a port of this machine. `pull` and `plug` may be called from any thread."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_out = False
        self._is_mute = False
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # --- What a test may do to it ---

    def pull(self) -> None:
        """Break every connection, and each new one."""
        self._do(self._pull)

    def freeze(self) -> None:
        """Keep connections open, and let nothing through, as a network that lost its way does."""
        self._do(self._flows.clear)

    def mute(self) -> None:
        """Let requests through, and drop every answer."""
        self._do(lambda: setattr(self, "_is_mute", True))

    def plug(self) -> None:
        """All is well again."""
        self._do(self._plug)

    # --- Its own loop ---

    def _do(self, action: Callable[[], None]) -> None:
        done = threading.Event()

        def act() -> None:
            action()
            done.set()

        self._loop.call_soon_threadsafe(act)
        done.wait()

    def _pull(self) -> None:
        self._is_out = True
        for writer in self._writers:
            writer.transport.abort()

    def _plug(self) -> None:
        self._is_out = self._is_mute = False
        self._flows.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_out:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        mine = {writer, back}
        self._writers |= mine
        try:
            await asyncio.gather(
                self._carry(reader, back), self._carry(there, writer, is_answer=True)
            )
        finally:
            self._writers -= mine

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        try:
            while data := await source.read(65_536):
                await self._flows.wait()
                if not (is_answer and self._is_mute):
                    sink.write(data)
                    await sink.drain()
        except ConnectionError:
            sink.transport.abort()
        finally:
            sink.close()

    def run(self, listening: threading.Event) -> None:
        """Serve until `stop`; `port` is known when `listening` is set."""

        async def serve() -> None:
            server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            self._server = server
            listening.set()

        self._loop.run_until_complete(serve())
        self._loop.run_forever()
        self._server.close()
        self._pull()
        self._loop.run_until_complete(self._finish())
        self._loop.close()

    async def _finish(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextmanager
def cable_to(target: int) -> Iterator[Cable]:
    """A cable to a port of this machine, plugged in; gone with the block."""
    cable, listening = Cable(target), threading.Event()
    thread = threading.Thread(target=cable.run, args=(listening,), daemon=True)
    thread.start()
    listening.wait()
    try:
        yield cable
    finally:
        cable.stop()
        thread.join()
