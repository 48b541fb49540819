"""An emulator on a port of its own, and one in the same process."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx
import pytest

from openrouter.emulator.app import Emulator, create_app
from openrouter.emulator.server import bind, make_server
from openrouter.emulator.settings import EmulatorSettings, instant
from openrouter.emulator.transport import EmulatorTransport

TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Served:
    """An emulator behind a real socket."""

    root: str
    emulator: Emulator

    @property
    def url(self) -> str:
        return f"{self.root}/api/v1"

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.emulator.settings.api_key}"}


@contextmanager
def serving(emulator: Emulator) -> Iterator[Served]:
    """Run an emulator with uvicorn in a thread, on any free port."""
    listening = bind(0)
    port = listening.getsockname()[1]
    server = make_server(emulator, log_level="critical")
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{port}", emulator)
    finally:
        server.should_exit = True
        thread.join(TIMEOUT_S)
        listening.close()


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """One server for all tests that need a socket; they share its bill."""
    with serving(create_app(instant())) as found:
        yield found


@asynccontextmanager
async def connected(
    settings: EmulatorSettings | None = None, *, key: str | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Emulator]]:
    """An httpx client whose upstream is an emulator in the same process."""
    transport = EmulatorTransport(settings or instant())
    secret = transport.emulator.settings.api_key if key is None else key
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://emulator/api/v1",
        headers={"authorization": f"Bearer {secret}"},
        timeout=TIMEOUT_S,
    ) as client:
        yield client, transport.emulator
