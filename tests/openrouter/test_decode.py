"""The operator's command, run as a person runs it."""

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from openrouter.decode import decode_all
from tests.openrouter.answers import ROOT, SLICES, stream


def run(data: bytes, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    """Exit status, the objects printed, and what was said on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "openrouter.decode", *arguments],
        input=data,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    lines = done.stdout.decode().splitlines()
    return done.returncode, [json.loads(line) for line in lines], done.stderr.decode()


def test_each_event_is_one_object_with_its_type_first() -> None:
    status, events, said = run(stream("finish-twice.sse"))
    assert (status, said) == (0, "")
    assert all(next(iter(event)) == "type" for event in events)
    assert [event["type"] for event in events] == [
        *("keep_alive", "keep_alive", "identified", "text_delta", "text_delta", "keep_alive"),
        *("text_delta", "finished", "usage_reported", "done"),
    ]
    assert "".join(e["text"] for e in events if e["type"] == "text_delta").startswith("A harbour")


def test_money_is_printed_as_text_to_its_last_digit() -> None:
    _, events, _ = run(stream("citations-before-text.sse"))
    (usage,) = [event for event in events if event["type"] == "usage_reported"]
    assert usage["cost_usd"] == "0.0076120000000000003"
    assert usage["prompt_tokens"] == 2204


def test_a_failure_that_was_sent_is_printed_and_is_no_failure_of_ours() -> None:
    status, events, _ = run(stream("error-with-empty-choices.sse"))
    assert (status, events[-1]["type"]) == (0, "failed")
    assert events[-1]["error"]["kind"] == "unavailable"
    assert events[-1]["error"]["generation_id"] == "gen-1784000111-FullHotel00000000011"


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"", 2, "Nothing came on standard input"),
        (b"what is this", 1, "neither an event stream nor an answer"),
        (b"<html><title>Oops</title>", 1, "a web page came instead of an answer: Oops"),
        (b'{"some": "json"}', 1, "neither an answer nor an error"),
        (b'{"cut', 1, "Not a whole answer"),
        (b"\x00\xff\xfe\n\n", 1, "Not a whole answer"),
    ],
)
def test_bad_input_is_told_in_words(data: bytes, status: int, said: str) -> None:
    told_status, _, told = run(data)
    assert told_status == status
    assert said in told
    assert "Traceback" not in told


def test_a_stream_that_is_cut_off_prints_what_came_and_says_so() -> None:
    status, events, said = run(stream("cut-in-mid-answer.sse"))
    assert status == 1
    assert events[1]["text"] == "The knot holds until "
    assert "the stream ended without a finish reason" in said


def test_an_argument_is_refused_with_the_usage() -> None:
    status, _, said = run(b"", "stream.sse")
    assert status == 2
    assert "usage: python -m openrouter.decode" in said


class Pipe(io.BytesIO):
    """Gives its bytes piece by piece, as a network does."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self.size = size

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read(self.size)


@pytest.mark.parametrize("size", SLICES)
def test_the_slicing_of_the_input_changes_nothing(size: int) -> None:
    data = stream("many-scripts.sse")
    told, expected = io.StringIO(), io.StringIO()
    assert decode_all(Pipe(data, size), told) == decode_all(io.BytesIO(data), expected) == 0
    assert told.getvalue() == expected.getvalue()


def test_an_event_is_one_line_for_readers_that_know_the_line_ends_of_unicode() -> None:
    told = io.StringIO()
    decode_all(io.BytesIO(stream("many-scripts.sse")), told)
    assert told.getvalue().splitlines() == told.getvalue().split("\n")[:-1]
    texts = [json.loads(line).get("text", "") for line in told.getvalue().splitlines()]
    assert "\u2028 line separator, \u0085 next line" in texts
