"""Just enough HTTP over ASGI: a request that was read, a reply to send, a refusal to raise."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from openrouter.emulator.money import encode

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

QUICK: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
EXACT: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
USER_ID = "user_2emulator0000000000000000"
MAX_BODY_BYTES = 50_000_000
USUAL_HEADERS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "X-Generation-Id,X-Provider-Name,cf-ray",
    "referrer-policy": "no-referrer, strict-origin-when-cross-origin",
    "x-content-type-options": "nosniff",
    "server": "cloudflare",
}


@dataclass(frozen=True, slots=True)
class Request:
    """Header names are in lower case; the body has been read whole."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json_object(self, *, exact: bool = False) -> dict[str, Any]:
        """The body, a JSON object; `exact`: with Decimal for fractions. Raises Refusal (400)."""
        try:
            found = (EXACT if exact else QUICK).decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal(400, "Invalid JSON in request body") from error
        if not isinstance(found, dict):
            raise Refusal(400, "Invalid input: expected object")
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An error, sent as OpenRouter sends it: an envelope, and the status that is its code."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        metadata: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        with_user: bool = False,
        reply: Reply | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.metadata = metadata
        self.headers = dict(headers or {})
        self.with_user = with_user
        self._reply = reply

    def error_object(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "code": self.status}
        if self.metadata is not None:
            error["metadata"] = dict(self.metadata)
        return error

    def reply(self) -> Reply:
        """The whole answer: the envelope, or what was given in its stead (a page of the edge)."""
        if self._reply:
            return self._reply
        envelope: dict[str, Any] = {"error": self.error_object()}
        if self.with_user:
            envelope["user_id"] = USER_ID
        return Reply(encode(envelope), self.status, headers=self.headers)


def ok(data: object, status: int = 200) -> Reply:
    return Reply(encode(data), status)


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Read a request to its end. Raises Refusal (413) where it is beyond all measure."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            raise Refusal(413, "Request Entity Too Large")
        if not message.get("more_body"):
            break
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers={
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        },
        body=b"".join(parts),
    )


async def start(send: Send, status: int, content_type: str, headers: Mapping[str, str]) -> None:
    """Send the beginning of an answer."""
    ray = {"cf-ray": f"{secrets.token_hex(8)}-FRA"}
    every = {"content-type": content_type, **USUAL_HEADERS, **ray, **headers}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (name.lower().encode(), value.encode("latin-1")) for name, value in every.items()
            ],
        }
    )


async def send_reply(send: Send, reply: Reply) -> None:
    length = {"content-length": str(len(reply.body))}
    await start(send, reply.status, reply.content_type, {**length, **reply.headers})
    await send({"type": "http.response.body", "body": reply.body})
