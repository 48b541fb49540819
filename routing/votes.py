"""Votes as evidence: thumbs, regenerations and comparisons, kept as sums a person may erase.

Whoever shows answers calls the `record_` functions. What is kept: how often a model
did well or not for a person on prompts of one demand. No text, no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from routing.decision import Contender, Decision
from routing.evidence import (
    GENERAL,
    UNTOLD,
    VERDICTS,
    Tally,
    Verdict,
    demanded,
    moved,
    outcome,
    won_against,
)
from routing.evidence_memory import memory
from routing.evidence_models import Evidence
from routing.models import LanguageModel
from routing.names import is_same, same_model

MOST_PER_MODEL = 40.0  # outcomes of a model on a demand; what comes later displaces what was
MOST_IN_ALL = 400.0  # of a person
LEAST = 0.2  # what has faded to less is forgotten
REGENERATED = 0.4  # to ask once more is a weak sign of a bad answer
MODEL_CHANGED = 0.6  # to ask another model is a stronger one


@transaction.atomic
def record_thumb(
    *,
    user_id: int,
    decision: Mapping[str, Any] | None,
    served_model: str,
    value: int,
    instead_of: int = 0,
) -> None:
    """A thumb up (1) or down (-1) for an answer, or taken back (0).

    `decision`: as stored with the answer. `instead_of`: the thumb that stood there before,
    whose outcome is taken back.
    """
    for thumb, sign in ((instead_of, -1.0), (value, 1.0)):
        if thumb:
            _add(user_id, decision, served_model, float(thumb > 0), sign=sign)


@transaction.atomic
def record_regeneration(
    *,
    user_id: int,
    decision: Mapping[str, Any] | None,
    served_model: str,
    chosen_next_model: str | None,
) -> None:
    """An answer was asked for once more; `chosen_next_model`: the model that was named for it."""
    changed = bool(chosen_next_model) and not same_model(chosen_next_model or "", served_model)
    weight = MODEL_CHANGED if changed else REGENERATED
    _add(user_id, decision, served_model, 0.0, weight=weight)


@transaction.atomic
def record_comparison(
    *,
    user_id: int,
    decision_a: Mapping[str, Any] | None,
    model_a: str,
    decision_b: Mapping[str, Any] | None,
    model_b: str,
    winner: Verdict,
) -> None:
    """Of two answers side by side one was preferred, or both were good, or neither.

    Raises KeyError for any other verdict.
    """
    value_a, value_b = VERDICTS[winner]
    odds_a, odds_b = predicted(decision_a, model_a), predicted(decision_b, model_b)
    if value_a != value_b:  # to win against a weaker one says little
        odds_a, odds_b = won_against(odds_a, odds_b), won_against(odds_b, odds_a)
    _add(user_id, decision_a, model_a, value_a, odds=odds_a)
    _add(user_id, decision_b, model_b, value_b, odds=odds_b)


@transaction.atomic
def forget(*, user_id: int) -> int:
    """Reset what was learned from a person; how many tallies there were."""
    count, _ = Evidence.objects.of(user_id).delete()
    _changed(user_id)
    return count


def predicted(decision: Mapping[str, Any] | None, served_model: str) -> float:
    """The odds of the model that answered, before anybody's votes had moved them."""
    contender = _contender(decision, served_model)
    if contender is None or contender.odds is None or contender.odds >= 1:
        return UNTOLD
    return moved(contender.odds, -contender.shift)


def _contender(decision: Mapping[str, Any] | None, served_model: str) -> Contender | None:
    try:  # what is stored may be of another version
        candidates = Decision.from_json(decision or {}).candidates
    except (LookupError, TypeError, ValueError, AttributeError):
        return None
    return next((each for each in candidates if is_same(each, served_model)), None)


def _slug_of(decision: Mapping[str, Any] | None, served_model: str) -> str:
    """The catalogue's slug of the model that answered, which may have told a dated name."""
    contender = _contender(decision, served_model)
    if contender is not None:
        return contender.slug
    dated = LanguageModel.objects.filter(canonical_slug=served_model).order_by("slug")
    return dated.values_list("slug", flat=True).first() or served_model


def _add(
    user_id: int,
    decision: Mapping[str, Any] | None,
    served_model: str,
    value: float,
    *,
    odds: float | None = None,
    weight: float = 1.0,
    sign: float = 1.0,
) -> None:
    """One outcome more, or (`sign` -1) one less."""
    if not served_model:
        return  # nobody is known to have answered
    odds = predicted(decision, served_model) if odds is None else odds
    place: dict[str, Any] = {
        "user_id": user_id,
        "demand": demanded(decision) if decision else GENERAL,
        "model": _slug_of(decision, served_model)[:200],
    }
    Evidence.objects.get_or_create(**place)
    row = Evidence.objects.select_for_update().get(**place)
    tally = row.tally.plus(outcome(value, odds=odds, weight=weight), sign)
    _keep(row, tally.scaled(min(1.0, MOST_PER_MODEL / max(tally.weight, LEAST))))
    _bound(user_id)
    _changed(user_id)


def _keep(row: Evidence, tally: Tally) -> None:
    if tally.weight < LEAST:
        row.delete()
        return
    row.successes, row.failures, row.expected = tally
    row.updated_at = timezone.now()
    row.save()


def _bound(user_id: int) -> None:
    """All of a person's evidence fades evenly where it grows beyond its bound."""
    mine = Evidence.objects.of(user_id)
    total = mine.total_weight()
    if total <= MOST_IN_ALL:
        return
    for row in mine.select_for_update().order_by("pk"):
        _keep(row, row.tally.scaled(MOST_IN_ALL / total))


def _changed(user_id: int) -> None:
    transaction.on_commit(lambda: memory.forget([user_id]))
