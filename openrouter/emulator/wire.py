"""The shapes on the wire: chunks of a stream, the answer that is not streamed, comments.

Three habits of the last chunk are known, see protocol.md section 4. The keys and their order are
those of the recordings of June 2026, or with `style` "2025" those of December 2025.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from openrouter.emulator.money import encode
from openrouter.emulator.settings import WireStyle

KEEP_ALIVE = b": OPENROUTER PROCESSING\n\n"
PADDING = b"\n         \n"
DONE = b"data: [DONE]\n\n"


class Wire:
    """Writes the chunks of one generation. What is the same in all of them is built once."""

    def __init__(
        self, *, generation_id: str, created: int, model: str, provider: str, style: WireStyle
    ) -> None:
        self.style = style
        self.generation_id, self.created = generation_id, created
        self.model, self.provider = model, provider
        self._head = self._build_head()
        self._text_head = self._head + b',"choices":[{"index":0,"delta":{'
        self._text_open, self._text_close = self._build_text_frame()

    def _build_head(self) -> bytes:
        names = {
            "id": self.generation_id,
            "object": "chat.completion.chunk",
            "created": self.created,
        }
        who = {"model": self.model, "provider": self.provider}
        if self.style == "2025":
            names = {
                "id": self.generation_id,
                "provider": self.provider,
                "model": self.model,
                "object": "chat.completion.chunk",
                "created": self.created,
            }
            who = {}
        return b"data: " + encode({**names, **who})[:-1]

    def _build_text_frame(self) -> tuple[bytes, bytes]:
        if self.style == "2025":
            return (
                self._text_head + b'"role":"assistant","content":',
                b'},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}\n\n',
            )
        return (
            self._text_head + b'"content":',
            b',"role":"assistant"},"finish_reason":null,"native_finish_reason":null}]}\n\n',
        )

    def text(self, piece: str) -> bytes:
        return self._text_open + msgspec.json.encode(piece) + self._text_close

    def reasoning(self, piece: str, detail: Mapping[str, Any]) -> bytes:
        return self.delta({"content": "", "reasoning": piece, "reasoning_details": [detail]})

    def detail(self, detail: Mapping[str, Any]) -> bytes:
        """A detail without text: a signature, or what is encrypted."""
        return self.delta({"content": "", "reasoning": None, "reasoning_details": [detail]})

    def annotation(self, annotation: Mapping[str, Any]) -> bytes:
        return self.delta({"content": "", "annotations": [annotation]})

    def image(self, image: Mapping[str, Any]) -> bytes:
        return self.delta({"content": "", "images": [image]})

    def tool_call(self, fragment: Mapping[str, Any]) -> bytes:
        return self.delta({"content": None, "tool_calls": [fragment]})

    def delta(self, delta: Mapping[str, Any]) -> bytes:
        return self.chunk(choices=[self.choice(delta)])

    def finish(self, reason: str, native: str | None) -> bytes:
        return self.chunk(choices=[self.choice({"content": ""}, reason, native)])

    def usage(self, usage: Mapping[str, Any], reason: str | None, native: str | None) -> bytes:
        """The last chunk before [DONE], in the habit of this wire's style."""
        if self.style == "2025":
            return self.chunk(choices=[self.choice({"content": ""})], usage=usage)
        if self.style == "empty":
            return self.chunk(choices=[], usage=usage)
        return self.chunk(
            service_tier=None, choices=[self.choice({"content": ""}, reason, native)], usage=usage
        )

    def error(self, error: Mapping[str, Any], *, empty: bool = False, **more: Any) -> bytes:
        """A failure in mid-stream; `empty`: with choices that are an empty list."""
        choices = [] if empty else [self.choice({"content": ""}, "error", "error")]
        return self.chunk(error=error, choices=choices, **more)

    def choice(
        self, delta: Mapping[str, Any], reason: str | None = None, native: str | None = None
    ) -> dict[str, Any]:
        whole = {"content": delta.get("content"), "role": "assistant", **delta}
        if self.style == "2025":
            whole = {"role": "assistant", **delta}
        choice = {
            "index": 0,
            "delta": whole,
            "finish_reason": reason,
            "native_finish_reason": native,
        }
        return {**choice, "logprobs": None} if self.style == "2025" else choice

    def chunk(self, **fields: Any) -> bytes:
        return self._head + b"," + encode(fields)[1:] + b"\n\n"

    def whole(
        self,
        message: Mapping[str, Any],
        reason: str,
        native: str | None,
        usage: Mapping[str, Any] | None,
        error: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The answer that is not streamed, without the padding before it."""
        choice: dict[str, Any] = {
            "index": 0,
            "logprobs": None,
            "finish_reason": reason,
            "native_finish_reason": native,
            "message": {"role": "assistant", "content": None, "refusal": None, "reasoning": None}
            | dict(message),
        }
        if error:
            choice["error"] = dict(error)
        answer = {
            "id": self.generation_id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "provider": self.provider,
            "system_fingerprint": None,
            "service_tier": None,
            "choices": [choice],
        }
        return encode({**answer, "usage": dict(usage)} if usage else answer)
