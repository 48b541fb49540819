"""Spans for who asks for them, and nothing for everybody else."""

import asyncio
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_django import Settings

from config.handler import PooledHandler
from config.telemetry import traced

TALK = "/c/5f2b0c1e-8a37-4a41-9b0e-6a0f4f0b7d11/"


async def answers(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    await send({"type": "http.response.body", "body": b"two"})


def ask(application: Any, path: str) -> list[dict[str, Any]]:
    """What it sends for a GET."""
    sent: list[dict[str, Any]] = []
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(application({**scope, "scheme": "http", "http_version": "1.1"}, receive, send))
    return sent


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What was traced since the test began."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)  # the public setter works once only
    return exporter


def test_without_the_setting_the_application_is_itself(settings: Settings) -> None:
    settings.TELEMETRY = False
    assert traced(answers) is answers


def test_a_request_is_one_span_named_by_its_route(
    settings: Settings, spans: InMemorySpanExporter
) -> None:
    settings.TELEMETRY = True
    sent = ask(traced(answers), TALK)
    assert [message.get("body") for message in sent] == [None, b"one", b"two"]
    (span,) = spans.get_finished_spans()
    assert span.name == "GET /c/<uuid:pk>/"
    assert span.attributes
    assert span.attributes["http.route"] == "/c/<uuid:pk>/"


def test_an_address_of_nobody_is_named_by_its_method(
    settings: Settings, spans: InMemorySpanExporter
) -> None:
    settings.TELEMETRY = True
    ask(traced(answers), "/wp-login.php")
    assert [span.name for span in spans.get_finished_spans()] == ["GET"]


def test_without_its_package_the_server_says_what_is_missing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TELEMETRY = True
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.asgi", None)
    with pytest.raises(ImproperlyConfigured, match="opentelemetry-instrumentation-asgi"):
        traced(answers)


def test_a_synchronous_middleware_before_ours_is_refused_at_the_start(
    settings: Settings,
) -> None:
    """As OpenTelemetry's for Django puts itself: each request would end in a 500."""
    settings.MIDDLEWARE = ["tests.config.test_handler.outer", *settings.MIDDLEWARE]
    with pytest.raises(ImproperlyConfigured, match=r"tests\.config\.test_handler\.outer"):
        PooledHandler()
