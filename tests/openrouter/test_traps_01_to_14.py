"""Traps 1 to 14 of OpenRouter's protocol, in streams; one test or more for each, named after it.

What they are and where they were seen: OpenRouter's documentation, recorded traffic, and the issue
trackers of other clients.
"""

import json
from decimal import Decimal

import pytest

from openrouter.errors import (
    RateLimited,
    StreamInterrupted,
    Unavailable,
)
from openrouter.events import (
    Failed,
    ImageDelta,
    ToolCallDelta,
    UsageReported,
)
from tests.openrouter.answers import (
    DONE,
    KEEP_ALIVE,
    SLICES,
    arguments_of,
    bill_of,
    chunk,
    comparable,
    events_of,
    failures_of,
    reasoning_of,
    reasons_of,
    stream,
    text_of,
)

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 0.000123}


def tool_fragment(**call: object) -> str:
    return chunk(None, delta={"tool_calls": [call]})


def test_trap_01_comments_before_between_and_after_data() -> None:
    body = f"{KEEP_ALIVE}{chunk('a')}{KEEP_ALIVE}{chunk('b', finish='stop')}{KEEP_ALIVE}{DONE}"
    kinds = [type(event).__name__ for event in events_of(body)]
    assert kinds.count("KeepAlive") == 3
    assert text_of(events_of(body)) == "ab"


@pytest.mark.parametrize("odd", ["data: : OPENROUTER PROCESSING", "data:", "data: ", "data: ping"])
def test_trap_01_keep_alives_that_a_gateway_turned_into_data(odd: str) -> None:
    events = events_of(f"{odd}\n\n{chunk('a')}{odd}\n\n{chunk('b', finish='stop')}{DONE}")
    assert text_of(events) == "ab"
    assert not failures_of(events)


def test_trap_02_whitespace_before_the_json_of_a_whole_answer() -> None:
    for size in SLICES:
        assert text_of(events_of(stream("answer-padded.json"), size)) == "Worth the wait."


def test_trap_02_a_whole_answer_needs_no_finish_reason() -> None:
    message = {"role": "assistant", "content": "All of it."}
    events = events_of(json.dumps({"choices": [{"message": message, "finish_reason": None}]}))
    assert text_of(events) == "All of it."
    assert not failures_of(events)


def test_trap_03_an_error_body_with_status_200() -> None:
    (failed,) = failures_of(events_of(stream("error-with-status-200.json"), 7))
    assert isinstance(failed.error, RateLimited)
    assert "full just now" in failed.error.detail


def test_trap_04_an_error_chunk_with_empty_choices_is_no_empty_success() -> None:
    (failed,) = failures_of(events_of(stream("error-with-empty-choices.sse")))
    assert isinstance(failed.error, Unavailable)
    assert failed.error.detail == "Concierge: All 33 rooms are taken"


def test_trap_05_an_error_chunk_whose_finish_reason_is_null_after_a_length() -> None:
    events = events_of(stream("error-after-length.sse"))
    assert reasons_of(events) == ["length"]
    assert [failed.error.detail for failed in failures_of(events)] == ["The candle burnt down"]
    assert bill_of(events).cost_usd == 0


def test_trap_06_finish_reason_error_without_an_error_object() -> None:
    events = events_of(stream("finish-error-without-error.sse"))
    (failed,) = failures_of(events)
    assert failed.error.detail == "the model stopped: MALFORMED_FUNCTION_CALL"
    assert failed.error.may_have_cost


def test_trap_06_finish_reason_error_in_a_whole_answer() -> None:
    body = {"choices": [{"finish_reason": "error", "message": {"role": "assistant"}}]}
    assert failures_of(events_of(json.dumps(body)))


def test_trap_07_usage_chunk_with_empty_choices() -> None:
    events = events_of(stream("usage-with-empty-choices.sse"))
    assert bill_of(events).cost_usd == Decimal("6.34e-8")
    assert reasons_of(events) == ["stop"]


def test_trap_07_usage_with_a_repeated_finish() -> None:
    events = events_of(stream("finish-twice.sse"))
    assert reasons_of(events) == ["stop"]
    assert bill_of(events).cost_usd == Decimal("0.000069")


