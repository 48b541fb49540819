"""A way to the server that counts what comes back: the bytes of a browser's sockets on the wire."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 65_536


class Counter:
    """Forwards connections to a port of this machine. `socket_bytes` is what WebSockets brought,
    as it came: compressed where the server compresses, with the heads of frames."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self.socket_bytes = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self) -> None:
        """Until the door is closed."""
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        far = socket.create_connection(("127.0.0.1", self._target))
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        first = near.recv(CHUNK)
        far.sendall(first)
        is_socket = first.startswith(b"GET /ws/")
        threading.Thread(target=_pour, args=(near, far), daemon=True).start()
        with suppress(OSError):
            while data := far.recv(CHUNK):
                if is_socket:
                    self.socket_bytes += len(data)
                near.sendall(data)
            near.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._door.close()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def counted(target: int) -> Iterator[Counter]:
    counter = Counter(target)
    threading.Thread(target=counter.serve, daemon=True).start()
    try:
        yield counter
    finally:
        counter.close()
