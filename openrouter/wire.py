"""The JSON of chat completions as it is on the wire: what we read of it, and nothing else.

One set of shapes serves the chunks of a stream (`delta`) and the whole answer (`message`).
Every field may be missing or null, unknown ones are skipped, and enums are plain text, because
OpenRouter adds fields and values without notice. Sources: OpenRouter API reference, "Chat
completions", and recorded traffic, which differs from it (`provider` and `annotations`, say).
"""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import msgspec

from openrouter.errors import ProtocolError


class ImagePart(msgspec.Struct):
    image_url: Any = None


class Function(msgspec.Struct):
    name: str | None = None
    arguments: Any = None


class ToolCall(msgspec.Struct):
    index: int | float | str | None = None
    id: str | int | None = None
    function: Function | None = None


class Content(msgspec.Struct):
    """What both `delta` and `message` hold."""

    content: str | list[Any] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None  # what DeepSeek, vLLM and llama.cpp call it
    reasoning_details: list[Any] | None = None
    tool_calls: list[ToolCall] | None = None
    annotations: list[Any] | None = None
    images: list[ImagePart] | None = None


class Choice(msgspec.Struct):
    delta: Content | None = None
    message: Content | None = None
    finish_reason: str | None = None
    native_finish_reason: str | int | None = None
    error: Any = None


class PromptDetails(msgspec.Struct):
    cached_tokens: int | float | None = None
    cache_write_tokens: int | float | None = None


class CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | float | None = None


class CostDetails(msgspec.Struct):
    upstream_inference_cost: Decimal | None = None


class UsageBody(msgspec.Struct):
    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None
    cost: Decimal | None = None
    is_byok: bool | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    cost_details: CostDetails | None = None


class Chunk(msgspec.Struct):
    """One chunk of a stream, or one whole answer."""

    id: str | None = None
    model: str | None = None
    provider: str | None = None
    choices: list[Choice] | None = None
    usage: UsageBody | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(Chunk)
_FAULTS = (ValueError, RecursionError, ArithmeticError)  # msgspec's errors are ValueErrors
_MENDED_LATER = {"content", "reasoning", "reasoning_content"}  # by StreamDecoder, across chunks


def parse_chunk(text: str | bytes) -> Chunk:
    """Read one JSON object as a chunk or answer.

    Raises ProtocolError for what is neither.
    """
    try:
        return _decoder.decode(text)
    except _FAULTS as fault:
        return _parse_odd_chunk(text, fault)


def mend(text: str) -> str:
    """The text with its surrogate pairs joined, and U+FFFD for halves that are alone."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _parse_odd_chunk(text: str | bytes, fault: Exception) -> Chunk:
    """Read what msgspec refuses and others do send: half a surrogate pair (a provider cut an emoji
    in two), NaN, a field beside the answer that has an unexpected type and is left out then.
    """
    chunk = Chunk()
    try:
        loose = _scrubbed(json.loads(text, parse_constant=lambda _: None, strict=False))
        bill = json.loads(text, parse_float=Decimal, parse_constant=lambda _: None, strict=False)
        loose["usage"] = _scrubbed(bill.get("usage"))  # a cost must not pass a float even here
        chunk.choices = msgspec.convert(loose.get("choices"), list[Choice] | None)
    except (*_FAULTS, AttributeError, TypeError) as odd_fault:
        raise ProtocolError(f"not a chunk of an answer ({odd_fault})") from fault
    chunk.error = loose.get("error")
    for name, kind in (("id", str), ("model", str), ("provider", str), ("usage", UsageBody)):
        with contextlib.suppress(ValueError):
            setattr(chunk, name, msgspec.convert(loose.get(name), kind))
    return chunk


def _scrubbed(value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        return value if key in _MENDED_LATER else mend(value)
    if isinstance(value, dict):
        return {mend(name): _scrubbed(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    return value