def test_trap_07_usage_after_the_finish_with_finish_null_again() -> None:
    events = events_of(stream("finish-null-again.sse"))
    assert reasons_of(events) == ["stop"]
    assert bill_of(events).cost_usd == Decimal("0.0000225")


def test_trap_07_usage_that_comes_twice_counts_once_when_the_last_is_taken() -> None:
    later = {**USAGE, "cost": 0.0005}
    events = events_of(chunk("a", usage=USAGE) + chunk("", finish="stop", usage=later) + DONE)
    assert sum(isinstance(event, UsageReported) for event in events) == 2
    assert bill_of(events).cost_usd == Decimal("0.0005")


def test_trap_07_usage_that_tells_nothing_replaces_no_bill() -> None:
    nothing = {"prompt_tokens": None, "completion_tokens": None, "total_tokens": 0}
    events = events_of(chunk("a", finish="stop", usage=USAGE) + chunk(usage=nothing) + DONE)
    assert bill_of(events).cost_usd == Decimal("0.000123")


def test_trap_08_the_end_without_finish_and_done_is_an_interruption() -> None:
    events = events_of(stream("cut-in-mid-answer.sse"))
    assert text_of(events) == "The knot holds until the rope"
    (failed,) = failures_of(events)
    assert isinstance(failed.error, StreamInterrupted)
    assert failed.error.generation_id == "gen-1783000115-SnappedRope000000015"


def test_trap_08_the_end_after_a_finish_without_done_is_complete() -> None:
    events = events_of(chunk("a") + chunk("", finish="stop"))
    assert not failures_of(events)


def test_trap_09_the_role_repeated_missing_or_null() -> None:
    deltas = [
        {"role": "assistant", "content": "a"},
        {"content": "b"},
        {"role": None, "content": "c"},
    ]
    body = "".join(chunk(delta=delta) for delta in deltas) + chunk("", finish="stop") + DONE
    assert text_of(events_of(body)) == "abc"


def test_trap_10_content_null_content_with_the_finish_and_nothing_at_all() -> None:
    assert text_of(events_of(chunk(None) + chunk("end", finish="stop") + DONE)) == "end"
    empty = events_of(chunk("", finish="stop", usage={**USAGE, "completion_tokens": 0}) + DONE)
    assert (text_of(empty), reasons_of(empty), failures_of(empty)) == ("", ["stop"], [])


def test_trap_11_tool_fragments_with_only_an_index() -> None:
    events = events_of(stream("tool-call-in-fragments.sse"))
    first, *later = [event for event in events if isinstance(event, ToolCallDelta)]
    assert (first.id, first.name) == ("call_vane_1", "wind_at")
    assert {(event.index, event.id, event.name) for event in later} == {(0, None, None)}


def test_trap_11_tool_fragments_without_index_id_name_or_arguments() -> None:
    body = (
        tool_fragment(id="call_1", type="function", function={"name": "f"})
        + tool_fragment(id=None, function={"name": None, "arguments": '{"x"'})
        + tool_fragment(function={"arguments": ":1}"})
        + tool_fragment()
        + tool_fragment(id="call_2", function={"name": "g", "arguments": {"y": 2}})
        + tool_fragment(id="", function={"name": ""})
        + chunk("", finish="tool_calls")
        + DONE
    )
    events = events_of(body)
    assert [arguments_of(events, index) for index in (0, 1)] == ['{"x":1}', '{"y":2}']
    assert not failures_of(events)


def test_trap_11_two_calls_that_share_a_wrong_index() -> None:
    body = (
        tool_fragment(index=0, id="call_1", function={"name": "f", "arguments": "1"})
        + tool_fragment(index=0, id="call_2", function={"name": "f", "arguments": "2"})
        + tool_fragment(index=0, id="call_1", function={"arguments": "1"})
        + tool_fragment(index=0, id="call_2", function={"arguments": "2"})
    )
    events = events_of(body)
    assert [arguments_of(events, index) for index in (0, 1)] == ["11", "22"]


