"""Whatever comes: nothing is raised that we do not name, and no text that came before is lost."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from openrouter.decoder import StreamDecoder
from openrouter.errors import OpenRouterError, ProtocolError
from openrouter.events import Failed
from openrouter.failures import error_from_object, error_from_response
from openrouter.reading import read, read_data, read_list
from openrouter.results import Generation, KeyInfo, ModelInfo
from openrouter.testing import sliced
from openrouter.wire import parse_chunk
from tests.openrouter.answers import DONE, NAMES, chunk, comparable, events_of, stream, text_of
from tests.openrouter.upstream import KEY

# the same examples on every run, so that a red test is a red change
fuzz = settings(deadline=None, derandomize=True, database=None, max_examples=150)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["error", "NaN", "-1", "1e999999", "\ud83d", 2**70, -1, 1e308]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
DELTA_FIELDS = (
    *("content", "role", "refusal", "reasoning", "reasoning_content", "reasoning_details"),
    *("tool_calls", "annotations", "images"),
)
CHUNK_FIELDS = ("id", "model", "provider", "choices", "usage", "error", "service_tier")
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=6)
ODD_LINES = """\
: OPENROUTER PROCESSING

data:
data
data: [DONE
data: {
event: x
<html>
data: null
data: []
data: {"id":1}
data: {"choices":7}
data: {"choices":[{"delta":null}]}
data: {"choices":null,"error":{"code":"x"}}
data: \ufeff{}
""".splitlines()
DEEP = ["data: " + "[" * 5000, "data: " + '{"a":' * 5000]
LINES = st.sampled_from([*ODD_LINES, *DEEP, "\r"])
NOISE = st.lists(LINES | st.text(max_size=15), max_size=6).map("\n".join)


PARTS = st.lists(
    st.dictionaries(st.sampled_from(["type", "text", "image_url"]), JSON)
    | st.builds(lambda url: {"image_url": {"url": url}}, JSON),
    max_size=3,
)
TOOL_CALLS = st.lists(
    st.dictionaries(st.sampled_from(["index", "id", "function"]), JSON)
    | st.builds(lambda it: {"function": it}, st.dictionaries(st.just("arguments"), JSON)),
    max_size=3,
)
DELTAS = st.dictionaries(st.sampled_from(DELTA_FIELDS), JSON, max_size=3) | st.fixed_dictionaries(
    {}, optional={"content": PARTS, "images": PARTS, "tool_calls": TOOL_CALLS}
)


def odd_chunk(fields: dict[str, Any], delta: dict[str, Any], usage: dict[str, Any]) -> str:
    body = {"choices": [{"delta": delta, "finish_reason": None}], "usage": usage, **fields}
    return f"data: {json.dumps(body)}\n\n"


ODD_CHUNKS = st.builds(
    odd_chunk,
    st.dictionaries(st.sampled_from(CHUNK_FIELDS), JSON, max_size=2),
    DELTAS,
    st.dictionaries(st.sampled_from(["prompt_tokens", "cost", "is_byok", "cost_details"]), JSON),
)


@fuzz
@given(st.binary(max_size=300), SIZES)
def test_any_bytes_in_any_slicing_tell_the_same(data: bytes, sizes: list[int]) -> None:
    decoder = StreamDecoder()
    events = [event for piece in sliced(data, sizes) for event in decoder.feed(piece)]
    assert comparable(events + decoder.close()) == comparable(events_of(data))


@fuzz
@given(st.lists(st.text(max_size=12), max_size=5), NOISE, SIZES)
def test_text_that_came_before_the_noise_is_never_lost(
    texts: list[str], noise: str, sizes: list[int]
) -> None:
    """Half a surrogate pair at the end waits for its other half, and comes as U+FFFD without it."""
    good = "".join(chunk(text) for text in texts).encode()
    decoder = StreamDecoder()
    body = good + b"\n\n" + noise.encode(errors="replace")
    events = [event for piece in sliced(body, sizes) for event in decoder.feed(piece)]
    told = text_of(events + decoder.close())
    assert told.startswith("".join(texts))


@fuzz
@given(st.lists(ODD_CHUNKS | st.just(chunk("known ")), max_size=6), SIZES)
def test_chunks_with_anything_in_them_raise_nothing(chunks: list[str], sizes: list[int]) -> None:
    body = "".join(chunks).encode()
    decoder = StreamDecoder()
    events = [event for piece in sliced(body, sizes) for event in decoder.feed(piece)]
    events += decoder.close()
    assert text_of(events).count("known ") >= sum(part == chunk("known ") for part in chunks)
    assert sum(isinstance(event, Failed) for event in events) <= 1
    text_of(events).encode()


@fuzz
@given(st.sampled_from(NAMES), SIZES)
def test_our_streams_tell_the_same_in_any_slicing(name: str, sizes: list[int]) -> None:
    decoder = StreamDecoder()
    events = [event for piece in sliced(stream(name), sizes) for event in decoder.feed(piece)]
    assert comparable(events + decoder.close()) == comparable(events_of(stream(name)))


@fuzz
@given(st.sampled_from(NAMES), st.integers(0, 6000))
def test_a_stream_cut_anywhere_tells_a_beginning_of_its_text(name: str, length: int) -> None:
    whole, cut = stream(name), stream(name)[:length]
    told = text_of(events_of(cut)).rstrip("\ufffd")
    assert text_of(events_of(whole)).startswith(told)


@fuzz
@given(st.text(max_size=80) | JSON.map(json.dumps))
def test_a_payload_is_a_chunk_or_a_protocol_error(payload: str) -> None:
    try:
        parse_chunk(payload)
    except ProtocolError:
        return


@fuzz
@given(
    st.integers(100, 599),
    st.dictionaries(
        st.sampled_from(["retry-after", "date", "x-generation-id"]), st.text(max_size=30)
    ),
    st.binary(max_size=80) | JSON.map(lambda v: json.dumps({"error": v}).encode()),
)
def test_any_refusal_is_one_of_ours(status: int, headers: dict[str, str], body: bytes) -> None:
    assert isinstance(error_from_response(status, headers, body), OpenRouterError)


@fuzz
@given(
    st.dictionaries(st.sampled_from(["code", "message", "metadata", "availability"]), JSON),
    st.sampled_from(["message", "raw"]),
)
def test_no_error_ever_shows_a_key(error: dict[str, Any], where: str) -> None:
    shown = f"the key {KEY} is wrong"
    odd = {**error, "message": shown} if where == "message" else {"metadata": {"raw": shown}}
    told = error_from_object(odd)
    assert KEY not in f"{told} {told.detail} {told!r}"


@fuzz
@given(JSON, st.sampled_from([ModelInfo, KeyInfo, Generation]))
def test_any_json_is_a_value_or_one_of_our_errors(value: Any, kind: type[Any]) -> None:
    for body in (value, {"data": value}, {"data": [value, {"id": "x", "pricing": value}]}):
        for reading in (read, read_data, read_list):
            try:
                reading(kind, json.dumps(body).encode())
            except OpenRouterError:
                continue


def test_the_end_is_told_once_whatever_stands_before_it() -> None:
    events = events_of(chunk("a") + "data: {broken\n\n" + chunk("b", finish="stop") + DONE)
    assert text_of(events) == "ab"
    assert [type(event.error) for event in events if isinstance(event, Failed)] == [ProtocolError]
