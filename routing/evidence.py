"""What a person's own votes say of models, as numbers. Pure.

An outcome is 1 (good), 0 (bad) or between, and has a weight. It is kept by demand and model as
three sums, together with the odds that had been predicted, so that what counts is how much better
or worse than predicted a model did.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from routing.candidates import Candidate, Skills
from routing.features import Floats
from routing.posterior import MIDDLE_ABILITY, Learnt, Outcomes
from routing.predictor import HIGHEST, LOWEST, MIDDLE, Matrix, logits, shared_odds

# What a prompt may have demanded, as far as evidence is told apart; "general" is the rest.
DEMANDS = ("code", "maths", "reasoning", "writing", "transform", "simple", "small_talk")
GENERAL = "general"
CLEAR = 0.3  # a signal that is weaker names no demand
FARTHEST, NEGLIGIBLE = 2.5, 0.01  # logits
LIKE = 0.25  # how alike two prompts of one demand are: about what two of one benchmark are
ELSEWHERE = 0.25  # the share of that for prompts of two demands
SURE = 0.25  # of an outcome that was judged by a key is what a vote counts for: tastes, moods
MOST_TALLIES = 24  # the weightiest, so that no choice waits long
UNTOLD = 0.5  # the odds of a model for which none were predicted

Verdict: TypeAlias = Literal["a", "b", "both", "neither"]
VERDICTS: Mapping[str, tuple[float, float]] = {
    "a": (1.0, 0.0),
    "b": (0.0, 1.0),
    "both": (1.0, 1.0),
    "neither": (0.0, 0.0),
}


class Tally(NamedTuple):
    """Outcomes of one model: weights of the good and the bad, and the odds expected of them."""

    successes: float = 0.0
    failures: float = 0.0
    expected: float = 0.0  # sum of the predicted odds, weighed alike

    @property
    def weight(self) -> float:
        return self.successes + self.failures

    def plus(self, other: Tally, share: float = 1.0) -> Tally:
        return Tally(*(max(0.0, a + share * b) for a, b in zip(self, other, strict=True)))

    def scaled(self, share: float) -> Tally:
        return Tally(*(share * each for each in self))


Tallies: TypeAlias = Mapping[str, Mapping[str, Tally]]  # demand → model → its tally


def outcome(value: float, *, odds: float, weight: float = 1.0) -> Tally:
    """One outcome, as a tally of its own."""
    return Tally(weight * value, weight * (1 - value), weight * odds)


def demand_of(signals: Mapping[str, float]) -> str:
    """The one thing that a prompt demanded most, by its signals."""
    loudest = max(DEMANDS, key=lambda name: signals.get(name, 0.0))
    return loudest if signals.get(loudest, 0.0) >= CLEAR else GENERAL


def demanded(decision: Mapping[str, Any]) -> str:
    """The same for a stored decision, of whatever version."""
    signals = decision.get("signals")
    if not isinstance(signals, Mapping):
        return GENERAL
    return demand_of({k: v for k, v in signals.items() if isinstance(v, int | float)})


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """How able each model of a catalogue is, as votes need it: one row each."""

    rows: Mapping[str, int] = field(default_factory=dict)
    skills: Matrix = field(default_factory=lambda: np.empty((0, len(Skills._fields)), np.float32))

    @classmethod
    def of(cls, candidates: Sequence[Candidate]) -> Ladder:
        skills = np.array([candidate.skills for candidate in candidates], np.float32)
        rows = {candidate.slug: row for row, candidate in enumerate(candidates)}
        return cls(rows, skills.reshape(-1, len(Skills._fields)))

    def abilities(self, demand: str) -> Floats:
        """Everybody's skill that counts on prompts of this demand."""
        column: Floats = self.skills[:, _skill(demand)]
        return column


def _skill(demand: str) -> int:
    return Skills._fields.index(demand) if demand in Skills._fields else 0


def shifts(tallies: Tallies, demand: str, ladder: Ladder) -> Mapping[str, float]:
    """How far a person's votes move the odds on prompts of this demand, in logits.

    By `posterior`: the voted models move most, those of like ability less, and the ladder tilts
    where weak and strong ones did otherwise than predicted beside each other. What moves all
    alike is left out: it chooses nobody, and people vote mostly when they are displeased.
    """
    told = _weightiest(tallies, demand, ladder)
    if not told:
        return {}
    kinds = np.array([name for name, _, _ in told])
    weights = np.array([tally.weight for _, _, tally in told], np.float32)
    rows = np.array([ladder.rows[model] for _, model, _ in told], np.int64)
    abilities = ladder.skills[rows, [_skill(name) for name, _, _ in told]]
    # One model says nothing of the ladder: it tilts around the middle of those voted on.
    middle = np.average(abilities, weights=weights).astype(np.float32) - MIDDLE_ABILITY
    outcomes = Outcomes(
        models=rows,
        abilities=abilities - middle,
        residuals=np.array([t.successes - t.expected for _, _, t in told], np.float32) / weights,
        weights=SURE * weights,
    )
    alike = _alike(kinds[:, None] == kinds) + np.diag((1 - LIKE) / np.maximum(1, weights))
    learnt, near = Learnt.of(outcomes, alike), _alike(kinds == demand)[None]
    able = ladder.abilities(demand) - middle
    moves = learnt.moves(np.arange(len(able)), able, near) - learnt.common(near)
    found = _in_logits(moves[0], _usual(told, demand, ladder)).tolist()
    return {
        model: round(value, 4)
        for model, value in zip(ladder.rows, found, strict=True)
        if abs(value) >= NEGLIGIBLE
    }


def _weightiest(tallies: Tallies, demand: str, ladder: Ladder) -> list[tuple[str, str, Tally]]:
    """The tallies that count, those of this demand first; of models that are gone, none."""
    found = [
        (name, model, tally)
        for name, models in tallies.items()
        for model, tally in models.items()
        if model in ladder.rows and tally.weight > 0
    ]
    found.sort(key=lambda each: (each[0] != demand, -each[2].weight, *each[:2]))
    return found[:MOST_TALLIES]


def _alike(same: NDArray[np.bool_]) -> Floats:
    """How alike the prompts of two tallies are, from 0 to 1: of the same demand or not."""
    return np.where(same, LIKE, ELSEWHERE * LIKE).astype(np.float32)


def _usual(told: Sequence[tuple[str, str, Tally]], demand: str, ladder: Ladder) -> Floats:
    """The odds around which each model moves: those predicted where it was voted on."""
    usual = shared_odds(ladder.abilities(demand), MIDDLE)
    pooled: dict[str, Tally] = {}
    for name, model, tally in told:
        share = 1.0 if name == demand else ELSEWHERE
        pooled[model] = pooled.get(model, Tally()).plus(tally, share)
    for model, tally in pooled.items():
        usual[ladder.rows[model]] = tally.expected / tally.weight
    kept: Floats = np.clip(usual, LOWEST, HIGHEST)
    return kept


def _in_logits(moves: Floats, usual: Floats) -> Floats:
    reached = np.clip(usual + moves, LOWEST, HIGHEST)
    kept: Floats = np.clip(logits(reached) - logits(usual), -FARTHEST, FARTHEST)
    return kept


def moved(odds: float, logit: float) -> float:
    """The odds, moved by so many logits."""
    return 1 / (1 + (1 - odds) / odds * math.exp(-logit))


def won_against(odds: float, other: float) -> float:
    """The chance to be preferred, by what both were predicted to do well."""
    mine, theirs = odds / (1 - odds), other / (1 - other)
    return mine / (mine + theirs)
