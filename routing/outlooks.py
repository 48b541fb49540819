"""Every candidate before one prompt, side by side: all of them are weighed at once. Pure.

One after the other, 379 candidates were the largest part of what a prompt cost before it was sent
on. What depends on the catalogue, the policy and the day only is kept as columns (`Field`);
`Outlooks` are the columns of one question, and `Outlook` is one row of them.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from routing import constraints
from routing.candidates import Candidate
from routing.live import Live, discount_cents, voted_odds
from routing.policies import Policy
from routing.prompts import Prompt
from routing.scorers import (
    HARD,
    Outlook,
    context_or_none_at_all,
    habit_of_thinking,
    newness,
    thinking_tokens,
)

Floats: TypeAlias = npt.NDArray[np.float64]
REMEMBERED = 8  # catalogues, each under one policy


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Those that may be chosen under a policy on a day; how many may not, and why."""

    source: Sequence[Candidate]
    policy: Policy
    today: dt.date
    candidates: tuple[Candidate, ...]
    barred: Counter[str]
    columns: Mapping[str, Floats]
    tiered: tuple[int, ...]  # rows whose price depends on the length

    @classmethod
    def of(cls, source: Sequence[Candidate], policy: Policy, today: dt.date) -> Field:
        """Read each candidate once."""
        bars = [constraints.standing(candidate, policy, today) for candidate in source]
        return cls.sifted(source, policy, today, bars)

    @classmethod
    def sifted(
        cls,
        source: Sequence[Candidate],
        policy: Policy,
        today: dt.date,
        bars: Sequence[str | None],
    ) -> Field:
        """The same with the bar of each candidate given."""
        kept = tuple(each for each, bar in zip(source, bars, strict=True) if bar is None)
        columns = {
            name: np.array([value(each) for each in kept], np.float64)
            for name, value in _COLUMNS.items()
        }
        columns["newness"] = np.array([newness(each.created, today) for each in kept], np.float64)
        return cls(
            source=source,
            policy=policy,
            today=today,
            candidates=kept,
            barred=Counter(bar for bar in bars if bar),
            columns=columns,
            tiered=tuple(row for row, each in enumerate(kept) if each.prices.tiers),
        )


_COLUMNS: Mapping[str, Callable[[Candidate], Any]] = {
    "prompt": lambda c: c.prompt_f,
    "completion": lambda c: c.completion_f,
    "request": lambda c: c.request_f,
    "context": lambda c: c.context_tokens or constraints.ASSUMED_CONTEXT_TOKENS,
    "published_context": context_or_none_at_all,
    "answer_limit": lambda c: np.inf if c.answer_tokens is None else c.answer_tokens,
    "first_token_s": lambda c: c.first_token_s,
    "tokens_per_s": lambda c: c.tokens_per_s,
    "reliability": lambda c: c.reliability,
    "thinks": lambda c: c.reasoning.supported,
    "easy_habit": lambda c: habit_of_thinking(c.reasoning, is_hard=False),
    "hard_habit": lambda c: habit_of_thinking(c.reasoning, is_hard=True),
}

_remembered: tuple[Field, ...] = ()


def field_of(candidates: Iterable[Candidate], policy: Policy, today: dt.date) -> Field:
    """The same for the same catalogue and policy: these are kept in memory and never change."""
    global _remembered  # noqa: PLW0603 (replaced as a whole, so any thread may)
    source = candidates if isinstance(candidates, tuple) else tuple(candidates)
    for held in _remembered:
        if held.source is source and held.policy == policy and held.today == today:
            return held
    made = Field.of(source, policy, today)
    _remembered = (made, *_remembered[: REMEMBERED - 1])
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Outlooks:
    """What to expect of each that fits. Has the names of an Outlook, with columns as values."""

    prompt: Prompt
    today: dt.date
    candidates: Sequence[Candidate]
    odds: Floats
    answer_tokens: Floats
    cost_cents: Floats
    first_token_s: Floats
    tokens_per_s: Floats
    newness: Floats
    context_tokens: Floats
    thinks: Floats

    def row(self, row: int) -> Outlook:
        return Outlook(
            prompt=self.prompt,
            candidate=self.candidates[row],
            odds=float(self.odds[row]),
            answer_tokens=int(self.answer_tokens[row]),
            cost_cents=float(self.cost_cents[row]),
            today=self.today,
        )


def outlooks(
    field: Field,
    prompt: Prompt,
    able: Callable[[Candidate], float],
    *,
    most_tokens: int,
    needed: int,
    live: Live,
) -> tuple[Outlooks, Counter[str]]:
    """The outlook of each candidate that can answer, and how many cannot, by constraint."""
    columns, rejected = field.columns, field.barred.copy()
    fits = _fitting(field, prompt, needed, rejected)
    rows = np.flatnonzero(fits)
    candidates = [field.candidates[row] for row in rows]
    column = {name: values[rows] for name, values in columns.items()}
    plain = np.array([able(each) for each in candidates], np.float64)
    odds = voted_odds(live, candidates, plain) * column["reliability"]
    answer = _answer_tokens(prompt, column, most_tokens)
    tokens = prompt.prompt_tokens * column["prompt"] + answer * column["completion"]
    cost_cents = 100 * (tokens + column["request"])
    place = {field.candidates[row].slug: at for at, row in enumerate(rows)}
    for row in field.tiered:
        if (at := place.get(field.candidates[row].slug)) is not None:
            exact = candidates[at].prices.cost_usd(prompt.prompt_tokens, int(answer[at]))
            cost_cents[at] = 100 * float(exact or 0)
    if live.warm and (at := place.get(live.warm.model)) is not None:
        cost_cents[at] -= discount_cents(live, candidates[at], prompt.prompt_tokens)
    return Outlooks(
        prompt=prompt,
        today=field.today,
        candidates=candidates,
        odds=odds,
        answer_tokens=answer,
        cost_cents=cost_cents,
        first_token_s=column["first_token_s"],
        tokens_per_s=column["tokens_per_s"],
        newness=column["newness"],
        context_tokens=column["published_context"],
        thinks=column["thinks"],
    ), rejected


def _fitting(
    field: Field, prompt: Prompt, needed: int, rejected: Counter[str]
) -> npt.NDArray[np.bool_]:
    """Who serves the needs and has the room; the others are counted by their first obstacle."""
    columns = field.columns
    fits = np.ones(len(field.candidates), np.bool_)
    if prompt.needs:
        for row, candidate in enumerate(field.candidates):
            if (missing := constraints.capable(candidate, prompt)) is not None:
                rejected[missing] += 1
                fits[row] = False
    for name, short in (
        ("context", columns["context"] < prompt.ceiling_tokens + needed),
        ("answer_room", columns["answer_limit"] < needed),
    ):
        if count := int(np.count_nonzero(fits & short)):
            rejected[name] += count
            fits &= ~short
    return fits


def _answer_tokens(prompt: Prompt, column: Mapping[str, Floats], most_tokens: int) -> Floats:
    """Tokens of each answer, thinking included, as far as there is room."""
    limit = column["answer_limit"]
    room = np.minimum(column["context"] - prompt.ceiling_tokens, most_tokens)
    room = np.minimum(room, np.where(limit > 0, limit, np.inf))
    habit = column["hard_habit" if prompt.difficulty >= HARD else "easy_habit"]
    wished = prompt.answer_tokens + thinking_tokens(prompt, habit)
    answers: Floats = np.maximum(1.0, np.minimum(wished, room))
    return answers
