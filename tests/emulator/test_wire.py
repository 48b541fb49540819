"""The shapes on the wire are those that were recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openrouter.emulator.settings import EmulatorSettings, instant
from tests.emulator.conftest import connected
from tests.emulator.reading import Read, ask, read, whole

RECORDINGS = Path(__file__).resolve().parents[2].parent / "shared" / "openrouter" / "recordings"
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def recorded(name: str) -> Read:
    return Read((RECORDINGS / name / "response.body.sse").read_bytes(), {})


def recorded_json(name: str) -> Any:
    return json.loads((RECORDINGS / name / "response.body.json").read_text())


def shape(value: Any) -> Any:
    """The keys of a value, in their order, down to the leaves."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__[:0]


def shapes(stream: Read) -> Iterator[str]:
    """Each kind of chunk once, in the order of their first appearance."""
    seen = dict.fromkeys(str(shape(chunk)) for chunk in stream.chunks)
    yield from seen


@pytest.mark.shared
async def test_a_text_stream_has_the_chunks_of_june_2026() -> None:
    async with connected() as (client, _):
        ours = await read(client, ask("Count from 1 to 3"))
    theirs = recorded("stream-text-anthropic-bedrock")
    assert list(shapes(ours)) == list(shapes(theirs))
    assert ours.finishes == theirs.finishes == ["stop", "stop"]
    assert ours.chunks[0]["model"] == theirs.chunks[0]["model"]


@pytest.mark.shared
async def test_a_text_stream_has_the_chunks_of_2025_when_asked() -> None:
    async with connected(instant(wire_style="2025")) as (client, _):
        ours = await read(client, ask("Count from 1 to 5", model="openai/gpt-3.5-turbo"))
    theirs = recorded("stream-text-openai-2025")
    for place in (1, -1):  # a chunk of text, and the one with usage
        assert set(theirs.chunks[place]) - set(ours.chunks[place]) <= {"system_fingerprint"}
    assert ours.finishes == theirs.finishes == ["stop"]
    assert str(shape(ours.deltas[0])) == str(shape(theirs.deltas[0]))


@pytest.mark.shared
async def test_a_tool_call_comes_in_fragments_as_recorded() -> None:
    async with connected() as (client, _):
        ours = await read(client, ask("How is the weather?", tools=[WEATHER]))
    theirs = recorded("stream-tool-call-anthropic")
    assert set(ours.deltas[0]) == set(theirs.deltas[0])
    assert set(ours.deltas[0]["tool_calls"][0]) == set(theirs.deltas[0]["tool_calls"][0])
    assert ours.finishes == theirs.finishes == ["tool_calls", "tool_calls"]
    assert ours.chunks[-1]["choices"][0]["native_finish_reason"] in ("tool_use", "STOP")
    arguments = "".join(
        call["function"]["arguments"]
        for delta in ours.deltas
        for call in delta.get("tool_calls", ())
    )
    assert set(json.loads(arguments)) == {"city"}


@pytest.mark.shared
async def test_reasoning_comes_with_details_and_a_signature_alone_at_the_end() -> None:
    async with connected() as (client, _):
        ours = await read(client, ask(reasoning={"effort": "low"}))
    theirs = recorded("stream-reasoning-anthropic-signature")

    def details(stream: Read) -> list[dict[str, Any]]:
        return [item for delta in stream.deltas for item in delta.get("reasoning_details") or ()]

    assert {"type", "text", "format", "index"} == set(details(ours)[0])
    assert details(ours)[0]["format"] == details(theirs)[1]["format"]
    assert "signature" in details(ours)[-1]
    assert details(ours)[-1].get("text", "") == details(theirs)[-1].get("text", "") == ""
    joined = "".join(item.get("text", "") for item in details(ours))
    assert joined == "".join(delta.get("reasoning") or "" for delta in ours.deltas) != ""


@pytest.mark.shared
async def test_an_encrypted_detail_comes_whole() -> None:
    async with connected() as (client, _):
        ours = await read(client, ask(model="openai/o3", reasoning={"effort": "low"}))
    theirs = recorded("stream-reasoning-openai-encrypted")

    def sealed(stream: Read) -> dict[str, Any]:
        every = [item for delta in stream.deltas for item in delta.get("reasoning_details") or ()]
        return next(item for item in every if item["type"] == "reasoning.encrypted")

    assert set(sealed(ours)) == set(sealed(theirs))
    assert sealed(ours)["format"] == sealed(theirs)["format"]


