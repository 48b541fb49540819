"""daphne, as `make run` starts it, bounded as uvicorn is: it hands out whole bodies and frames.

Twisted stores a body to its end before the application hears of the request, and daphne takes
frames of any size. Neither has a setting of daphne's own, so its classes are told here. Whoever
sends nothing at all is disconnected by Twisted after a minute.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, Final

from autobahn.websocket.types import ConnectionDeny

from config.bodies import BYTES_PER_S, PATIENCE_S, SPARED_BYTES, most_bytes

logger = logging.getLogger(__name__)

MOST_FRAME_BYTES: Final = 65_536  # as for uvicorn in deploy/; our pages send no frames at all
_ENDS: Final = b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def bound_daphne() -> None:
    """Does nothing where daphne does not serve this process."""
    protocols = sys.modules.get("daphne.http_protocol"), sys.modules.get("daphne.ws_protocol")
    if not all(protocols):
        return
    http, sockets = protocols
    _bound_bodies(http.WebRequest)  # type: ignore[union-attr]
    _bound_frames(sockets.WebSocketFactory)  # type: ignore[union-attr]
    _refuse_odd_handshakes(sockets.WebSocketProtocol)  # type: ignore[union-attr]


def _bound_bodies(requests: Any) -> None:
    take = requests.handleContentChunk

    def handle_content_chunk(self: Any, data: bytes) -> None:
        if not hasattr(self, "began_s"):
            self.began_s, self.got, self.is_cut = time.monotonic(), 0, False
        if self.is_cut:
            return
        self.got += len(data)
        slow = time.monotonic() > self.began_s + PATIENCE_S + self.got / BYTES_PER_S
        if slow or self.got > _most(self):
            self.is_cut = True
            status = b"408 Request Timeout" if slow else b"413 Content Too Large"
            self.channel.transport.write(b"HTTP/1.1 " + status + _ENDS)
            self.channel.transport.loseConnection()
        else:
            take(self, data)

    requests.handleContentChunk = handle_content_chunk


def _most(request: Any) -> int:
    """What is stored before it is cut: some more than is taken, so that the view can say why."""
    kinds = request.requestHeaders.getRawHeaders(b"content-type") or [b""]
    return most_bytes({"headers": [(b"content-type", kinds[0])]}) + SPARED_BYTES


def _bound_frames(factory: Any) -> None:
    reset = factory.resetProtocolOptions

    def reset_protocol_options(self: Any) -> None:
        reset(self)
        self.maxFramePayloadSize = self.maxMessagePayloadSize = MOST_FRAME_BYTES

    factory.resetProtocolOptions = reset_protocol_options


def _refuse_odd_handshakes(protocol: Any) -> None:
    """A subprotocol that is no ASCII is the client's fault: daphne answers 500, and logs it."""
    connect = protocol.onConnect

    def on_connect(self: Any, request: Any) -> Any:
        if not str(request.headers.get("sec-websocket-protocol", "")).isascii():
            raise ConnectionDeny(ConnectionDeny.BAD_REQUEST)  # type: ignore[no-untyped-call]
        return connect(self, request)

    protocol.onConnect = on_connect
