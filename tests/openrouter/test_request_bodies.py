"""Every body and query that we send, against OpenRouter's own OpenAPI document."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

from openrouter.client import OpenRouterClient
from openrouter.testing import ReplayTransport, Reply
from openrouter.types import ChatRequest
from tests.openrouter.answers import DONE, SHARED, chunk, stream
from tests.openrouter.upstream import all_of, asking

pytestmark = pytest.mark.shared

PLAIN: dict[str, Any] = {
    "model": "example/beacon",
    "messages": [{"role": "user", "content": "Hello?"}],
    "max_completion_tokens": 200,
}
DETAIL = {"type": "reasoning.text", "text": "Hm", "signature": "abc", "index": 0, "format": None}
WEATHER = {
    "type": "function",
    "function": {"name": "wind", "description": "?", "parameters": {"type": "object"}},
}
CONVERSATION: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
            {
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,AA==", "detail": "auto"},
            },
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
            },
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "reasoning_details": [DETAIL],
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "wind", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "7 Bft"},
    {"role": "user", "content": "And now?"},
]
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "with fallbacks": {"fallbacks": ("example/second", "example/third")},
    "of a person in a conversation": {"user": "u-17", "session_id": "conversation-9"},
    "a conversation": {"messages": CONVERSATION},
    "with provider preferences": {
        "provider": {
            "order": ["anthropic"],
            "allow_fallbacks": False,
            "data_collection": "deny",
            "require_parameters": True,
            "max_price": {"prompt": "1", "completion": "2.5"},
            "sort": "price",
        }
    },
    "with effort": {"reasoning": {"effort": "high", "exclude": True}},
    "with a budget of thought": {"reasoning": {"max_tokens": 2000}},
    "with tools": {"tools": [WEATHER], "tool_choice": "auto", "parallel_tool_calls": False},
    "with a server tool": {
        "tools": [{"type": "openrouter:web_search", "parameters": {"max_uses": 2}}]
    },
    "with the router's settings": {
        "plugins": [{"id": "auto-router", "allowed_models": ["anthropic/*"], "cost_tier": "low"}]
    },
    "with a schema": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "title", "strict": True, "schema": {"type": "object"}},
        }
    },
    "with an image": {"modalities": ("image", "text")},
    "with every number": {
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 40,
        "seed": 7,
        "stop": ("\n\n",),
        "verbosity": "low",
        "service_tier": "flex",
        "metadata": {"call": "17"},
        "extra": {"min_p": 0.1, "trace": {"trace_id": "t"}},
    },
}


@cache
def spec() -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(
        (SHARED / "openapi.yaml").read_text(), Loader=yaml.CSafeLoader
    )
    return document


def check(value: Any, schema: dict[str, Any]) -> None:
    """Raise ValidationError with the place where the value is not what the document says."""
    whole = {**schema, "components": spec()["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def operation(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = spec()["paths"][path][method.lower()]
    return found


def check_body(method: str, path: str, content: bytes) -> None:
    body = operation(method, path)["requestBody"]["content"]["application/json"]
    check(json.loads(content), body["schema"])


def check_query(path: str, query: dict[str, str]) -> None:
    known = {it["name"]: it["schema"] for it in operation("GET", path)["parameters"]}
    assert set(query) <= set(known)
    for name, value in query.items():
        wants_number = "integer" in str(known[name].get("type"))
        check(int(value) if wants_number else value, known[name])


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_chat_request_is_what_the_document_describes(name: str) -> None:
    request = ChatRequest(**{**PLAIN, **REQUESTS[name]})
    streamed = Reply(body=(chunk("x", finish="stop") + DONE).encode())
    transport = ReplayTransport(streamed, Reply(body=stream("answer-padded.json")))
    async with asking(transport) as client:
        await all_of(client.stream_chat(request))
        await client.complete_chat(request)
    for sent, is_stream in zip(transport.requests, (True, False), strict=True):
        check_body("POST", "/chat/completions", sent.content)
        assert json.loads(sent.content)["stream"] is is_stream


def test_the_check_itself_refuses_what_the_document_does_not_know() -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"messages": []},
        {"messages": [{"role": "wizard", "content": "x"}]},
        {**PLAIN, "provider": {"favourite": "x"}},
        {**PLAIN, "service_tier": "royal"},
    )
    for wrong in wrongs:
        with pytest.raises(jsonschema.ValidationError):
            check(wrong, {"$ref": "#/components/schemas/ChatRequest"})


Ask = Callable[[OpenRouterClient], Awaitable[object]]
KEY_BODY = json.dumps({"data": {"hash": "h", "name": "n"}, "key": "sk-or-v1-x"}).encode()
SENDING: dict[str, tuple[str, str, Ask]] = {
    "a key with a limit": (
        "POST",
        "/keys",
        lambda c: c.create_key(
            name="Team",
            limit_usd=Decimal("12.50"),
            limit_reset="monthly",
            include_byok_in_limit=True,
            expires_at=datetime(2027, 1, 1, tzinfo=UTC),
        ),
    ),
    "a key with nothing but a name": ("POST", "/keys", lambda c: c.create_key(name="Team")),
    "a key that loses its limit": (
        "PATCH",
        "/keys/{hash}",
        lambda c: c.update_key("h", limit_usd=None, limit_reset=None),
    ),
    "a key that is renamed and put to sleep": (
        "PATCH",
        "/keys/{hash}",
        lambda c: c.update_key("h", name="Old", disabled=True, include_byok_in_limit=False),
    ),
    "a code for a key": (
        "POST",
        "/auth/keys",
        lambda c: c.exchange_code(code="abc", verifier="v" * 43),
    ),
}


@pytest.mark.parametrize("name", SENDING)
async def test_a_body_is_what_the_document_describes(name: str) -> None:
    method, path, ask = SENDING[name]
    transport = ReplayTransport(Reply(body=KEY_BODY))
    async with asking(transport) as client:
        await ask(client)
    (sent,) = transport.requests
    assert sent.method == method
    check_body(method, path, sent.content)


EMPTY = Reply(body=b'{"data":[]}')
ASKING: dict[str, tuple[str, Ask]] = {
    "models": ("/models", lambda c: c.models(output_modalities="all", limit=500)),
    "keys": ("/keys", lambda c: c.keys(include_disabled=True)),
    "activity": (
        "/activity",
        lambda c: c.activity(day=date(2026, 11, 19), key_hash="h", user_id="u"),
    ),
    "benchmarks": ("/benchmarks", lambda c: c.benchmarks(source="openrouter", max_results=5)),
}


@pytest.mark.parametrize("name", ASKING)
async def test_a_query_is_what_the_document_describes(name: str) -> None:
    path, ask = ASKING[name]
    transport = ReplayTransport(EMPTY)
    async with asking(transport) as client:
        await ask(client)
    (sent,) = transport.requests
    assert sent.url.path == f"/api/v1{path}"
    check_query(path, dict(sent.url.params))


def test_every_path_of_ours_is_in_the_document() -> None:
    paths = {
        *("/chat/completions", "/generation", "/models", "/models/user", "/providers", "/key"),
        *("/models/{author}/{slug}/endpoints", "/keys", "/keys/{hash}", "/credits", "/activity"),
        *("/benchmarks", "/classifications/task", "/auth/keys"),
    }
    assert paths <= set(spec()["paths"])
