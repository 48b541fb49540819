"""`python -m openrouter.decode < stream.sse`: the events of an answer, one JSON object a line.

For an operator who looks into what came. Exit status: 0 when the answer was read to its end (also
one that tells of a failure), 1 when it is cut off or no answer at all, 2 when nothing was given.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, BinaryIO, Final, TextIO

import msgspec

from openrouter.decoder import StreamDecoder
from openrouter.errors import OpenRouterError, ProtocolError, StreamInterrupted
from openrouter.events import Failed, StreamEvent, UsageReported

_READ_AT_ONCE: Final = 65_536
# escaped, because many readers (Python's str.splitlines is one) would end a line there
_LINE_ENDS_OF_UNICODE: Final = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}


def as_json_object(event: StreamEvent) -> dict[str, Any]:
    """The event with its `type` first; money as text, so that no reader rounds it."""
    told: dict[str, Any] = {"type": _snake_case(type(event).__name__)}
    source = event.usage if isinstance(event, UsageReported) else event
    for field in dataclasses.fields(source):
        value = getattr(source, field.name)
        told[field.name] = f"{value:f}" if isinstance(value, Decimal) else value
    return told


def decode_all(source: BinaryIO, target: TextIO) -> int:
    """Write the events of `source` to `target` as they come. Returns the exit status."""
    decoder, problem, is_empty = StreamDecoder(), None, True
    while piece := _read_some(source):
        is_empty = False
        _write(decoder.feed(piece), target)
    if is_empty:
        sys.stderr.write("Nothing came on standard input: give me the body of an answer.\n")
        return 2
    last = decoder.close()
    _write(last, target)
    for event in last:
        if isinstance(event, Failed) and isinstance(event.error, ProtocolError | StreamInterrupted):
            problem = event.error
    if problem is None:
        return 0
    sys.stderr.write(f"Not a whole answer: {problem}\n")
    return 1


def main() -> int:
    """Run as a command; see the head of this file."""
    about = (__doc__ or "").strip()
    argparse.ArgumentParser(
        prog="python -m openrouter.decode",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    try:
        return decode_all(sys.stdin.buffer, sys.stdout)
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


def _read_some(source: BinaryIO) -> bytes:
    """What is there, so that a stream can be watched while it comes."""
    read1 = getattr(source, "read1", source.read)
    piece: bytes = read1(_READ_AT_ONCE)
    return piece


def _write(events: Iterable[StreamEvent], target: TextIO) -> None:
    target.writelines(_lines(events))
    target.flush()


def _lines(events: Iterable[StreamEvent]) -> Iterator[str]:
    for event in events:
        line = msgspec.json.encode(as_json_object(event), enc_hook=_told).decode()
        yield line.translate(_LINE_ENDS_OF_UNICODE) + "\n"


def _told(value: object) -> object:
    if isinstance(value, OpenRouterError):
        return {
            "kind": _snake_case(type(value).__name__),
            "detail": value.detail,
            "status": value.status,
            "retryable": value.retryable,
            "may_have_cost": value.may_have_cost,
            "retry_after_s": value.retry_after_s,
            "generation_id": value.generation_id,
        }
    raise NotImplementedError(type(value))


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


if __name__ == "__main__":
    sys.exit(main())
