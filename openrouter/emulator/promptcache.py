"""Prompt caching: which beginning of a prompt the provider has seen a moment ago.

Sources: protocol.md section 5, and the recordings cache-*. Anthropic's models and Qwen's keep what
`cache_control` marks, and bill the writing; Gemini's keep what the last mark is behind, and bill
it as written and as read at once; the others keep by themselves, in blocks, and bill the reading
only, as Gemini's do without a mark.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from openrouter.emulator.ask import Ask
from openrouter.emulator.catalogue import Model
from openrouter.emulator.money import encode

LIFETIME = dt.timedelta(minutes=5)
LEAST_TOKENS = 1024
BLOCK = 128
BY_MARKS = frozenset({"anthropic", "qwen"})
BY_LAST_MARK = "google"


class PromptCache:
    """Digests of prompt beginnings, per model."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], dt.datetime] = {}

    def look(self, ask: Ask, model: Model, now: dt.datetime) -> tuple[int, int]:
        """Tokens read from the cache and tokens written to it, and remember this prompt."""
        if "input_cache_read" not in model.prices or ask.prompt_tokens < LEAST_TOKENS:
            return 0, 0
        every, marked = beginnings(ask, model)
        if model.author == BY_LAST_MARK and marked:
            return self._read_and_written(model, marked[-1], now)
        explicit = model.author in BY_MARKS
        kept = marked if explicit else every
        read = 0
        for beginning, tokens in every:
            if tokens >= LEAST_TOKENS and self._knows(model, beginning, now):
                read = tokens
        for beginning, _ in kept:
            self._seen[model.permaslug, beginning] = now
        if not explicit:
            return read // BLOCK * BLOCK, 0
        last = kept[-1][1] if kept else 0
        read = min(read, last)
        return read, last - read if last >= LEAST_TOKENS else 0

    def _read_and_written(
        self, model: Model, beginning: tuple[str, int], now: dt.datetime
    ) -> tuple[int, int]:
        digest, tokens = beginning
        if tokens < LEAST_TOKENS:
            return 0, 0
        is_known = self._knows(model, digest, now)
        self._seen[model.permaslug, digest] = now
        return tokens, 0 if is_known else tokens

    def _knows(self, model: Model, digest: str, now: dt.datetime) -> bool:
        when = self._seen.get((model.permaslug, digest))
        return when is not None and now - when <= LIFETIME

    def clear(self) -> None:
        self._seen.clear()


def beginnings(ask: Ask, model: Model) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Digest and tokens of the prompt up to each message; and of those with a mark alone."""
    every, marked = [], []
    total = 0
    marks_all = "cache_control" in ask.body
    digest = hashlib.sha256(model.permaslug.encode())
    for message, tokens in zip(ask.messages, ask.message_tokens, strict=True):
        digest.update(encode(plain(message)))
        total += tokens
        every.append((digest.hexdigest(), total))
        if marks_all or is_marked(message):
            marked.append(every[-1])
    return every, marked


def plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """The message as it is without marks: one that moves on leaves the same behind."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    bare = [
        {name: value for name, value in part.items() if name != "cache_control"} for part in parts
    ]
    return {**message, "content": bare}


def is_marked(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    parts = content if isinstance(content, list) else [message]
    return any("cache_control" in part for part in parts)
