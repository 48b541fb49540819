"""A chat request, read and checked as the real service checks it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from openrouter.emulator.catalogue import Catalogue, Model
from openrouter.emulator.directives import Directives, read_directives
from openrouter.emulator.money import encode
from openrouter.emulator.shapes import check_messages, check_ranges, check_shapes
from openrouter.emulator.tokens import count, count_message
from openrouter.emulator.web import Refusal

MOST_MODELS = 3


@dataclass(frozen=True)
class Ask:
    """`models`: who may answer, in order. `body`: the request as it came."""

    body: Mapping[str, Any]
    models: tuple[Model, ...]
    requested: str
    directives: Directives
    message_tokens: tuple[int, ...]
    tool_tokens: int
    session_id: str | None

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        messages: Sequence[Mapping[str, Any]] = self.body["messages"]
        return messages

    @property
    def prompt_tokens(self) -> int:
        return sum(self.message_tokens) + self.tool_tokens + 3

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def max_tokens(self) -> int | None:
        found = self.body.get("max_completion_tokens") or self.body.get("max_tokens")
        return int(found) if found else None

    @property
    def tools(self) -> list[Mapping[str, Any]]:
        return [tool for tool in self.body.get("tools") or [] if tool.get("type") == "function"]

    @property
    def earlier(self) -> str:
        """What the person had said before the last message."""
        said = [message_text(one) for one in self.messages if one.get("role") == "user"]
        return said[-2] if len(said) > 1 else ""

    @cached_property
    def searches_web(self) -> bool:
        """By server tool, by the old plugin, or by the old suffix."""
        named = {str(tool.get("type")) for tool in self.body.get("tools") or []}
        plugins = {str(plugin.get("id")) for plugin in self.body.get("plugins") or []}
        online = any(":online" in model.variant for model in self.models)
        return "openrouter:web_search" in named or "web" in plugins or online

    @property
    def compresses(self) -> bool:
        """Whether what is too long is to be shortened and not refused."""
        plugins = {str(plugin.get("id")) for plugin in self.body.get("plugins") or []}
        transforms = self.body.get("transforms") or ()
        return "context-compression" in plugins or "middle-out" in transforms

    @cached_property
    def conversation(self) -> str:
        """A digest of how the conversation began: what sticky routing goes by without a session."""
        first = [message for message in self.messages if message.get("role") == "system"][:1]
        second = [message for message in self.messages if message.get("role") != "system"][:1]
        return self.session_id or hashlib.sha256(encode([*first, *second])).hexdigest()

    @cached_property
    def digest(self) -> str:
        """A digest of the whole prompt: the same when the same request is tried again."""
        return hashlib.sha256(encode(list(self.messages))).hexdigest()


def message_text(message: Mapping[str, Any]) -> str:
    """The text of a message, its parts joined."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = [part for part in content or () if isinstance(part, Mapping)]
    return "\n".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")


def read_ask(body: Mapping[str, Any], headers: Mapping[str, str], catalogue: Catalogue) -> Ask:
    """Check a request. Raises Refusal (400, 404) in the words of the real service."""
    check_messages(body)
    check_shapes(body)
    check_ranges(body)
    names = model_names(body)
    models = tuple(known(name, catalogue) for name in names)
    ask = Ask(
        body=body,
        models=models,
        requested=names[0],
        directives=read_directives(last_words(body["messages"])),
        message_tokens=tuple(count_message(message) for message in body["messages"]),
        tool_tokens=sum(count(str(tool)) for tool in body.get("tools") or ()),
        session_id=body.get("session_id") or headers.get("x-session-id"),
    )
    check_identity(ask)
    return ask


def last_words(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the person said last."""
    said = (
        message_text(message) for message in reversed(messages) if message.get("role") == "user"
    )
    return next(said, "")


def model_names(body: Mapping[str, Any]) -> list[str]:
    """The model, then the fallbacks, without doubles."""
    fallbacks = body.get("models") or []
    if len(fallbacks) > MOST_MODELS:
        raise Refusal(400, f"'models' array must have {MOST_MODELS} items or fewer.")
    names = [body["model"]] if body.get("model") else []
    return list(dict.fromkeys([*names, *fallbacks])) or ["openrouter/auto"]


def known(name: str, catalogue: Catalogue) -> Model:
    found = catalogue.find(str(name))
    if found is None:
        raise Refusal(400, f"{name} is not a valid model ID", with_user=True)
    if found.id.endswith(":batch"):
        raise Refusal(400, f"{name} is only available through the Batch API")
    return found


def check_identity(ask: Ask) -> None:
    if ask.session_id is not None and len(str(ask.session_id)) > 256:
        raise Refusal(400, "session_id must be at most 256 characters")
    metadata = ask.body.get("metadata") or {}
    if len(metadata) > 16:
        raise Refusal(400, "metadata must have at most 16 keys")
    if any(len(key) > 64 or len(str(value)) > 512 for key, value in metadata.items()):
        raise Refusal(400, "metadata keys are at most 64 characters long, values at most 512")
