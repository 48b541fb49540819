"""A chat request's body, and a whole answer made of its events."""

import pytest

from openrouter.errors import Unavailable
from openrouter.events import (
    Annotation,
    Failed,
    Finished,
    Identified,
    ImageDelta,
    ReasoningDelta,
    ReasoningDetail,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from openrouter.types import ChatRequest, Completion, FunctionCall, completion_of
from tests.openrouter.answers import events_of, stream

MESSAGES = [{"role": "user", "content": "Hello?"}]


def test_only_what_was_set_is_sent() -> None:
    request = ChatRequest(model="a/b", messages=MESSAGES, max_completion_tokens=9, temperature=0.0)
    assert request.body(stream=True) == {
        "model": "a/b",
        "messages": MESSAGES,
        "max_completion_tokens": 9,
        "temperature": 0.0,
        "stream": True,
    }


def test_what_has_no_field_here_can_still_be_sent() -> None:
    request = ChatRequest(
        model="a/b", messages=MESSAGES, max_completion_tokens=9, extra={"min_p": 0.1}
    )
    assert request.body(stream=False)["min_p"] == 0.1


def test_an_answer_needs_room() -> None:
    with pytest.raises(ValueError, match="room for an answer"):
        ChatRequest(model="a/b", messages=MESSAGES, max_completion_tokens=0)


def test_an_answer_is_all_that_its_events_tell() -> None:
    usage = Usage(prompt_tokens=3)
    answer = completion_of(
        [
            Identified("gen-1"),
            Identified("gen-1", "m", "P"),
            Annotation({"type": "file"}),
            ReasoningDelta("so"),
            ReasoningDetail({"text": "so"}),
            TextDelta("Hel"),
            ToolCallDelta(1, "b", "g", "{}"),
            ToolCallDelta(0, "a", "f", '{"x":'),
            TextDelta("lo"),
            ToolCallDelta(0, None, None, "1}"),
            ImageDelta("https://x.example/i.png"),
            Finished("length"),
            Finished("tool_calls"),
            UsageReported(Usage(prompt_tokens=1)),
            UsageReported(usage),
        ]
    )
    assert answer == Completion(
        generation_id="gen-1",
        model="m",
        provider="P",
        text="Hello",
        reasoning="so",
        reasoning_details=({"text": "so"},),
        tool_calls=(FunctionCall("a", "f", '{"x":1}'), FunctionCall("b", "g", "{}")),
        annotations=({"type": "file"},),
        image_urls=("https://x.example/i.png",),
        finish_reason="tool_calls",
        usage=usage,
    )


def test_an_answer_of_nothing_is_empty() -> None:
    assert completion_of([]) == Completion()


def test_a_failure_among_the_events_is_raised() -> None:
    with pytest.raises(Unavailable, match="gone"):
        completion_of([TextDelta("half"), Failed(Unavailable("gone"))])


def test_calls_in_parallel_are_whole_in_the_answer() -> None:
    answer = completion_of(events_of(stream("parallel-tool-calls.sse"), 7))
    assert answer.tool_calls == (
        FunctionCall("call_a", "timetable", '{"line":7}'),
        FunctionCall("call_b", "timetable", '{"line":9}'),
        FunctionCall("call_c", "now", ""),
    )