@pytest.mark.shared
async def test_citations_come_before_the_text_and_the_search_is_paid() -> None:
    search = {"type": "openrouter:web_search", "parameters": {"max_uses": 1}}
    async with connected() as (client, _):
        ours = await read(client, ask("Where is the library?", tools=[search]))
    theirs = recorded("stream-web-search-citations")
    assert str(shape(ours.deltas[0])) == str(shape(theirs.deltas[0]))
    assert shape(ours.usages[0].keys()) == shape(theirs.usages[0].keys())
    assert set(ours.usages[0]) == set(theirs.usages[0])
    assert ours.usages[0]["cost"] > ours.usages[0]["cost_details"]["upstream_inference_cost"]


@pytest.mark.shared
async def test_an_answer_in_one_piece_has_the_recorded_keys() -> None:
    async with connected() as (client, _):
        ours = await whole(client, ask("Count from 1 to 3"))
    assert shape(ours) == shape(recorded_json("text-anthropic-2026"))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("error-400-invalid-model", {"model": "nonexistent/fake-model-12345"}),
        ("error-400-on-stream-request", {"model": "invalid/nonexistent-model", "stream": True}),
        ("error-400-temperature", {"temperature": 5.0}),
        (
            "error-400-all-fallbacks-invalid",
            {
                "model": None,
                "models": ["invalid/nonexistent-model-1", "invalid/nonexistent-model-2"],
            },
        ),
    ],
)
async def test_refusals_are_worded_as_recorded(name: str, body: dict[str, Any]) -> None:
    async with connected() as (client, _):
        response = await client.post("/chat/completions", json=ask() | body)
    theirs = recorded_json(name)
    ours = response.json()
    assert response.status_code == theirs["error"]["code"]
    assert ours["error"]["message"] == theirs["error"]["message"]
    assert shape(ours) == shape(theirs)


@pytest.mark.shared
async def test_a_prompt_beyond_the_context_is_refused_as_recorded() -> None:
    async with connected() as (client, _):
        response = await client.post("/chat/completions", json=ask("word " * 300_000))
    ours, theirs = response.json()["error"], recorded_json("error-400-context-length")["error"]
    assert response.status_code == 400
    assert ours["message"].split(".")[0] == theirs["message"].split(".")[0]
    assert ours["message"].endswith("compress your prompt automatically.")


@pytest.mark.shared
async def test_a_missing_key_is_refused_as_recorded() -> None:
    async with connected(key="") as (client, _):
        del client.headers["authorization"]
        response = await client.post("/chat/completions", json=ask())
    assert response.status_code == 401
    assert response.json() == recorded_json("error-401-missing-header")


@pytest.mark.shared
async def test_a_stored_generation_has_every_recorded_field() -> None:
    async with connected() as (client, _):
        stream = await read(client, ask())
        stored = (await client.get("/generation", params={"id": stream.id})).json()["data"]
    assert set(recorded_json("generation-200")["data"]) <= set(stored)


@pytest.mark.shared
async def test_models_are_listed_with_the_facts_of_the_stored_list() -> None:
    async with connected() as (client, _):
        ours = (await client.get("/models")).json()
    folder = RECORDINGS.parent / "catalog"
    theirs = json.loads((folder / "models-2026-08-04.sample.json").read_text())
    assert {"data", "total_count", "links"} <= set(ours)
    by_id = {model["id"]: model for model in ours["data"]}
    for model in theirs["data"]:
        mine = by_id[model["id"]]
        for fact in ("pricing", "context_length", "canonical_slug", "supported_parameters"):
            assert mine[fact] == model[fact], (model["id"], fact)
        assert set(model) - set(mine) <= {"benchmarks"}


async def test_the_first_comment_comes_before_a_slow_first_token() -> None:
    settings = EmulatorSettings(first_token_s=0.2, keep_alive_s=0.05, tokens_per_s=10_000)
    async with connected(settings) as (client, _):
        stream = await read(client, ask("Count from 1 to 3"))
        padded = await client.post("/chat/completions", json=ask("Count from 1 to 3", stream=False))
    assert stream.raw.startswith(b": OPENROUTER PROCESSING\n\n")
    assert stream.comments >= 3
    assert padded.text[0].isspace()
    assert padded.json()["choices"][0]["message"]["content"] == "1, 2, 3"


async def test_every_delta_carries_the_role() -> None:
    async with connected() as (client, _):
        stream = await read(client, ask())
    assert {delta["role"] for delta in stream.deltas} == {"assistant"}


async def test_the_generation_id_is_in_the_header_and_in_every_chunk() -> None:
    async with connected() as (client, _):
        stream = await read(client, ask())
    assert {chunk["id"] for chunk in stream.chunks} == {stream.id}
    assert stream.id.startswith("gen-")
    assert len(stream.id.split("-")[2]) == 20


async def test_the_cost_is_written_as_the_real_service_writes_numbers() -> None:
    async with connected() as (client, _):
        stream = await read(client, ask("one word: bees?", model="google/gemini-2.5-flash-lite"))
    assert b"e-" in stream.raw or b'"cost":0.0000' in stream.raw
    assert b'"cost":"' not in stream.raw
