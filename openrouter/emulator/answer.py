"""One answer as a list of parts, before it is paced, faulted and put on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(Enum):
    REASONING = "reasoning"  # payload: text, detail: the reasoning_details item
    DETAIL = "detail"  # detail: a signature, or what is encrypted
    ANNOTATION = "annotation"
    TEXT = "text"
    TOOL = "tool"  # detail: a fragment of a tool call
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Part:
    """What one chunk carries, and how many tokens of the bill it stands for."""

    kind: Kind
    text: str = ""
    detail: Mapping[str, Any] | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """`message`: the same answer in the shape that is not streamed."""

    parts: Sequence[Part]
    message: Mapping[str, Any]
    finish_reason: str = "stop"
    native_finish_reason: str = "stop"
    searches: int = 0
    tools_run: int = 0
    images: int = 0

    @property
    def tokens(self) -> int:
        return sum(part.tokens for part in self.parts)

    @property
    def reasoning_tokens(self) -> int:
        return sum(part.tokens for part in self.parts if part.kind in (Kind.REASONING, Kind.DETAIL))
