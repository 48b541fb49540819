"""Django's handler for ASGI, with all of a request's synchronous work in one piece.

Django changes threads twice for each middleware of a list like ours, nineteen times a request,
and gives each request a thread of its own, with a connection of its own to the database. Here
middleware and view run in one go, on a pool of threads whose connections may stay open.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from io import BytesIO
from typing import Any

from django.core.exceptions import ImproperlyConfigured, RequestDataTooBig
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from chat.database import Database
from chat.views import bad_request
from config.bodies import BodyRefused, bounded

THREADS = 8


class PooledHandler(ASGIHandler):
    """For middleware that can be synchronous, but for the first of the list, which may not."""

    _middleware_chain: Callable[..., Any]

    def __init__(self) -> None:
        for receiver in (reset_queries, close_old_connections):  # a change of threads, for nothing:
            request_started.disconnect(receiver)  # the pool looks after its own connections
        self._pool = Database(THREADS, "request")
        self._pool.open()
        super().__init__()

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """A body that is too large or too slow is refused before it has come."""
        try:
            await super().handle(scope, bounded(scope, receive), send)
        except BodyRefused as refused:
            response = await self._pool(_refusal, scope, refused.status)
            response["Connection"] = "close"  # the rest of it is not wanted
            await self.send_response(response, send)

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002 (Django's)
        super().load_middleware(is_async=False)
        if not iscoroutinefunction(self._middleware_chain):
            self._middleware_chain = self._pooled(self._middleware_chain)

    def adapt_method_mode(
        self,
        is_async: Any,
        method: Callable[..., Any],
        method_is_async: Any = None,
        debug: Any = False,  # noqa: FBT002 (Django's)
        name: Any = None,
    ) -> Callable[..., Any]:
        """Into the pool, from asynchronous middleware; what is asynchronous is awaited as it is.

        Raises ImproperlyConfigured for synchronous middleware before asynchronous: to wait on one
        thread of the pool for another would stop all of them at some load.
        """
        if name and not is_async and method_is_async:
            raise ImproperlyConfigured(
                f"{name} is synchronous and cannot stand before ServeStatic."
            )
        return method if method_is_async or not is_async else self._pooled(method)

    def _pooled(self, method: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., Any]:
        async def in_pool(request: HttpRequest) -> HttpResponseBase:
            return await self._pool(method, request)

        return in_pool


def _refusal(scope: dict[str, Any], status: int) -> HttpResponse:
    if status != 413:
        return HttpResponse("This came too slowly.\n", status=status, content_type="text/plain")
    request = ASGIRequest({**scope, "headers": []}, BytesIO())
    request.htmx = (b"hx-request", b"true") in scope["headers"]  # type: ignore[attr-defined]
    return bad_request(request, RequestDataTooBig())
