"""Which model and provider answer: fallbacks, routers, aliases, sticky conversations."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from openrouter.emulator.ask import Ask
from openrouter.emulator.catalogue import Catalogue, Model
from openrouter.emulator.faults import Fault
from openrouter.emulator.providers import Provider, serving
from openrouter.emulator.refusals import cannot, fault_refusal, too_long
from openrouter.emulator.web import Refusal

STICKY = dt.timedelta(minutes=10)
AUTO_CHOICES = (
    "openai/gpt-5-mini",
    "anthropic/claude-haiku-4.5",
    "google/gemini-2.5-flash",
    "deepseek/deepseek-v3.2",
    "anthropic/claude-sonnet-4.5",
    "openai/gpt-5",
)


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers. `router`: the pseudo-model that chose, where one did."""

    model: Model
    provider: Provider
    router: str | None = None
    first: bool = True  # False: a fallback


class Router:
    """Remembers for ten minutes who answered a conversation, as the real one does."""

    def __init__(self, catalogue: Catalogue, seed: int) -> None:
        self._catalogue, self._seed = catalogue, seed
        self._last: dict[tuple[str, str], tuple[Route, dt.datetime]] = {}

    def route(self, ask: Ask, fault: Fault, now: dt.datetime) -> Route:
        """The first model that can answer. Raises the Refusal of the last one where none can."""
        refused: Refusal | None = None
        for first, named in self._candidates(ask):
            try:
                return self._try(ask, named, fault, now, first=first)
            except Refusal as refusal:
                refused = refusal
        raise refused or Refusal(404, "No models match your request and model restrictions")

    @staticmethod
    def _candidates(ask: Ask) -> Iterator[tuple[bool, Model]]:
        for number, model in enumerate(ask.models):
            yield number == 0, model

    def _try(self, ask: Ask, named: Model, fault: Fault, now: dt.datetime, *, first: bool) -> Route:
        remembered, when = self._last.get((ask.conversation, named.id), (None, now))
        if remembered is None or now - when > STICKY:
            remembered = self._fresh(ask, named)
        check_abilities(ask, remembered.model)
        if fault.applies_to(named, first=first):
            refusal = fault_refusal(fault, ask, remembered.model, remembered.provider)
            if refusal:
                raise refusal
        self._last[ask.conversation, named.id] = remembered, now
        return replace(remembered, first=first)

    def _fresh(self, ask: Ask, named: Model) -> Route:
        chance = random.Random(f"{self._seed} {named.id} {ask.conversation}")  # noqa: S311
        model, router = self._catalogue.resolve(named), None
        if named.is_router or named.id == "openrouter/free":
            model, router = self._chosen(ask, named, chance), named.id
        return Route(model, choose_provider(ask, model, chance), router)

    def _chosen(self, ask: Ask, router: Model, chance: random.Random) -> Model:
        """A real model in the stead of a pseudo-model."""
        if router.id == "openrouter/free":
            free = [
                one for one in self._catalogue if one.id.endswith(":free") and can_answer(ask, one)
            ]
        else:
            free = [
                one
                for one in map(self._catalogue.find, AUTO_CHOICES)
                if one and can_answer(ask, one)
            ]
        if not free:
            raise Refusal(404, "No models match your request and model restrictions")
        return chance.choice(free)

    def clear(self) -> None:
        self._last.clear()


def choose_provider(ask: Ask, model: Model, chance: random.Random) -> Provider:
    """The usual provider, or another now and then; within the preferences of the request."""
    serving_it = serving(model.id)
    wishes: Mapping[str, Any] = ask.body.get("provider") or {}
    allowed = [
        p
        for p in serving_it
        if matches(p, wishes.get("only")) and p.slug not in (wishes.get("ignore") or ())
    ]
    if not allowed:
        only = ", ".join(wishes.get("only") or ())
        names = ", ".join(provider.slug for provider in serving_it)
        raise Refusal(
            404,
            "No allowed providers are available for the selected model. Providers serving "
            f"{model.id}: {names}, but your request's provider.only preference permits only: "
            f"{only}.",
        )
    for slug in wishes.get("order") or ():
        for provider in allowed:
            if provider.slug == slug or provider.name == slug:
                return provider
    weights = [4, *([1] * (len(allowed) - 1))]
    return chance.choices(allowed, weights)[0]


def matches(provider: Provider, wanted: list[str] | None) -> bool:
    return not wanted or provider.slug in wanted or provider.name in wanted


def can_answer(ask: Ask, model: Model) -> bool:
    try:
        check_abilities(ask, model)
    except Refusal:
        return False
    return True


def check_abilities(ask: Ask, model: Model) -> None:
    """Raises Refusal where a model cannot answer this request at all."""
    if ask.body.get("tools") and "tools" not in model.supported_parameters:
        raise cannot("tool use")
    kinds = {
        str(part.get("type"))
        for message in ask.messages
        if isinstance(message.get("content"), list)
        for part in message["content"]
        if isinstance(part, Mapping)
    }
    for kind, modality, words in (
        ("image_url", "image", "image input"),
        ("input_audio", "audio", "audio input"),
        ("video_url", "video", "video input"),
    ):
        if kind in kinds and modality not in model.input_modalities:
            raise cannot(words)
    if "image" in (ask.body.get("modalities") or ()) and "image" not in model.output_modalities:
        raise cannot("the requested output modalities: image")
    if ask.compresses:
        return
    wanted = ask.max_tokens or 0
    if model.context_length and ask.prompt_tokens + min(wanted, 1) > model.context_length:
        raise too_long(model, ask.prompt_tokens, 0)
    if model.context_length and ask.prompt_tokens + wanted > model.context_length:
        raise too_long(model, ask.prompt_tokens, wanted)
