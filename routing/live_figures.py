"""What our own calls tell of a model: waiting, speed, failures; the newer, the louder. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from routing.candidates import Candidate, Measured

HOUR_S = 3_600.0
SPEED_HALF_LIFE_S, FAILURE_HALF_LIFE_S = 12 * HOUR_S, HOUR_S
# What a guess counts for beside calls: as so many calls of so many tokens.
GUESSED_CALLS, GUESSED_TOKENS = 4.0, 300.0
USUAL_FAILURES, FAILURES_OF = 0.2, 10.0  # two of a hundred calls fail with anybody
LEAST_TOKENS = 20  # a shorter answer tells no speed
LEAST_CALLS = 0.05  # what has faded to less says nothing


class Observed(NamedTuple):
    """One call that ended. `model` and `provider` as the upstream named them, "" for unknown.

    `failed`: the model or its provider is to blame. `first_token_s`, `tokens` and `seconds` (of
    writing them) are None where they are not known.
    """

    model: str
    provider: str
    ended_at: float
    failed: bool
    first_token_s: float | None = None
    tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Decayed sums of the calls to one model at one provider, as of `at`."""

    at: float
    calls: float = 0.0
    failures: float = 0.0
    waits: float = 0.0  # calls whose first token is known
    wait_s: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0

    def aged(self, now: float) -> Figures:
        """The same seen from a later moment."""
        gone = max(0.0, now - self.at)
        slow, quick = (0.5 ** (gone / half) for half in (SPEED_HALF_LIFE_S, FAILURE_HALF_LIFE_S))
        return Figures(
            at=max(now, self.at),
            calls=self.calls * quick,
            failures=self.failures * quick,
            waits=self.waits * slow,
            wait_s=self.wait_s * slow,
            tokens=self.tokens * slow,
            seconds=self.seconds * slow,
        )

    def plus(self, other: Figures) -> Figures:
        now = max(self.at, other.at)
        one, two = self.aged(now), other.aged(now)
        return Figures(
            at=now,
            calls=one.calls + two.calls,
            failures=one.failures + two.failures,
            waits=one.waits + two.waits,
            wait_s=one.wait_s + two.wait_s,
            tokens=one.tokens + two.tokens,
            seconds=one.seconds + two.seconds,
        )

    @property
    def weight(self) -> float:
        return max(self.calls, self.waits)


def figures_of(call: Observed) -> Figures:
    """One call as figures of its own."""
    first, tokens, seconds = call.first_token_s, call.tokens, call.seconds
    told = first is not None and math.isfinite(first) and first >= 0
    fast = tokens is not None and tokens >= LEAST_TOKENS and seconds is not None and seconds > 0
    return Figures(
        at=call.ended_at,
        calls=1.0,
        failures=float(call.failed),
        waits=float(told),
        wait_s=first or 0.0 if told else 0.0,
        tokens=float(tokens or 0) if fast else 0.0,
        seconds=seconds or 0.0 if fast else 0.0,
    )


@dataclass(frozen=True, slots=True)
class Board:
    """Figures by model and provider, as the upstream names them."""

    rows: Mapping[tuple[str, str], Figures] = field(default_factory=dict)

    def plus(self, calls: Iterable[Observed], *, now: float) -> Board:
        """With further calls; what has faded away is dropped."""
        rows = dict(self.rows)
        for call in calls:
            if call.model:
                key = call.model, call.provider
                seen = figures_of(call)
                rows[key] = rows[key].plus(seen) if key in rows else seen
        aged = {key: figures.aged(now) for key, figures in rows.items()}
        return Board({key: f for key, f in aged.items() if f.weight >= LEAST_CALLS})

    def by_model(self) -> Mapping[str, Figures]:
        models: dict[str, Figures] = {}
        for (model, _), figures in self.rows.items():
            models[model] = models[model].plus(figures) if model in models else figures
        return models


def measured(figures: Figures, *, first_token_s: float, tokens_per_s: float) -> Measured:
    """The figures mixed with what was guessed."""
    waits, wait_s = figures.waits + GUESSED_CALLS, figures.wait_s + GUESSED_CALLS * first_token_s
    guessed = GUESSED_CALLS * GUESSED_TOKENS
    return Measured(
        calls=figures.weight,
        failures=failure_rate(figures),
        first_token_s=wait_s / waits,
        tokens_per_s=(figures.tokens + guessed) / (figures.seconds + guessed / tokens_per_s),
    )


def failure_rate(figures: Figures) -> float:
    return (figures.failures + USUAL_FAILURES) / (figures.calls + FAILURES_OF)


def with_figures(candidate: Candidate, figures: Figures) -> Candidate:
    """The candidate as our own calls know it."""
    plain = candidate.unmeasured or candidate
    seen = measured(figures, first_token_s=plain.first_token_s, tokens_per_s=plain.tokens_per_s)
    usual = USUAL_FAILURES / FAILURES_OF
    return replace(
        plain,
        measured=seen,
        unmeasured=plain,
        first_token_s=seen.first_token_s,
        tokens_per_s=seen.tokens_per_s,
        reliability=min(1.0, (1 - seen.failures) / (1 - usual)),
    )
