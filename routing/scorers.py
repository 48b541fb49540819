"""One small function for each thing we value in a model. Pure.

Every scorer takes an Outlook (a prompt before one model) and returns a number, or Outlooks (the
same before all of them) and returns a column; the policy's weight turns it into US cents. Only
`quality` is priced by the dial: so turning the dial up can only move the choice towards more
ability.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from routing.candidates import Candidate, Reasoning
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

    @property
    def first_token_s(self) -> float:
        return self.candidate.first_token_s

    @property
    def tokens_per_s(self) -> float:
        return self.candidate.tokens_per_s

    @property
    def newness(self) -> float:
        return newness(self.candidate.created, self.today)

    @property
    def context_tokens(self) -> float:
        return context_or_none_at_all(self.candidate)

    @property
    def thinks(self) -> bool:
        return self.candidate.reasoning.supported


class Expected(Protocol):
    """An Outlook or Outlooks, as scorers see it."""

    @property
    def prompt(self) -> Prompt: ...
    @property
    def odds(self) -> Any: ...
    @property
    def answer_tokens(self) -> Any: ...
    @property
    def cost_cents(self) -> Any: ...
    @property
    def first_token_s(self) -> Any: ...
    @property
    def tokens_per_s(self) -> Any: ...
    @property
    def newness(self) -> Any: ...
    @property
    def context_tokens(self) -> Any: ...
    @property
    def thinks(self) -> Any: ...


def newness(created: dt.date | None, today: dt.date) -> float:
    """1 for a model of today, half as much for each year of age; 0 where no date is known."""
    if created is None:
        return 0.0
    return float(0.5 ** (max(0, (today - created).days) / YEAR_DAYS))


def context_or_none_at_all(candidate: Candidate) -> float:
    """The published context; where there is none, so little that every prompt fills it."""
    return float(candidate.context_tokens or 1e-9)


def worth_cents(difficulty: float, dial: float) -> float:
    """What a good answer is worth: a third of a cent for small talk, half a dollar for research.

    The dial doubles it with every step up from the middle and halves it with every step down.
    """
    return float(0.3 * 180**difficulty * 2 ** (dial - BALANCED))


def quality(expected: Expected) -> Any:
    """The chance of a good answer."""
    return expected.odds


def chance(ability: float, difficulty: float) -> float:
    """The chance of a good answer by rule: ability against what the prompt demands."""
    needed = 0.2 + 0.66 * difficulty
    return 1 / (1 + math.exp(-STEEPNESS * (ability - needed)))


def thrift(expected: Expected) -> Any:
    """The expected cost, as a loss."""
    return -expected.cost_cents


def speed(expected: Expected) -> Any:
    """Seconds of waiting, as a loss; a minute at most, for most speeds are guesses."""
    writing_s = expected.answer_tokens / expected.tokens_per_s
    return -np.minimum(60.0, expected.first_token_s + writing_s)


def recency(expected: Expected) -> Any:
    """How new the model is."""
    return expected.newness


def comfort(expected: Expected) -> Any:
    """1 while the context is half empty, 0 when it is full: crowded models forget."""
    used = expected.prompt.prompt_tokens + expected.answer_tokens
    return np.maximum(0.0, np.minimum(1.0, 2 * (1 - used / expected.context_tokens)))


def thinking(expected: Expected) -> Any:
    """A model that can think first, where the prompt gives reason to."""
    return expected.prompt.difficulty * expected.thinks


SCORERS: Mapping[str, Callable[[Expected], Any]] = {
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


def habit_of_thinking(reasoning: Reasoning, *, is_hard: bool) -> float:
    """How much of what a prompt calls for a model is expected to think: from 0 to 1."""
    if not reasoning.supported:
        return 0.0
    if reasoning.mandatory or reasoning.default_enabled:
        return 1.0
    if reasoning.default_enabled is None:
        return 0.7  # nothing is published of its habit
    return float(is_hard)


def thinking_tokens(prompt: Prompt, habit: Any) -> Any:
    """What thinking is expected to add to an answer, in tokens, for one habit or a column."""
    return np.rint(FULL_THINKING_TOKENS * habit * (0.05 + prompt.difficulty**2))
