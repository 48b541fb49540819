"""One answer as a list of parts, before it is paced, faulted and put on the wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple


class Kind(Enum):
    REASONING = "reasoning"  # text, and detail: the item of reasoning_details
    DETAIL = "detail"  # detail: a signature, or what is encrypted
    ANNOTATION = "annotation"
    TEXT = "text"
    TOOL = "tool"  # detail: a fragment of a tool call
    IMAGE = "image"


class Part(NamedTuple):
    """What one chunk carries, and how many tokens of the bill it stands for."""

    kind: Kind
    text: str = ""
    detail: Mapping[str, Any] | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes before the text, the pieces of the text, and what comes after it.

    `tokens`: of the whole answer; `tokens_per_delta`: pieces of text in one chunk.
    """

    before: Sequence[Part]
    pieces: Sequence[str]
    after: Sequence[Part]
    tokens: int
    tokens_per_delta: int = 1
    finish_reason: str = "stop"
    native_finish_reason: str = "stop"
    searches: int = 0
    tools_run: int = 0

    def __iter__(self) -> Iterator[Part]:
        """The parts, made as they are wanted: a long text is thousands of them."""
        yield from self.before
        size = self.tokens_per_delta
        for start in range(0, len(self.pieces), size):
            group = self.pieces[start : start + size]
            yield Part(Kind.TEXT, "".join(group), None, len(group))
        yield from self.after

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def reasoning_tokens(self) -> int:
        return sum(part.tokens for part in self.before if part.kind is Kind.REASONING)

    @property
    def images(self) -> int:
        return sum(part.kind is Kind.IMAGE for part in self.after)
