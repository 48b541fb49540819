"""A request to OpenRouter: headers, time limits, errors. Nothing else opens a connection.

httpx knows one limit for every read. We tell three apart: connecting, waiting for the first byte
(a slow model may take a minute), and silence in mid-stream, where comments count as life.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, cast

import httpx
import msgspec

from openrouter.attribution import request_headers
from openrouter.connections import StreamTransport
from openrouter.errors import NotConnected, OpenRouterError, StreamInterrupted
from openrouter.failures import error_from_response
from openrouter.patience import Patience

_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_JSON: Final = {"content-type": "application/json"}
# asked for uncompressed: a compressor holds tokens back
_STREAMED: Final = {"accept": "text/event-stream, application/json", "accept-encoding": "identity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """Whom to ask, as whom, and how long to wait. Times are in seconds.

    `api_key` may be empty for a local server that wants none. `first_byte_timeout_s` runs from the
    connection to the headers of the answer; `idle_timeout_s` is the longest silence after them.
    `max_streams` answers may be open at once; further ones wait for their turn.
    """

    api_key: str = field(repr=False)
    base_url: str = "https://openrouter.ai/api/v1"
    app_url: str = ""
    app_title: str = ""
    app_categories: tuple[str, ...] = ("general-chat",)
    connect_timeout_s: float = 10.0
    first_byte_timeout_s: float = 120.0
    idle_timeout_s: float = 120.0
    max_streams: int = 2_000
    max_attempts: int = 3
    proxy_url: str | None = None


class Wire:
    """Sends requests and hands out their answers. Raises nothing but OpenRouterError."""

    def __init__(self, config: ClientConfig, transport: httpx.AsyncBaseTransport | None) -> None:
        self._config = config
        self._closing: set[asyncio.Future[None]] = set()
        self._base_url = config.base_url.rstrip("/")
        self._ours = StreamTransport()
        self._transport = transport or (None if config.proxy_url else self._ours)

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        """httpx's own transport where a proxy is to be used."""
        timeout = httpx.Timeout(self._config.connect_timeout_s, read=None, pool=None)
        return httpx.AsyncClient(
            transport=self._transport, proxy=self._config.proxy_url, timeout=timeout
        )

    @property
    def busy_connections(self) -> int:
        """Connections in use, as far as they are ours."""
        return self._ours.busy_connections

    @cached_property
    def _headers(self) -> dict[str, str]:
        return self._headers_with(self._config.api_key)

    def _headers_with(self, api_key: str) -> dict[str, str]:
        return {
            "user-agent": "Switchboard",
            **request_headers(
                api_key=api_key,
                app_url=self._config.app_url,
                app_title=self._config.app_title,
                app_categories=self._config.app_categories,
            ),
        }

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._client.aclose()

    @asynccontextmanager
    async def answer(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        streamed: bool = False,
        api_key: str = "",
    ) -> AsyncIterator[httpx.Response]:
        """The response once its headers are here, whatever its status; closed at the end.

        `api_key` in place of the client's own: the connections are shared, the key is not.
        Leaving early, by an exception or a cancellation, closes the connection at once.
        """
        request = self._request(method, path, params, body, api_key)
        if streamed:
            request.headers.update(_STREAMED)
        response = await self._send(request)
        try:
            yield response
        finally:
            await self._close(response)

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        api_key: str,
    ) -> httpx.Request:
        headers = self._headers_with(api_key) if api_key else self._headers
        headers = headers if body is None else {**headers, **_JSON}
        try:
            return self._client.build_request(
                method,
                f"{self._base_url}{path}",
                params={k: v for k, v in (params or {}).items() if v is not None},
                content=None if body is None else _encoder.encode(body),
                headers=headers,
            )
        except httpx.InvalidURL as error:
            raise NotConnected(f"the address {self._base_url!r} is none: {error}") from error

    async def _send(self, request: httpx.Request) -> httpx.Response:
        limit_s = self._config.connect_timeout_s + self._config.first_byte_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await self._client.send(request, stream=True)
        except TimeoutError as error:
            raise NotConnected(f"no answer within {limit_s:g} s", may_have_cost=True) from error
        except httpx.HTTPError as error:
            raise NotConnected(str(error) or type(error).__name__) from error

    async def _close(self, response: httpx.Response) -> None:
        """Close it in a task of its own: a second cancellation must not leave the socket open."""
        closing = asyncio.ensure_future(response.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        with contextlib.suppress(httpx.HTTPError):
            await asyncio.shield(closing)

    @asynccontextmanager
    async def reading(self, response: httpx.Response) -> AsyncIterator[Patience]:
        """The pieces of an answer, none of them waited for longer than `idle_timeout_s`."""
        async with aclosing(pieces_of(response)) as pieces:
            patience = Patience(pieces, self._config.idle_timeout_s)
            try:
                yield patience
            finally:
                patience.stop()

    async def whole(self, response: httpx.Response) -> bytes:
        """All bytes of an answer. Raises StreamInterrupted when they do not all come."""
        collected: list[bytes] = []
        async with self.reading(response) as pieces:
            while (piece := await pieces.next()) is not None:
                collected.append(piece)
        return b"".join(collected)

    async def good_body(self, response: httpx.Response) -> bytes:
        """All bytes of an answer whose status is good. Raises what another status stands for."""
        if not response.is_success:
            raise await self.refusal(response)
        return await self.whole(response)

    async def refusal(self, response: httpx.Response) -> OpenRouterError:
        """The error that this response stands for, read to its end as far as that comes."""
        try:
            body = await self.whole(response)
        except StreamInterrupted:
            body = b""
        return error_from_response(response.status_code, response.headers, body)


def pieces_of(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The bytes of an answer as they come, decompressed if need be.

    A transport that had all of them at once (httpx.MockTransport) has no raw bytes any more.
    """
    if "content-encoding" in response.headers or response.is_stream_consumed:
        return cast("AsyncGenerator[bytes, None]", response.aiter_bytes())
    stream = cast("httpx.AsyncByteStream", response.stream)
    return cast("AsyncGenerator[bytes, None]", aiter(stream))
