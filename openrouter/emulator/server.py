"""The emulator on a port of this machine, with uvicorn."""

from __future__ import annotations

import socket

import uvicorn

from openrouter.emulator.app import Emulator

BACKLOG = 2048


def bind(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket; port 0 for any that is free. Raises OSError where it is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(BACKLOG)
    except OSError:
        found.close()
        raise
    return found


def make_server(emulator: Emulator, *, log_level: str = "warning") -> uvicorn.Server:
    """A server that is not running yet: `run(sockets=[...])` it, set `should_exit` to end it."""
    config = uvicorn.Config(
        emulator,
        log_level=log_level,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        backlog=BACKLOG,
    )
    return uvicorn.Server(config)
