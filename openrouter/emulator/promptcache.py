"""Prompt caching: which beginning of a prompt the provider has seen a moment ago.

Source: protocol.md section 5. Anthropic caches where `cache_control` says so, and bills the
writing; the others cache by themselves, in blocks, and bill the reading only.
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


class PromptCache:
    """Digests of prompt beginnings, per model."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], dt.datetime] = {}

    def look(self, ask: Ask, model: Model, now: dt.datetime) -> tuple[int, int]:
        """Tokens read from the cache and tokens written to it, and remember this prompt."""
        if "input_cache_read" not in model.prices or ask.prompt_tokens < LEAST_TOKENS:
            return 0, 0
        explicit = model.author == "anthropic"
        read = written = total = 0
        marked = "cache_control" in ask.body
        digest = hashlib.sha256(model.permaslug.encode())
        beginnings: list[tuple[str, int]] = []
        for message, tokens in zip(ask.messages, ask.message_tokens, strict=True):
            digest.update(encode({**message}))
            total += tokens
            if not explicit or marked or is_marked(message):
                beginnings.append((digest.hexdigest(), total))
        for beginning, tokens in beginnings:
            key = (model.permaslug, beginning)
            if (when := self._seen.get(key)) and now - when <= LIFETIME and tokens >= LEAST_TOKENS:
                read = tokens
            self._seen[key] = now
        if explicit and beginnings and beginnings[-1][1] >= LEAST_TOKENS:
            written = beginnings[-1][1] - read
        return (read if explicit else read // BLOCK * BLOCK), written

    def clear(self) -> None:
        self._seen.clear()


def is_marked(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    parts = content if isinstance(content, list) else [message]
    return any("cache_control" in part for part in parts)
