"""Bytes → payloads."""

import pytest

from openrouter.sse import Comment, EventSplitter
from openrouter.testing import sliced

STREAM = (
    ": hello\n\n"
    'data: {"a":"\u2028 and \u0085 stay"}\n\n'
    "data:no space\n\n"
    "data: first\ndata: second\n\n"
    "event: message\nid: 3\nretry: 9\ndata:  two spaces\n\n"
    "data\n\n"
    "data: grüße 🚲\n\n"
    "data: [DONE]\n\n"
)
PAYLOADS = [
    Comment("hello"),
    '{"a":"\u2028 and \u0085 stay"}',
    "no space",
    "first\nsecond",
    " two spaces",
    "",
    "grüße 🚲",
    "[DONE]",
]


def split(data: bytes, size: int) -> list[str]:
    splitter = EventSplitter()
    return [
        payload for piece in sliced(data, (size,)) for payload in splitter.feed(piece)
    ] + splitter.close()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 10_000])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_slicing_and_every_line_end_gives_the_same_payloads(line_end: str, size: int) -> None:
    assert split(STREAM.replace("\n", line_end).encode(), size) == PAYLOADS


def test_comments_are_told_from_payloads_of_the_same_text() -> None:
    first, second = split(b": x\n\ndata: x\n\n", 99)
    assert (type(first), type(second)) == (Comment, str)


@pytest.mark.parametrize("size", [1, 2, 99])
def test_a_byte_order_mark_at_the_start_is_no_part_of_the_first_line(size: int) -> None:
    assert split("\ufeffdata: x\n\n".encode(), size) == ["x"]


def test_a_byte_order_mark_in_the_middle_is_text() -> None:
    assert split("data: a\n\ndata: \ufeffb\n\n".encode(), 99) == ["a", "\ufeffb"]


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert split(b"data: a\xff\xc3(b\n\n", 99) == ["a\ufffd\ufffd(b"]


def test_an_event_is_told_as_soon_as_its_empty_line_is_here() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: x\r\n") == []
    assert splitter.feed(b"\r") == ["x"]
    assert splitter.feed(b"\ndata: y\n\n") == ["y"]


def test_the_end_of_the_bytes_ends_the_last_event() -> None:
    assert split(b"data: a\n\ndata: [DONE]", 4) == ["a", "[DONE]"]


def test_nothing_is_told_twice_at_the_end() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: x\n\n") == ["x"]
    assert splitter.close() == []
    assert splitter.close() == []


def test_lines_of_no_event_stream_are_noticed() -> None:
    splitter = EventSplitter()
    splitter.feed(b"event: x\nid: 1\n: c\n\n")
    assert not splitter.has_foreign_lines
    splitter.feed(b"<html>\n")
    assert splitter.has_foreign_lines


def test_a_line_of_megabytes_is_joined_once() -> None:
    """Every byte of an open line is kept as it came until the line ends: no growing copies."""
    splitter = EventSplitter()
    piece = b"x" * 1000
    splitter.feed(b"data: ")
    for _ in range(4000):
        assert splitter.feed(piece) == []
    assert len(splitter._open_line) == 4001
    assert splitter._open_line[-1] is not None
    (payload,) = splitter.feed(b"\n\n")
    assert payload == "x" * 4_000_000
    assert splitter._open_line == []
