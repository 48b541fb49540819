"""Whatever is sent, an answer comes back: never a bug of the emulator's."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrouter.emulator.app import create_app
from openrouter.emulator.settings import DEMO_KEY, DEMO_MANAGEMENT_KEY, instant
from openrouter.emulator.shapes import RANGES, TYPES
from openrouter.emulator.transport import EmulatorTransport
from tests.emulator.conftest import connected
from tests.emulator.reading import MODEL, ask, read

LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner)
)
FIELDS = st.sampled_from([*TYPES, *RANGES, "messages", "max_tokens", "max_completion_tokens"])
WORDS = ("type", "properties", "items", "enum", "anyOf", "minItems", "minimum", "const")
TYPE_NAMES = ("object", "array", "integer", "number", "string", "boolean", "null", "other")
SCHEMAS = st.recursive(
    st.fixed_dictionaries({"type": st.sampled_from(TYPE_NAMES)}),
    lambda inner: st.dictionaries(
        st.sampled_from(WORDS), JSON | inner | st.lists(inner, max_size=2), max_size=4
    ),
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool"])},
        optional={"content": JSON, "tool_calls": JSON},
    ),
    max_size=3,
)
BODIES = st.fixed_dictionaries(
    {"model": st.just(MODEL), "messages": MESSAGES | st.just([{"role": "user", "content": "Hi"}])}
).flatmap(lambda body: st.dictionaries(FIELDS, JSON, max_size=3).map(lambda odd: body | odd))


def talk(method: str, path: str, key: str, **sent: Any) -> httpx.Response:
    """One request to an emulator of its own."""

    async def run() -> httpx.Response:
        transport = EmulatorTransport(create_app(instant()))
        headers = {"authorization": f"Bearer {key}"}
        base = "http://emulator"
        async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
            return await client.request(method, path, **sent)

    return asyncio.run(run())


def without_nan(value: Any) -> Any:
    """JSON has no infinities."""
    if isinstance(value, float):
        return value if abs(value) < 1e9 else 0.5
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return value


@settings(max_examples=80, deadline=None)
@given(BODIES)
def test_no_chat_request_breaks_it(body: dict[str, Any]) -> None:
    response = talk("POST", "/api/v1/chat/completions", DEMO_KEY, json=without_nan(body))
    assert response.status_code < 500, response.text


@settings(max_examples=80, deadline=None)
@given(SCHEMAS)
def test_no_schema_breaks_it(schema: dict[str, Any]) -> None:
    parameters = without_nan(schema)
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": parameters}}
    tool = {"type": "function", "function": {"name": "clock", "parameters": parameters}}
    for more in ({"response_format": wanted}, {"tools": [tool], "tool_choice": "required"}):
        response = talk("POST", "/api/v1/chat/completions", DEMO_KEY, json=ask(**more))
        assert response.status_code == 200, response.text


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["keys", "auth/keys", "auth/keys/code"]), JSON)
def test_no_other_body_breaks_it(path: str, body: Any) -> None:
    key = DEMO_MANAGEMENT_KEY if path == "keys" else DEMO_KEY
    response = talk("POST", f"/api/v1/{path}", key, json=without_nan(body))
    assert response.status_code < 500, response.text


async def test_a_bug_would_be_loud(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected() as (client, emulator):

        def broken(*_: object) -> None:
            raise RuntimeError("broken for a test")

        monkeypatch.setattr(emulator.world.router, "route", broken)
        with caplog.at_level(logging.ERROR), pytest.raises(httpx.RemoteProtocolError):
            await read(client, ask())
    told = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert "broken for a test" in told
