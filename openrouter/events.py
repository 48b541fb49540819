"""What one streamed reply can tell us: frozen values, no I/O.

Source: OpenRouter API reference, "Streaming", "Usage accounting" and "Reasoning tokens".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from openrouter.errors import OpenRouterError


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money of one generation, as its bill tells them. None: not told.

    `cost_usd` is what the account pays in all. `upstream_cost_usd` is the provider's price;
    it is money of ours only when `is_byok`, and never added to `cost_usd`.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cost_usd: Decimal | None = None
    upstream_cost_usd: Decimal | None = None
    is_byok: bool = False


@dataclass(frozen=True, slots=True)
class Identified:
    """Who answers. Sent with the response's headers and whenever a chunk tells more or other."""

    generation_id: str | None
    model: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDetail:
    """A fragment of `reasoning_details`, byte for byte as it must be sent back."""

    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of a tool call; `id` and `name` come only in the first of an index."""

    index: int
    id: str | None
    name: str | None
    arguments: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """A citation or a parsed file, as it came: type, and the object of that type."""

    annotation: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ImageDelta:
    """An image of the answer, as a data or http URL."""

    url: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The model stopped: stop, length, tool_calls, content_filter, error, or a value of tomorrow.

    Told once for each reason. It is not the end of the stream: usage comes with it or after it.
    """

    reason: str
    native_reason: str | None = None


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The bill so far. It may come more than once (with the finish, after it, with a failure);
    each report replaces the one before, so taking the last is always right."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn failed in mid-stream; told once. What came before stays; usage may still follow."""

    error: OpenRouterError


@dataclass(frozen=True, slots=True)
class Retrying:
    """An attempt failed before its first token, and the client will ask again by itself.

    Each attempt is a request of its own to OpenRouter, with an id and maybe a cost of its own:
    whoever books calls ends one here and begins the next. `attempt` is the one that failed,
    from 1; `delay_s` is how long the client waits before the next. Only the client sends this.
    """

    error: OpenRouterError
    delay_s: float
    attempt: int


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A comment: somebody is still there."""


@dataclass(frozen=True, slots=True)
class Done:
    """`data: [DONE]`: nothing more will come."""


StreamEvent: TypeAlias = (
    Identified
    | TextDelta
    | ReasoningDelta
    | ReasoningDetail
    | ToolCallDelta
    | Annotation
    | ImageDelta
    | Finished
    | UsageReported
    | Failed
    | Retrying
    | KeepAlive
    | Done
)
