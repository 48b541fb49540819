"""Every recorded exchange, in every slicing, and compared with what its JSON says by itself."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from openrouter.errors import InvalidRequest, KeyRejected, RateLimited
from openrouter.events import Annotation, Failed, ReasoningDetail, UsageReported
from openrouter.failures import error_from_response
from openrouter.reading import read_data, read_list
from openrouter.results import Generation, ModelInfo
from tests.openrouter.answers import (
    SHARED,
    SLICES,
    arguments_of,
    bill_of,
    comparable,
    events_of,
    failures_of,
    reasoning_of,
    text_of,
)

pytestmark = pytest.mark.shared

BODIES = {path.parent.name: path for path in sorted(SHARED.glob("recordings/*/response.body.*"))}
STREAMS = [n for n, p in BODIES.items() if p.suffix == ".sse" and not n.startswith("responses-")]


def meta(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((BODIES[name].parent / "response.meta.json").read_text())
    return told


def request_path(name: str) -> str:
    asked = json.loads((BODIES[name].parent / "request.json").read_text())
    return str(asked["path"])


ANSWERS = [
    name
    for name, path in BODIES.items()
    if path.suffix == ".json" and meta(name)["status"] == 200 and "/chat/" in request_path(name)
]
ERRORS = [name for name in BODIES if name.startswith("error-")]


def exactly(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def chunks_of(body: bytes) -> list[Any]:
    """The chunks of a recorded stream, read in the plainest way."""
    lines = body.decode().split("\n")
    payloads = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
    return [exactly(payload) for payload in payloads]


def test_the_recordings_are_all_here() -> None:
    assert (len(BODIES), len(STREAMS), len(ERRORS)) == (75, 16, 8)


@pytest.mark.parametrize("size", SLICES)
@pytest.mark.parametrize("name", BODIES)
def test_a_recording_tells_the_same_in_every_slicing(name: str, size: int) -> None:
    body = BODIES[name].read_bytes()
    assert comparable(events_of(body, size)) == comparable(events_of(body))


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_tells_all_its_text_details_and_citations(name: str) -> None:
    body = BODIES[name].read_bytes()
    deltas = [choice["delta"] for chunk in chunks_of(body) for choice in chunk["choices"]]
    events = events_of(body, 64)
    assert text_of(events) == "".join(delta.get("content") or "" for delta in deltas)
    assert reasoning_of(events) == "".join(delta.get("reasoning") or "" for delta in deltas)
    assert [e.detail for e in events if isinstance(e, ReasoningDetail)] == [
        detail for delta in deltas for detail in delta.get("reasoning_details") or []
    ]
    assert [e.annotation for e in events if isinstance(e, Annotation)] == [
        note for delta in deltas for note in delta.get("annotations") or []
    ]
    calls = [call for delta in deltas for call in delta.get("tool_calls") or []]
    for index in {call["index"] for call in calls}:
        assert arguments_of(events, index) == "".join(
            call["function"].get("arguments", "") for call in calls if call["index"] == index
        )


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_tells_its_bill_to_the_last_digit(name: str) -> None:
    body = BODIES[name].read_bytes()
    usage = [chunk["usage"] for chunk in chunks_of(body) if chunk.get("usage")][-1]
    told = bill_of(events_of(body, 7))
    assert told.cost_usd is not None
    assert told.cost_usd.as_tuple() == Decimal(usage["cost"]).as_tuple()
    assert (told.prompt_tokens, told.completion_tokens) == (
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_fails_only_where_an_error_was_sent(name: str) -> None:
    body = BODIES[name].read_bytes()
    sent = [chunk["error"]["message"] for chunk in chunks_of(body) if chunk.get("error")]
    assert [failed.error.detail for failed in failures_of(events_of(body))] == sent


@pytest.mark.parametrize("name", ANSWERS)
def test_a_recorded_answer_is_read_whole(name: str) -> None:
    body = BODIES[name].read_bytes()
    answer = exactly(body)
    message = answer["choices"][0]["message"]
    events = events_of(body)
    assert not failures_of(events)
    assert text_of(events) == (message.get("content") or "")
    told, sent = bill_of(events), answer["usage"]
    assert told.cost_usd == sent.get("cost")
    assert (told.prompt_tokens, told.is_byok) == (sent["prompt_tokens"], sent.get("is_byok", False))


@pytest.mark.parametrize("name", ERRORS)
def test_a_recorded_error_is_of_its_kind(name: str) -> None:
    error = error_from_response(meta(name)["status"], {}, BODIES[name].read_bytes())
    kinds = {400: InvalidRequest, 401: KeyRejected, 429: RateLimited}
    assert type(error) is kinds[meta(name)["status"]]
    assert error.detail
    assert error.detail != "Provider returned error"


@pytest.mark.parametrize("name", ["generation-200", "generation-200-free"])
def test_a_recorded_generation_is_read_to_the_last_digit(name: str) -> None:
    body = BODIES[name].read_bytes()
    told, sent = read_data(Generation, body), exactly(body)["data"]
    assert (told.id, told.usage_usd, told.total_cost_usd) == (
        sent["id"],
        sent["usage"],
        sent["total_cost"],
    )
    assert told.prompt_tokens == sent["native_tokens_prompt"]


@pytest.mark.parametrize(
    "path", sorted(SHARED.glob("catalog/models-*.json")), ids=lambda path: Path(path).stem
)
def test_a_real_catalogue_is_read_without_leaving_a_model_out(path: Path) -> None:
    body = path.read_bytes()
    models, _ = read_list(ModelInfo, body)
    sent = exactly(body)["data"]
    assert [model.id for model in models] == [model["id"] for model in sent]
    for model, told in zip(sent, models, strict=True):
        price = Decimal(model["pricing"]["prompt"])
        assert told.pricing.prompt_usd == (None if price < 0 else price)
        assert told.context_length == model["context_length"]


def reported() -> list[Any]:
    path = SHARED / "recordings" / "reported.json"
    bodies: list[Any] = json.loads(path.read_text())["bodies"] if path.exists() else []
    return bodies


@pytest.mark.parametrize("case", reported(), ids=lambda case: case["id"])
def test_a_reported_body_is_read_as_what_it_was(case: dict[str, Any]) -> None:
    body = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
    if case["status"] >= 400:
        error = error_from_response(case["status"], case.get("headers", {}), body.encode())
        assert error.status == case["status"]
        assert error.detail
        return
    for size in SLICES:
        events = events_of(body, size)
        assert comparable(events) == comparable(events_of(body))
    if "choices" in body and ("error" in case["id"] or "midstream" in case["id"]):
        assert any(isinstance(event, Failed) for event in events)
    if "stream-usage" in case["id"]:
        assert any(isinstance(event, UsageReported) for event in events)
