"""Events of a stream in, a reply being written out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chat.source import printable
from openrouter.errors import OpenRouterError
from openrouter.events import (
    Annotation,
    Failed,
    Finished,
    Identified,
    ReasoningDelta,
    ReasoningDetail,
    Retrying,
    StreamEvent,
    TextDelta,
    Usage,
    UsageReported,
)


@dataclass(slots=True)
class Draft:
    """What has come of a reply so far."""

    text: list[str] = field(default_factory=list)
    given: int = field(default=0, kw_only=True)  # pieces of text that an earlier answer had
    reasoning: list[str] = field(default_factory=list)
    reasoning_details: list[Mapping[str, Any]] = field(default_factory=list)
    annotations: list[Mapping[str, Any]] = field(default_factory=list)
    generation_id: str | None = None
    model: str | None = None
    provider: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    failure: OpenRouterError | None = None

    def apply(self, event: StreamEvent) -> tuple[str, str]:
        """Take one event; return the text and the reasoning that it adds to the page.

        A picture is kept elsewhere, and adds nothing here.
        """
        match event:
            case TextDelta(text):
                self.text.append(text := printable(text))
                return text, ""
            case ReasoningDelta(text):
                self.reasoning.append(text := printable(text))
                return "", text
            case ReasoningDetail(detail):
                self.reasoning_details.append(detail)
            case Annotation(annotation):
                self.annotations.append(annotation)
            case Identified() | Retrying():
                self._identify(event)
            case Finished(reason):
                self.finish_reason = reason
            case UsageReported(usage):
                self.usage = usage
            case Failed(error):
                self.failure = self.failure or error
        return "", ""

    @property
    def whole_text(self) -> str:
        return "".join(self.text)

    @property
    def may_have_cost(self) -> bool:
        """Whether money may have been spent, should no figure have come: when in doubt, yes."""
        if self.failure is None or self.failure.may_have_cost:
            return True
        return bool(self.generation_id or self.text[self.given :] or self.reasoning)

    def _identify(self, event: Identified | Retrying) -> None:
        if isinstance(event, Retrying):  # the next attempt is a request of its own, as yet unnamed
            self.generation_id = self.model = self.provider = self.finish_reason = None
            self.usage = None
            return
        self.generation_id = event.generation_id or self.generation_id
        self.model = event.model or self.model
        self.provider = event.provider or self.provider
