"""Who answers: fallbacks, routers, aliases, variants, preferences, sticky conversations."""

from __future__ import annotations

from typing import Any

import pytest

from openrouter.emulator.settings import instant
from tests.emulator.conftest import connected
from tests.emulator.reading import MODEL, ask, read

PICTURE = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
]
TOOL = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("anthropic/claude-haiku-4.5", "anthropic/claude-4.5-haiku-20251001"),
        ("anthropic/claude-4.5-haiku-20251001", "anthropic/claude-4.5-haiku-20251001"),
        ("openai/gpt-5-mini:nitro", "openai/gpt-5-mini-2025-08-07"),
        ("openai/gpt-5-mini:floor:online", "openai/gpt-5-mini-2025-08-07"),
        ("~anthropic/claude-haiku-latest", None),
    ],
)
async def test_a_model_answers_to_all_of_its_names(name: str, served: str | None) -> None:
    async with connected() as (client, emulator):
        stream = await read(client, ask(model=name))
    assert stream.chunks[0]["model"] == served or served is None
    assert next(iter(emulator.bill)).requested_model == name


async def test_auto_picks_a_real_model_and_the_bill_knows_the_router() -> None:
    async with connected() as (client, _):
        stream = await read(client, ask(model="openrouter/auto"))
        stored = (await client.get("/generation", params={"id": stream.id})).json()["data"]
    assert not stream.chunks[0]["model"].startswith("openrouter/")
    assert stream.usages[-1]["cost"] > 0
    assert stored["router"] == "openrouter/auto"


async def test_no_model_at_all_is_auto() -> None:
    async with connected() as (client, emulator):
        await read(client, ask(model=None))
    assert next(iter(emulator.bill)).router == "openrouter/auto"


async def test_a_conversation_stays_with_its_model_and_provider() -> None:
    async with connected() as (client, _):
        seen = set()
        for turn in range(12):
            body = ask(f"Turn {turn}", model="openrouter/auto", session_id="one")
            chunk = (await read(client, body)).chunks[0]
            seen.add((chunk["model"], chunk["provider"]))
        others = set()
        for number in range(30):
            body = ask("Turn", model="openrouter/auto", session_id=f"other {number}")
            others.add((await read(client, body)).chunks[0]["model"])
    assert len(seen) == 1
    assert len(others) > 2


async def test_models_may_come_without_a_model() -> None:
    async with connected() as (client, _):
        stream = await read(client, ask(model=None, models=[MODEL, "openai/gpt-5-mini"]))
    assert stream.chunks[0]["model"].startswith("anthropic/")


async def test_a_prompt_too_long_for_the_first_goes_to_the_next() -> None:
    body = ask("word " * 20_000, model="openai/gpt-3.5-turbo", models=["openai/gpt-4.1-mini"])
    async with connected() as (client, _):
        stream = await read(client, body)
    assert stream.chunks[0]["model"].startswith("openai/gpt-4.1-mini")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"models": ["a/b", "c/d", "e/f", "g/h"]}, 400, "must have 3 items or fewer"),
        ({"models": [MODEL, "no/such"]}, 400, "no/such is not a valid model ID"),
        ({"model": "openai/gpt-4-turbo:batch"}, 400, "Batch API"),
        ({"messages": []}, 400, 'Input required: specify "prompt" or "messages"'),
        ({"messages": [{"role": "user", "content": ""}]}, 400, "at least 1 token"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, 400, "Invalid role"),
        ({"messages": [{"role": "user", "content": 5}]}, 400, "expected string or array"),
        ({"messages": ["hello"]}, 400, "expected a message"),
        ({"temperature": 2.1}, 400, "Expected temperature to be at most 2, received 2.1"),
        ({"temperature": "hot"}, 400, "expected number"),
        ({"top_p": -1}, 400, "at least 0"),
        ({"max_completion_tokens": 0}, 400, "at least 1"),
        ({"session_id": "x" * 257}, 400, "256"),
        ({"metadata": {str(number): "x" for number in range(17)}}, 400, "16"),
        ({"metadata": {"k": "v" * 513}}, 400, "512"),
        ({"model": "openai/gpt-3.5-turbo", "messages": [{"role": "user", "content": PICTURE}]},
            404, "image input"),
        ({"model": "openai/gpt-3.5-turbo-instruct", "tools": [TOOL]}, 404, "tool use"),
        ({"modalities": ["image", "text"]}, 404, "output modalities"),
        ({"provider": {"only": ["groq"]}}, 404, "No allowed providers"),
    ],
)  # fmt: skip
async def test_what_cannot_be_answered_is_refused(
    body: dict[str, Any], status: int, words: str
) -> None:
    async with connected() as (client, emulator):
        response = await client.post("/chat/completions", json=ask() | body)
    assert response.status_code == status, response.text
    assert words in response.json()["error"]["message"]
    assert len(emulator.bill) == 0


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"{'single': 1}"])
async def test_a_body_that_is_no_object_is_refused(raw: bytes) -> None:
    async with connected() as (client, _):
        response = await client.post("/chat/completions", content=raw)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == 400


