"""Spans for OpenTelemetry, where TELEMETRY asks for them; who wants them installs its packages.

`opentelemetry-instrument` sets up where spans go, from its own OTEL_* variables, and instruments
the libraries below (psycopg, redis); this is the one piece that has to know us. Only requests are
traced: a socket lives for hours, and what it is sent twenty times a second must not pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import Resolver404, resolve


def traced(application: Any) -> Any:
    """The ASGI application with a span for each of its requests; itself where nobody asks for it.

    Raises ImproperlyConfigured where the package is missing.
    """
    if not settings.TELEMETRY:
        return application
    try:
        asgi = import_module("opentelemetry.instrumentation.asgi")
    except ImportError as error:
        raise ImproperlyConfigured(
            "TELEMETRY=true needs the package opentelemetry-instrumentation-asgi."
        ) from error
    return asgi.OpenTelemetryMiddleware(
        application, default_span_details=_named, exclude_spans=["receive", "send"]
    )


def _named(scope: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """A span is named by its route: a name for each conversation would be a name too many."""
    try:
        route = f"/{resolve(scope['path']).route}"
    except Resolver404:
        return scope["method"], {}
    return f"{scope['method']} {route}", {"http.route": route}