def test_trap_10_content_as_a_list_of_parts() -> None:
    """Servers that speak this protocol send it, though OpenRouter does not."""
    parts = [
        {"type": "text", "text": "a "},
        {"type": "text", "text": "b"},
        {"type": "image_url", "image_url": {"url": "https://x.example/c.png"}},
        {"type": "image_url", "image_url": {"url": 7}},
        {"type": "of_tomorrow"},
        "bare",
    ]
    events = events_of(chunk(delta={"content": parts}, finish="stop") + DONE)
    assert text_of(events) == "a b"
    assert ImageDelta("https://x.example/c.png") in events
    assert not failures_of(events)


def test_trap_11_an_index_that_is_no_number() -> None:
    body = tool_fragment(
        index="0", id="c", function={"name": "f", "arguments": "a"}
    ) + tool_fragment(index="0", function={"arguments": "b"})
    assert arguments_of(events_of(body), 0) == "ab"


def test_trap_12_parallel_calls_interleave_by_index() -> None:
    events = events_of(stream("parallel-tool-calls.sse"), 3)
    assert [arguments_of(events, index) for index in range(3)] == ['{"line":7}', '{"line":9}', ""]


def test_trap_12_an_index_in_the_calls_of_a_whole_answer() -> None:
    calls = [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "g"}},
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    body = json.dumps({"choices": [{"finish_reason": "tool_calls", "message": message}]})
    told = [event for event in events_of(body) if isinstance(event, ToolCallDelta)]
    assert told == [ToolCallDelta(0, "a", "f", "{}"), ToolCallDelta(1, "b", "g", "")]


@pytest.mark.parametrize("name", ["many-scripts", "many-scripts-crlf", "many-scripts-cr"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 100_000])
def test_trap_13_characters_lines_and_events_cut_anywhere(name: str, size: int) -> None:
    events = events_of(stream(f"{name}.sse"), size)
    assert comparable(events) == comparable(events_of(stream("many-scripts.sse")))
    assert "東京" in text_of(events)


def test_trap_13_data_without_a_space_and_events_without_an_empty_line() -> None:
    events = events_of(stream("from-a-gateway.sse"))
    assert text_of(events) == "No space, no role, no empty line."


@pytest.mark.parametrize("space", ["", " ", "   ", "\t"])
def test_trap_13_any_space_before_the_json(space: str) -> None:
    body = (chunk("a") + chunk("b", finish="stop") + DONE).replace("data: ", f"data:{space}")
    assert text_of(events_of(body)) == "ab"


def test_trap_13_a_control_character_that_json_forbids() -> None:
    body = chunk("a?b", finish="stop").replace("?", "\t")
    assert text_of(events_of(body)) == "a\tb"


def test_trap_13_a_character_whose_halves_come_in_two_chunks() -> None:
    events = events_of(stream("split-surrogates.sse"), 5)
    assert text_of(events) == "Half a bicycle 🚲 and a lone \ufffd half"
    text_of(events).encode()


@pytest.mark.parametrize("half", ["\\ud800", "\\ud83d", "\\udbff"])
@pytest.mark.parametrize("ending", ["", DONE])
def test_trap_13_half_a_character_at_the_very_end_is_not_lost(half: str, ending: str) -> None:
    """Its other half never comes, and no database could store it as it is."""
    last = chunk("HALF", delta={"reasoning": "HALF"}).replace("HALF", half)
    events = events_of(chunk("a", finish="stop") + last + ending)
    assert text_of(events) == "a\ufffd"
    assert reasoning_of(events) == "\ufffd"


def test_trap_14_a_line_of_megabytes() -> None:
    url = "data:image/png;base64," + "A" * 3_000_000
    image = {"type": "image_url", "image_url": {"url": url}}
    body = chunk("", delta={"images": [image]}, finish="stop") + DONE
    kinds = [type(event).__name__ for event in events_of(body, 1000)]
    assert kinds == ["Identified", "ImageDelta", "Finished", "Done"]


def test_only_one_failure_is_told_and_what_follows_still_is() -> None:
    body = (
        chunk("a")
        + chunk("", error={"code": 502, "message": "first"})
        + chunk("", error={"code": 500, "message": "second"}, usage=USAGE)
    )
    events = events_of(body)
    assert [failed.error.detail for failed in failures_of(events)] == ["first"]
    assert bill_of(events).cost_usd == Decimal("0.000123")
    assert isinstance(
        next(event for event in events if isinstance(event, Failed)).error, Unavailable
    )
