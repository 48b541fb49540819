"""A chat request and its whole answer: frozen values, no I/O.

What the other endpoints answer is in `results.py`. Source: OpenRouter API reference, "Chat
completions", and its OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from openrouter.events import (
    Annotation,
    Failed,
    Finished,
    Identified,
    ImageDelta,
    ReasoningDelta,
    ReasoningDetail,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)

_Event = TypeVar("_Event")

MOST_MODELS: Final = 3  # "'models' array must have 3 items or fewer", a 400 that no document names
_LONGEST_SESSION_ID: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One question to a model.

    `max_completion_tokens` has no default on purpose: without it OpenRouter reserves the model's
    maximum, and refuses a cheap prompt with 402 when the balance cannot pay for that.
    `fallbacks` are tried in their order when `model` fails, at most two; one unknown id among
    them fails the whole request. What is None is not sent. `extra` goes into the body as it is,
    for what has no field here.

    Raises ValueError when there are more than two fallbacks, or no room for an answer.
    """

    model: str
    messages: Sequence[Mapping[str, Any]]
    max_completion_tokens: int
    fallbacks: tuple[str, ...] = ()
    user: str | None = None  # stable id of the person: isolates blocks for abuse
    session_id: str | None = None  # keeps a conversation on one provider, and its cache warm
    provider: Mapping[str, Any] | None = None
    reasoning: Mapping[str, Any] | None = None
    plugins: Sequence[Mapping[str, Any]] | None = None
    tools: Sequence[Mapping[str, Any]] | None = None
    tool_choice: str | Mapping[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: Mapping[str, Any] | None = None
    modalities: Sequence[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: Sequence[str] | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    metadata: Mapping[str, str] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    api_key: str = field(default="", repr=False)  # in place of the client's; in no body

    def __post_init__(self) -> None:
        if 1 + len(self.fallbacks) > MOST_MODELS:
            raise ValueError(f"at most {MOST_MODELS - 1} fallbacks, not {len(self.fallbacks)}")
        if self.max_completion_tokens < 1:
            raise ValueError("max_completion_tokens must leave room for an answer")

    def body(self, stream: bool) -> dict[str, Any]:  # noqa: FBT001  (the contract between the parts)
        """The JSON object to send, with only what was set."""
        told = {name: getattr(self, name) for name in _SENT_AS_THEY_ARE}
        body = {name: value for name, value in told.items() if value is not None}
        body["stream"] = stream
        if self.session_id:
            body["session_id"] = self.session_id[:_LONGEST_SESSION_ID]
        if self.fallbacks:
            body["models"] = [self.model, *self.fallbacks]
        return {**body, **self.extra}


_SENT_AS_THEY_ARE: Final = (
    *("model", "messages", "max_completion_tokens", "user", "provider", "reasoning", "plugins"),
    *("tools", "tool_choice", "parallel_tool_calls", "response_format", "modalities"),
    *("temperature", "top_p", "top_k", "seed", "stop", "verbosity", "service_tier", "metadata"),
)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call that the model asks for. `arguments` is text: JSON if the model kept to it."""

    id: str | None
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A whole answer."""

    generation_id: str | None = None
    model: str | None = None
    provider: str | None = None
    text: str = ""
    reasoning: str = ""
    reasoning_details: tuple[Mapping[str, Any], ...] = ()
    tool_calls: tuple[FunctionCall, ...] = ()
    annotations: tuple[Mapping[str, Any], ...] = ()
    image_urls: tuple[str, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None


def completion_of(events: Iterable[StreamEvent]) -> Completion:
    """All that the events of one answer tell, in one value.

    Raises the OpenRouterError of a Failed among them.
    """
    seen = list(events)
    for event in seen:
        if isinstance(event, Failed):
            raise event.error
    who = _last(seen, Identified) or Identified(None)
    finish, bill = _last(seen, Finished), _last(seen, UsageReported)
    return Completion(
        generation_id=who.generation_id,
        model=who.model,
        provider=who.provider,
        text="".join(event.text for event in seen if isinstance(event, TextDelta)),
        reasoning="".join(event.text for event in seen if isinstance(event, ReasoningDelta)),
        reasoning_details=tuple(e.detail for e in seen if isinstance(e, ReasoningDetail)),
        tool_calls=_tool_calls(event for event in seen if isinstance(event, ToolCallDelta)),
        annotations=tuple(e.annotation for e in seen if isinstance(e, Annotation)),
        image_urls=tuple(event.url for event in seen if isinstance(event, ImageDelta)),
        finish_reason=finish.reason if finish else None,
        usage=bill.usage if bill else None,
    )


def _tool_calls(fragments: Iterable[ToolCallDelta]) -> tuple[FunctionCall, ...]:
    calls: dict[int, FunctionCall] = {}
    for it in fragments:
        so_far = calls.get(it.index, FunctionCall(None, "", ""))
        calls[it.index] = FunctionCall(
            so_far.id or it.id, so_far.name or it.name or "", so_far.arguments + it.arguments
        )
    return tuple(calls[index] for index in sorted(calls))


def _last(events: Sequence[StreamEvent], kind: type[_Event]) -> _Event | None:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)
