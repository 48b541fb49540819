"""How a request reaches its view."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from config.handler import PooledHandler

pytestmark = pytest.mark.django_db  # Django looks after old connections when a request begins
SEEN: list[tuple[str, str]] = []  # what ran, and the name of its thread


def note(what: str) -> None:
    SEEN.append((what, threading.current_thread().name))


def outer(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        note("outer")
        return get_response(request)

    return middleware


def inner(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        note("inner")
        return get_response(request)

    return middleware


def view(_: HttpRequest) -> HttpResponse:
    note("view")
    return HttpResponse("seen")


def broken(_: HttpRequest) -> HttpResponse:
    raise ValueError("a bug")


urlpatterns = [path("", view), path("broken/", broken)]
HERE = "tests.config.test_handler"
SYNCHRONOUS = [f"{HERE}.outer", f"{HERE}.inner"]
STATIC_FILES = "servestatic.middleware.ServeStaticMiddleware"


async def ask(address: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of a GET."""
    handler, never = PooledHandler(), asyncio.Event()
    sent: list[Mapping[str, Any]] = []
    messages = [{"type": "http.request", "body": b""}]

    async def receive() -> dict[str, Any]:
        while not messages:
            await never.wait()
        return messages.pop()

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": address, "query_string": b"", "headers": []}
    await handler(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], dict(sent[0]["headers"]), body


@pytest.mark.parametrize("first", [[], [STATIC_FILES]], ids=["none", "static files"])
async def test_middleware_and_view_run_on_one_thread_of_the_pool(first: list[str]) -> None:
    SEEN.clear()
    with override_settings(MIDDLEWARE=[*first, *SYNCHRONOUS], ROOT_URLCONF=HERE):
        status, _, body = await ask("/")
    assert (status, body) == (200, b"seen")
    assert [what for what, _ in SEEN] == ["outer", "inner", "view"]
    (thread,) = {name for _, name in SEEN}
    assert thread.startswith("request")


async def test_a_bug_in_a_view_is_a_500_and_not_a_broken_connection() -> None:
    with override_settings(MIDDLEWARE=SYNCHRONOUS, ROOT_URLCONF=HERE):
        status, _, _ = await ask("/broken/")
    assert status == 500
