"""Decoding for these tests: answers of our own writing, and how to compare what they tell."""

import json
from pathlib import Path
from typing import Any

from openrouter.decoder import StreamDecoder
from openrouter.events import (
    Failed,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from openrouter.testing import sliced

ROOT = Path(__file__).resolve().parents[2]
STREAMS = ROOT / "tests" / "streams"
SHARED = ROOT.parent / "shared" / "openrouter"
NAMES = sorted(path.name for path in STREAMS.iterdir() if path.suffix in {".sse", ".json"})
SLICES = (1, 3, 7, 64, 1000)
WHOLE = 1 << 30


def stream(name: str) -> bytes:
    return (STREAMS / name).read_bytes()


def events_of(data: bytes | str, size: int = WHOLE) -> list[StreamEvent]:
    """All that an answer tells when its bytes come in pieces of this size."""
    decoder = StreamDecoder()
    body = data.encode() if isinstance(data, str) else data
    told = [event for piece in sliced(body, (size,)) for event in decoder.feed(piece)]
    return told + decoder.close()


def comparable(events: list[StreamEvent]) -> list[object]:
    """The events with failures as values: two exceptions are never equal."""
    return [
        (type(e.error), str(e.error), vars(e.error)) if isinstance(e, Failed) else e for e in events
    ]


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def reasoning_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReasoningDelta))


def reasons_of(events: list[StreamEvent]) -> list[str]:
    return [event.reason for event in events if isinstance(event, Finished)]


def failures_of(events: list[StreamEvent]) -> list[Failed]:
    return [event for event in events if isinstance(event, Failed)]


def bill_of(events: list[StreamEvent]) -> Usage:
    """The last report of usage, as a consumer takes it."""
    return [event.usage for event in events if isinstance(event, UsageReported)][-1]


def arguments_of(events: list[StreamEvent], index: int) -> str:
    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    return "".join(event.arguments for event in calls if event.index == index)


def chunk(content: str | None = None, *, finish: str | None = None, **more: Any) -> str:
    """One SSE event with a chunk of an answer; `delta` adds to its delta, the rest to the chunk."""
    delta = {"role": "assistant", "content": content, **more.pop("delta", {})}
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "native_finish_reason": finish}
    body = {"id": "gen-1", "model": "m/one", "provider": "P", "choices": [choice], **more}
    return f"data: {json.dumps(body)}\n\n"


DONE = "data: [DONE]\n\n"
KEEP_ALIVE = ": OPENROUTER PROCESSING\n\n"
