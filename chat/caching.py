"""Where a provider is to keep what was sent, so that the next turn pays less for it. Pure.

Sources: OpenRouter's document, "Prompt caching", and recorded traffic. Anthropic's models and
Qwen's keep what a `cache_control` marks, up to four marks, and find earlier marks again; of
Gemini's the last mark counts, so it stands behind what stays the same for the whole conversation.
The others keep prompts by themselves. Less than about a thousand tokens is kept by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chat.tokens import tokens_of
from routing.candidates import Candidate

LEAST_TOKENS = 1_024
MARK: Mapping[str, str] = {"type": "ephemeral"}
LATEST = 2  # prompts that are marked: the new one, and the one that the turn before marked
GROWING = frozenset({"anthropic", "qwen"})
STANDING = frozenset({"google"})
PART_TOKENS = 1_000  # of a picture, a file or a recording, at the least

Messages = Sequence[Mapping[str, Any]]


def takes_marks(model: Candidate | None) -> bool:
    """Whether it has to be told what to keep, and has a price for keeping it."""
    if model is None or model.cache_write_usd is None:
        return False
    return model.author in GROWING | STANDING


def with_marks(messages: Messages, model: Candidate | None) -> Messages:
    """The messages with marks where they pay; the same ones where none does."""
    if model is None or not takes_marks(model):
        return messages
    upto, total = [], 0
    for message in messages:
        total += _tokens(message)
        upto.append(total)
    if total < LEAST_TOKENS:
        return messages
    places = _places(messages, is_growing=model.author in GROWING)
    chosen = {at for at in places if upto[at] >= LEAST_TOKENS}
    return [_marked(it) if at in chosen else it for at, it in enumerate(messages)]


def is_marked(messages: Messages) -> bool:
    return any("cache_control" in part for message in messages for part in _parts(message))


def _places(messages: Messages, *, is_growing: bool) -> list[int]:
    """Behind the instructions; then behind the latest prompts, or behind the first one."""
    told = [at for at, message in enumerate(messages) if message["role"] == "system"][-1:]
    asked = [at for at, message in enumerate(messages) if message["role"] == "user"]
    return [*told, *(asked[-LATEST:] if is_growing else asked[:1])]


def _marked(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the mark on its last text: other parts take none, and are kept with the next turn.

    Nothing changes its place, for what is kept is found again only where it is the same.
    """
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    texts = [at for at, part in enumerate(parts) if part["type"] == "text"]
    if not texts:
        return message
    parts[texts[-1]] = {**parts[texts[-1]], "cache_control": dict(MARK)}
    return {**message, "content": parts}


def _parts(message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else ()


def _tokens(message: Mapping[str, Any]) -> int:
    content = message.get("content")
    if isinstance(content, str):
        return tokens_of(content)
    return sum(
        tokens_of(part["text"]) if part["type"] == "text" else PART_TOKENS
        for part in _parts(message)
    )
