"""One small function for each thing we value in a model. Pure.

Every scorer takes an Outlook (a prompt before one model) and returns a number; the policy's
weight turns it into US cents. Only `quality` is priced by the dial: so turning the dial up
can only move the choice towards more ability.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from routing.candidates import Candidate
from routing.policies import BALANCED
from routing.prompts import Prompt

YEAR_DAYS = 365.25
EASY, HARD = 0.3, 0.7
STEEPNESS = 11.0
FULL_THINKING_TOKENS = 4_000


class Outlook(NamedTuple):
    """One model before one prompt. Tokens are expected, `cost_cents` is for weighing only."""

    prompt: Prompt
    candidate: Candidate
    odds: float
    answer_tokens: int
    cost_cents: float
    today: dt.date


def worth_cents(difficulty: float, dial: float) -> float:
    """What a good answer is worth: a third of a cent for small talk, half a dollar for research.

    The dial doubles it with every step up from the middle and halves it with every step down.
    """
    return float(0.3 * 180**difficulty * 2 ** (dial - BALANCED))


def quality(outlook: Outlook) -> float:
    """The chance of a good answer."""
    return outlook.odds


def chance(ability: float, difficulty: float) -> float:
    """The chance of a good answer by rule: ability against what the prompt demands."""
    needed = 0.2 + 0.66 * difficulty
    return 1 / (1 + math.exp(-STEEPNESS * (ability - needed)))


def thrift(outlook: Outlook) -> float:
    """The expected cost, as a loss."""
    return -outlook.cost_cents


def speed(outlook: Outlook) -> float:
    """Seconds of waiting, as a loss; a minute at most, for speeds are guesses."""
    return -min(60.0, 0.6 + outlook.answer_tokens / outlook.candidate.tokens_per_s)


def recency(outlook: Outlook) -> float:
    """1 for a model of today, half as much for each year of age; 0 where no date is known."""
    created = outlook.candidate.created
    return 0.0 if created is None else _newness(created, outlook.today)


@lru_cache(maxsize=4_096)  # the same few hundred days, prompt after prompt
def _newness(created: dt.date, today: dt.date) -> float:
    return float(0.5 ** (max(0, (today - created).days) / YEAR_DAYS))


def comfort(outlook: Outlook) -> float:
    """1 while the context is half empty, 0 when it is full: crowded models forget."""
    limit = outlook.candidate.context_tokens
    if not limit:
        return 0.0
    used = outlook.prompt.prompt_tokens + outlook.answer_tokens
    return 1.0 if 2 * used <= limit else max(0.0, 2 * (1 - used / limit))


def thinking(outlook: Outlook) -> float:
    """A model that can think first, where the prompt gives reason to."""
    return outlook.prompt.difficulty if outlook.candidate.reasoning.supported else 0.0


SCORERS: Mapping[str, Callable[[Outlook], float]] = {
    "quality": quality,
    "thrift": thrift,
    "speed": speed,
    "recency": recency,
    "comfort": comfort,
    "thinking": thinking,
}


def effort_for(prompt: Prompt, candidate: Candidate) -> str | None:
    """How hard the model is asked to think; None leaves it the model's own default.

    Only a model that thinks anyway is asked to think less, and only values from a published
    list are sent: where no list is published, "low" and "high" are taken everywhere.
    """
    reasoning = candidate.reasoning
    if not reasoning.supported:
        return None
    offered = [e for e in reasoning.efforts if e != "none"]
    if prompt.difficulty >= HARD:
        return "high" if not offered or "high" in offered else None
    thinks_anyway = reasoning.mandatory or reasoning.default_enabled
    if prompt.difficulty <= EASY and thinks_anyway:
        return offered[-1] if offered else "low"
    return None


def thinking_tokens(prompt: Prompt, candidate: Candidate) -> int:
    """What thinking is expected to add to the answer, in tokens."""
    reasoning = candidate.reasoning
    if not reasoning.supported:
        return 0
    if prompt.difficulty < HARD and reasoning.default_enabled is False and not reasoning.mandatory:
        return 0
    share = 0.05 + prompt.difficulty**2
    if reasoning.default_enabled is None and not reasoning.mandatory:
        share *= 0.7  # nothing is published of its habit
    return round(FULL_THINKING_TOKENS * share)
