"""Choosing a model, and keeping the catalogue: what the rest of the application calls."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from openrouter.results import ModelInfo
from routing import constraints
from routing.artefacts import the_predictor
from routing.candidates import Candidate
from routing.constraints import NoCandidateFits
from routing.decision import Decision
from routing.learned import with_reading
from routing.policies import DEFAULT, Policy
from routing.prompts import read_prompt
from routing.shelf import Pickable, shelf
from routing.sync import CatalogueRefused, SyncReport, store_catalogue
from routing.weighing import Question, decide, decide_pinned

__all__ = [
    "CatalogueRefused",
    "Decision",
    "NoCandidateFits",
    "Pickable",
    "SyncReport",
    "catalogue",
    "choose_model",
    "pickable_models",
    "sync_catalogue",
]

logger = logging.getLogger(__name__)


class ModelsClient(Protocol):
    async def models(self) -> Sequence[ModelInfo]: ...

    async def aclose(self) -> None: ...


def choose_model(
    *,
    text: str,
    history_tokens: int = 0,
    needs: frozenset[str] = frozenset(),
    choice: str = "",
    policy: Policy | None = None,
    max_completion_tokens: int,
    budget_usd: Decimal | None = None,
) -> Decision:
    """Choose the model that answers a message.

    `needs`: what hangs on the message, of "image", "file", "audio", "video", "tools".
    `history_tokens`: all that is sent with the text (earlier messages, system prompt, files
    whose length is known). `choice`: a slug that the person pinned, `openrouter/auto` too;
    empty to let us choose. `max_completion_tokens`: the most the answer may have; the
    decision may give less. `budget_usd`: what may still be spent; its worst case stays within.

    Raises NoCandidateFits, whose `message` is for the person and `constraint` for the code.
    """
    if max_completion_tokens < 1:
        raise ValueError("An answer needs room for one token at least.")
    prompt = read_prompt(text, history_tokens=history_tokens, needs=needs)
    predictor = the_predictor()
    question = Question(
        prompt=prompt if predictor is None else with_reading(prompt, text, predictor),
        policy=policy or DEFAULT,
        today=timezone.now().date(),
        max_completion_tokens=max_completion_tokens,
        budget_usd=budget_usd,
    )
    snapshot = shelf.snapshot()
    if not snapshot.candidates:
        raise NoCandidateFits("empty_catalogue")
    if not choice:
        return decide(question, snapshot.candidates, snapshot.odds)
    pinned = snapshot.by_slug.get(choice)
    if pinned is None:
        message = constraints.about_one(choice[:100], "not_in_catalogue")
        raise NoCandidateFits("not_in_catalogue", message)
    return decide_pinned(question, pinned, snapshot.odds)


def catalogue() -> tuple[Candidate, ...]:
    """Every model of the catalogue, ready to be weighed: without a query on most calls."""
    return shelf.snapshot().candidates


def pickable_models() -> tuple[Pickable, ...]:
    """The models a person may pin, `openrouter/auto` first: without a query on most calls."""
    return shelf.snapshot().pickable


def sync_catalogue(client: ModelsClient | None = None) -> SyncReport:
    """Fetch OpenRouter's list and make the catalogue like it. Not for a running event loop.

    Raises OpenRouterError when the list cannot be had and CatalogueRefused when it cannot be
    meant; then nothing is changed.
    """
    infos = async_to_sync(_fetch)(client)
    report = store_catalogue(infos, now=timezone.now())
    for warning in report.warnings:
        logger.warning("Catalogue: %s", warning)
    return report


async def _fetch(client: ModelsClient | None) -> Sequence[ModelInfo]:
    ours: ModelsClient = client or import_string(settings.OPENROUTER_CLIENT)()
    try:
        return await ours.models()
    finally:
        if client is None:
            await ours.aclose()
