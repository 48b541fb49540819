"""Choosing a model, and keeping the catalogue: what the rest of the application calls."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from routing import constraints
from routing.artefacts import the_predictor
from routing.candidates import Candidate
from routing.constraints import NoCandidateFits
from routing.decision import Decision
from routing.evidence import demand_of
from routing.evidence_memory import memory
from routing.fetching import Fetched, ModelsClient, fetch
from routing.learned import with_reading
from routing.live import Live, Warm
from routing.live_shelf import Shown, live_shelf
from routing.policies import Policy
from routing.policy_shelf import policy_for
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
    "Warm",
    "catalogue",
    "choose_model",
    "models_by_slug",
    "pickable_models",
    "sync_catalogue",
]

logger = logging.getLogger(__name__)


def choose_model(
    *,
    text: str,
    history_tokens: int = 0,
    needs: frozenset[str] = frozenset(),
    choice: str = "",
    policy: Policy | None = None,
    max_completion_tokens: int,
    budget_usd: Decimal | None = None,
    user_id: int | None = None,
    warm: Warm | None = None,
    seed: int | None = None,
    is_checked: bool = False,
) -> Decision:
    """Choose the model that answers a message.

    `needs`: what hangs on the message, of "image", "file", "audio", "video", "tools", "schema",
    and "picture" where one is to be made: then those that make them are chosen from.
    `history_tokens`: all that is sent with the text (earlier messages, system prompt, files
    whose length is known). `choice`: a slug that the person pinned, `openrouter/auto` too;
    empty to let us choose. `policy`: the live one for everybody where none is given.
    `max_completion_tokens`: the most the answer may have; the decision may give less.
    `budget_usd`: what may still be spent; its worst case stays within. `user_id`: whose votes
    count. `warm`: the prompt that the last model may have in its cache. `seed`: for policies
    that explore; None tries nothing. `is_checked`: an answer that fails a check is asked for once
    more, so a cheaper model may begin.

    Raises NoCandidateFits, whose `message` is for the person and `constraint` for the code.
    """
    if max_completion_tokens < 1:
        raise ValueError("An answer needs room for one token at least.")
    prompt = read_prompt(text, history_tokens=history_tokens, needs=needs)
    predictor = the_predictor()
    shelved = live_shelf.of(shelf.snapshot())
    if not shelved.candidates:
        raise NoCandidateFits("empty_catalogue")
    question = Question(
        prompt=prompt if predictor is None else with_reading(prompt, text, predictor),
        policy=policy or policy_for(),
        today=timezone.now().date(),
        max_completion_tokens=max_completion_tokens,
        budget_usd=budget_usd,
        live=_live(prompt.signals, shelved, user_id=user_id, warm=warm, seed=seed),
        is_checked=is_checked,
    )
    return _decided(question, shelved, choice=choice, is_picture="picture" in needs)


def _decided(question: Question, shelved: Shown, *, choice: str, is_picture: bool) -> Decision:
    odds = shelved.snapshot.odds
    if not choice:
        able = shelved.painters if is_picture else shelved.candidates
        if not able:
            raise NoCandidateFits("picture")
        return decide(question, able, odds)
    pinned = shelved.by_slug.get(choice)
    if pinned is None:
        message = constraints.about_one(choice[:100], "not_in_catalogue")
        raise NoCandidateFits("not_in_catalogue", message)
    return decide_pinned(question, pinned, odds)


def _live(
    signals: Mapping[str, float],
    shelved: Shown,
    *,
    user_id: int | None,
    warm: Warm | None,
    seed: int | None,
) -> Live:
    """What counts besides prompt, policy and catalogue, by the catalogue's names."""
    demand = demand_of(signals)
    known = None if user_id is None else memory.of(user_id)
    return Live(
        demand=demand,
        shifts=known.shifts(demand, shelved.snapshot.ladder) if known else {},
        voted=known.models if known else frozenset(),
        warm=warm and replace(warm, model=shelved.names.get(warm.model, warm.model)),
        seed=seed,
    )


def catalogue() -> tuple[Candidate, ...]:
    """Every model of the catalogue, ready to be weighed: without a query on most calls."""
    return shelf.snapshot().candidates


def models_by_slug() -> Mapping[str, Candidate]:
    """The same by name."""
    return shelf.snapshot().by_slug


def pickable_models() -> tuple[Pickable, ...]:
    """The models a person may pin, `openrouter/auto` first: without a query on most calls."""
    return shelf.snapshot().pickable


def sync_catalogue(client: ModelsClient | None = None) -> SyncReport:
    """Fetch OpenRouter's list and make the catalogue like it. Not for a running event loop.

    Published figures of benchmarks and tasks come along where the key may read them.

    Raises OpenRouterError when the list cannot be had and CatalogueRefused when it cannot be
    meant; then nothing is changed.
    """
    fetched = async_to_sync(_fetch)(client)
    report = store_catalogue(fetched.infos, now=timezone.now(), figures=fetched.figures)
    report = replace(report, note=fetched.note, trouble=fetched.trouble)
    for warning in report.warnings:
        logger.warning("Catalogue: %s", warning)
    return report


async def _fetch(client: ModelsClient | None) -> Fetched:
    ours: ModelsClient = client or import_string(settings.OPENROUTER_CLIENT)()
    try:
        return await fetch(ours)
    finally:
        if client is None:
            await ours.aclose()