async def test_preferences_choose_the_provider() -> None:
    async with connected() as (client, _):
        for slug, name in (("amazon-bedrock", "Amazon Bedrock"), ("anthropic", "Anthropic")):
            only = await read(client, ask(f"By {slug}", provider={"only": [slug]}))
            order = await read(client, ask(f"From {slug}", provider={"order": [slug]}))
            assert only.chunks[0]["provider"] == order.chunks[0]["provider"] == name


async def test_the_room_for_an_answer_ends_it() -> None:
    async with connected() as (client, _):
        stream = await read(client, ask("A long essay about bees", max_completion_tokens=20))
    assert stream.finishes == ["length", "length"]
    assert stream.usages[-1]["completion_tokens"] <= 20


async def test_images_come_where_they_are_asked_for() -> None:
    body = ask("Draw a bee", model="google/gemini-2.5-flash-image", modalities=["image", "text"])
    async with connected() as (client, _):
        stream = await read(client, body)
    images = [image for delta in stream.deltas for image in delta.get("images", ())]
    assert images[0]["image_url"]["url"].startswith("data:image/png;base64,")


async def test_a_schema_is_filled() -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 3}},
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "trip", "schema": schema}}
    async with connected() as (client, _):
        stream = await read(client, ask("A trip", response_format=wanted))
    assert '"days": 3' in stream.text


async def test_a_tool_is_called_only_where_the_prompt_names_it() -> None:
    async with connected() as (client, _):
        named = await read(client, ask("What does the clock say?", tools=[TOOL]))
        other = await read(client, ask("Tell me about bees", tools=[TOOL]))
        forced = await read(client, ask("Bees", tools=[TOOL], tool_choice="required"))
        forbidden = await read(client, ask("The clock?", tools=[TOOL], tool_choice="none"))
    assert named.finishes[0] == forced.finishes[0] == "tool_calls"
    assert other.finishes[0] == forbidden.finishes[0] == "stop"


async def test_a_file_comes_back_parsed_before_the_text() -> None:
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}
    content = [{"type": "text", "text": "What is in it?"}, {"type": "file", "file": file}]
    async with connected() as (client, _):
        body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": content}]}
        first = (await read(client, body)).deltas[0]
    assert first["annotations"][0]["type"] == "file"
    assert set(first["annotations"][0]["file"]) == {"hash", "name", "content"}


async def test_a_prompt_that_may_be_compressed_is_not_too_long() -> None:
    body = ask("word " * 20_000, model="openai/gpt-3.5-turbo")
    async with connected() as (client, _):
        refused = await client.post("/chat/completions", json=body)
        stream = await read(client, body | {"plugins": [{"id": "context-compression"}]})
    assert refused.status_code == 400
    assert stream.is_done


async def test_after_a_tool_has_answered_the_model_speaks() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "What time is it?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "noon"},
    ]
    async with connected(instant()) as (client, _):
        stream = await read(client, ask(tools=[TOOL]) | {"messages": messages})
    assert stream.text
    assert stream.finishes == ["stop", "stop"]


@pytest.mark.parametrize(
    ("query", "check"),
    [
        ("", lambda body: body["total_count"] == len(body["data"]) > 300),
        (
            "?limit=10",
            lambda body: len(body["data"]) == 10 and "offset=10" in body["links"]["next"],
        ),
        ("?offset=370&limit=1000", lambda body: body["links"]["next"] is None),
        ("?q=haiku", lambda body: all("haiku" in model["id"] for model in body["data"])),
        ("?supported_parameters=tools", lambda body: 100 < body["total_count"] < 370),
        ("?output_modalities=image", lambda body: 0 < body["total_count"] < 20),
    ],
)
async def test_the_list_of_models_can_be_narrowed(query: str, check: Any) -> None:
    async with connected() as (client, _):
        body = (await client.get(f"/models{query}")).json()
    assert check(body)
