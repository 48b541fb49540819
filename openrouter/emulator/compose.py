"""From a request to the whole answer: what is thought, searched, called, said and drawn."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openrouter.emulator.annotations import annotate
from openrouter.emulator.answer import Answer, Kind, Part
from openrouter.emulator.ask import Ask
from openrouter.emulator.catalogue import Model
from openrouter.emulator.drawing import picture_url
from openrouter.emulator.listing import reasoning_abilities
from openrouter.emulator.prose import thoughts, write
from openrouter.emulator.providers import Provider
from openrouter.emulator.schema import sample
from openrouter.emulator.script import script_of
from openrouter.emulator.tokens import pieces

FORMATS = {
    "anthropic": "anthropic-claude-v1",
    "openai": "openai-responses-v1",
    "x-ai": "xai-responses-v1",
    "google": "google-gemini-v1",
}
ENCRYPTED = ("openai", "x-ai")
LONGEST = 60_000  # tokens; nobody waits for more


def compose(ask: Ask, model: Model, provider: Provider, seed: int) -> Answer:
    """The answer of a model: the same prompt to the same model gives the same, letter by letter."""
    if "bench" in ask.directives.orders:
        chunks = ask.directives.bench_chunks
        return Answer((), (), (), chunks, native_finish_reason=provider.native_stop)
    if script := script_of(ask.directives):
        return script.answer(provider.native_stop)
    chance = random.Random(f"{seed} {model.permaslug} {ask.directives.text}")  # noqa: S311
    room = Room(ask.max_tokens or model.max_completion_tokens or LONGEST)
    before = room.fit([*reason(ask, model, chance), *annotate(ask, model, chance)])
    calls = tool_calls(ask, provider, chance)
    said = () if calls else room.fit_pieces(pieces(spoken(ask, model, chance)))
    after = room.fit(calls or list(draw(ask)))
    finish = "length" if room.is_short else "tool_calls" if calls else "stop"
    natives = {"stop": provider.native_stop, "tool_calls": provider.native_tools}
    return Answer(
        before=before,
        pieces=said,
        after=after,
        tokens=room.used,
        tokens_per_delta=1 if "say" in ask.directives.orders else provider.tokens_per_delta,
        finish_reason=finish,
        native_finish_reason=natives.get(finish, "length"),
        searches=int(ask.searches_web),
        tools_run=int(ask.searches_web),
    )


class Room:
    """What still fits into the tokens that are allowed; after what does not, nothing does."""

    def __init__(self, most: int) -> None:
        self.left = most
        self.used = 0
        self.is_short = False

    def fit(self, parts: Sequence[Part]) -> list[Part]:
        kept: list[Part] = []
        for part in parts:
            self.is_short = self.is_short or part.tokens > self.left
            if self.is_short:
                break
            self._take(part.tokens)
            kept.append(part)
        return kept

    def fit_pieces(self, text: list[str]) -> list[str]:
        if self.is_short:
            return []
        kept = text[: self.left]
        self.is_short = len(kept) < len(text)
        self._take(len(kept))
        return kept

    def _take(self, tokens: int) -> None:
        self.left -= tokens
        self.used += tokens


def reasons(ask: Ask, model: Model) -> bool:
    """Whether the model thinks aloud before it speaks."""
    abilities = reasoning_abilities(model)
    if abilities is None:
        return False
    wish = ask.body.get("reasoning") or {}
    effort = wish.get("effort") or ask.body.get("reasoning_effort")
    asked = bool(effort or wish.get("max_tokens") or wish.get("enabled"))
    if effort == "none" or wish.get("enabled") is False:
        return bool(abilities.get("mandatory"))
    return asked or bool(abilities.get("mandatory") or abilities.get("default_enabled"))


def reason(ask: Ask, model: Model, chance: random.Random) -> Iterator[Part]:
    if not reasons(ask, model):
        return
    wish = ask.body.get("reasoning") or {}
    effort = wish.get("effort") or ask.body.get("reasoning_effort") or "medium"
    share = {"minimal": 1, "low": 2, "medium": 4, "high": 7, "xhigh": 9, "max": 10}.get(effort, 4)
    hidden = bool(wish.get("exclude"))
    shape = FORMATS.get(model.author, "unknown")
    text = thoughts(ask.directives.text, chance, sentences_wanted=share)
    every = pieces(text)
    for start in range(0, len(every), 4):
        few = every[start : start + 4]
        group = "".join(few)
        kind = "summary" if model.author == "openai" else "text"
        item = {"type": f"reasoning.{kind}", kind: group, "format": shape, "index": 0}
        if hidden:
            yield Part(Kind.REASONING, tokens=len(few))
        else:
            yield Part(Kind.REASONING, group, item, len(few))
    if hidden:
        return
    if model.author in ENCRYPTED:
        sealed = {
            "type": "reasoning.encrypted",
            "data": secret(chance, 600),
            "id": f"rs_{secret(chance, 24)}",
        }
        yield Part(Kind.DETAIL, detail={**sealed, "format": shape, "index": 0})
    elif model.author in ("anthropic", "google"):
        signed = {
            "type": "reasoning.text",
            "signature": secret(chance, 300),
            "format": shape,
            "index": 0,
        }
        yield Part(Kind.DETAIL, detail=signed)


def secret(chance: random.Random, length: int) -> str:
    return base64.b64encode(chance.randbytes(length)).decode()[:length]


def spoken(ask: Ask, model: Model, chance: random.Random) -> str:
    """What is said: what was ordered, what a schema demands, or prose."""
    if "say" in ask.directives.orders:
        return ask.directives.orders["say"]
    wanted = ask.body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return json.dumps(
            sample(wanted["json_schema"].get("schema") or {}, ask.directives.text), indent=2
        )
    if wanted.get("type") == "json_object":
        return json.dumps({"answer": ask.directives.text[:80], "by": "emulator"}, indent=2)
    return write(
        ask.directives.text, model_name=short_name(model), chance=chance, earlier=ask.earlier
    )


def short_name(model: Model) -> str:
    """`Anthropic: Claude Haiku 4.5` → `Claude Haiku 4.5`."""
    return model.name.split(": ", 1)[-1]


def draw(ask: Ask) -> Iterator[Part]:
    if "image" in (ask.body.get("modalities") or ()):
        image = {
            "type": "image_url",
            "image_url": {"url": picture_url(ask.directives.text)},
            "index": 0,
        }
        yield Part(Kind.IMAGE, detail=image, tokens=20)


def tool_calls(ask: Ask, provider: Provider, chance: random.Random) -> list[Part]:
    """Fragments of calls, where a tool is wanted: named, required, or named in the prompt."""
    chosen = wanted_tools(ask)
    parts: list[Part] = []
    for index, function in enumerate(chosen):
        name = str(function["name"])
        prefix = "toolu_01" if provider.slug == "anthropic" else "call_"
        call_id = prefix + secret(chance, 22).replace("/", "x")
        first = {
            "index": index,
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        parts.append(Part(Kind.TOOL, detail=first, tokens=8))
        arguments = json.dumps(sample(function.get("parameters") or {}, ask.directives.text))
        for piece in pieces(arguments):
            fragment = {"index": index, "function": {"arguments": piece}, "type": "function"}
            parts.append(Part(Kind.TOOL, detail=fragment, tokens=1))
    return parts


def wanted_tools(ask: Ask) -> list[Mapping[str, Any]]:
    """The tools that are called: the one that must be, or those that the prompt speaks of."""
    functions = [tool["function"] for tool in ask.tools if "function" in tool]
    choice = ask.body.get("tool_choice") or "auto"
    if not functions or choice == "none" or ask.messages[-1].get("role") == "tool":
        return []
    if isinstance(choice, dict):
        wanted = (choice.get("function") or {}).get("name")
        return [function for function in functions if function["name"] == wanted]
    said = ask.directives.text.lower()
    named = [function for function in functions if is_named(str(function["name"]), said)]
    return named or (functions[:1] if choice == "required" else [])


def is_named(name: str, said: str) -> bool:
    """Whether the prompt has a word of the tool's name in it, or the beginning of one."""
    return any(word[:5].lower() in said for word in re.split(r"[_\W]+", name) if word)
