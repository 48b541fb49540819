"""`[[raw: BASE64]]`: an answer in every letter, with what hangs on it, of a JSON object.

`text` and `reasoning`, cut into pieces of `letters`; `citations` (url, title, content); the names
of `model` and `provider` on the wire; `error`: the message with which the stream ends. So it can
hold what no prompt carries: brackets, control characters, hostile names.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from openrouter.emulator.answer import Answer, Kind, Part
from openrouter.emulator.directives import Directives
from openrouter.emulator.web import Refusal

ORDER = "raw"


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was ordered. Empty names and an empty error are not sent."""

    text: str = ""
    reasoning: str = ""
    citations: tuple[dict[str, str], ...] = ()
    model: str = ""
    provider: str = ""
    error: str = ""
    letters: int = 8

    def answer(self, native_finish_reason: str) -> Answer:
        pieces = self._cut(self.text)
        before = [*self._thoughts(), *self._cited()]
        tokens = len(pieces) + sum(part.tokens for part in before)
        return Answer(before, pieces, (), tokens, native_finish_reason=native_finish_reason)

    @property
    def failure(self) -> Mapping[str, Any]:
        """The error object of the last chunk."""
        who = {"provider_name": self.provider, "raw": self.error}
        return {"code": 502, "message": self.error, "metadata": who}

    def _cut(self, text: str) -> list[str]:
        size = max(1, self.letters)
        return [text[at : at + size] for at in range(0, len(text), size)]

    def _thoughts(self) -> Iterator[Part]:
        for piece in self._cut(self.reasoning):
            detail = {"type": "reasoning.text", "text": piece, "format": "unknown", "index": 0}
            yield Part(Kind.REASONING, piece, detail, 1)

    def _cited(self) -> Iterator[Part]:
        for citation in self.citations:
            told = {"start_index": 0, "end_index": 0, **citation}
            yield Part(Kind.ANNOTATION, detail={"type": "url_citation", "url_citation": told})


def script_of(directives: Directives) -> Script | None:
    """The script that a prompt orders; None for most. Raises Refusal (400) for what is none."""
    ordered = directives.orders.get(ORDER)
    if ordered is None:
        return None
    try:
        return msgspec.json.decode(base64.b64decode(ordered, validate=True), type=Script)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise Refusal(400, f"[[raw: ...]] holds no script: {error}") from error
