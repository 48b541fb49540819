"""What a handful of outcomes says of every model and of prompts like those. Pure.

A Gaussian process over the residuals, outcome less predicted odds. How far the odds of a model on
a prompt may be off has two parts, one for all prompts and one that fades with the distance to the
prompts seen; and in each part a share for all models, one that grows along the ladder of ability,
one for models of like ability, and the model's own. The spreads are those by which predictions for
benchmarks that were left out really were off (by marginal likelihood, docs/routing.md). So thirty
outcomes move what they were seen of, its neighbours less, and one outcome hardly anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from routing.features import Floats, Ints
from routing.predictor import Matrix

Doubles = NDArray[np.float64]
MIDDLE_ABILITY, ABILITY_STEP = 0.4, 0.15
NEIGHBOURS = 0.12  # of the ladder: models nearer than that are alike
NOISE, PROMPT = 0.35, 0.21  # deviation of one outcome, and of a prompt's from others like it
REACH = 0.65  # of the usual squared distance between the prompts seen
SCALES = (0.25, 0.5, 1.0, 1.5)  # tried; the likeliest counts
COST_NOISE, COST_LEVEL, COST_OWN = 0.5, 1.0, 0.5  # in logarithms of cost: real over predicted


@dataclass(frozen=True, slots=True)
class Spread:
    """Deviations of the residual: of all models, a step up the ladder, of like models, own."""

    level: float
    step: float
    alike: float
    own: float

    def scaled(self, scale: float) -> Spread:
        """Each model strays from those like it so many times as far."""
        return Spread(self.level, self.step, self.alike, scale * self.own)

    def between(self, one: Floats, other: Floats, same: NDArray[np.bool_]) -> Doubles:
        """The covariance of models by their abilities: (one, other)."""
        up = _steps(one)[:, None] * _steps(other)
        near = np.exp(-0.5 * ((one[:, None] - other) / NEIGHBOURS) ** 2)
        found: Doubles = (
            self.level**2 + self.step**2 * up + self.alike**2 * near + self.own**2 * same
        )
        return found


def _steps(abilities: Floats) -> Floats:
    """Steps up or down the ladder from its middle; beyond two, nothing was measured."""
    steps: Floats = np.clip((abilities - MIDDLE_ABILITY) / ABILITY_STEP, -2, 2)
    return steps


EVERYWHERE = Spread(level=0.10, step=0.08, alike=0.0, own=0.06)
HERE = Spread(level=0.20, step=0.05, alike=0.10, own=0.10)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Answers that were judged, one entry each. `weights`: how many an entry counts for."""

    models: Sequence[str] | Ints  # by name or by number
    abilities: Floats
    residuals: Floats  # quality, 0 to 1, less the odds that were predicted
    weights: Floats


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was learned of the outcomes, ready to move predictions."""

    outcomes: Outcomes
    pull: Doubles
    everywhere: Spread
    here: Spread

    @classmethod
    def of(cls, outcomes: Outcomes, alike: Matrix, together: Matrix | None = None) -> Learnt:
        """`alike`: how alike the prompts of two entries are, from 0 to 1; `together`: 1 where
        they are the same prompt, whose luck both share (None: no two are).
        """
        noise = np.diag(NOISE**2 / outcomes.weights.astype(np.float64))
        luck = np.diag(PROMPT**2 / outcomes.weights) if together is None else PROMPT**2 * together
        tried = [cls._fitted(outcomes, alike, noise + luck, scale) for scale in SCALES]
        return max(tried, key=lambda each: each[0])[1]

    @classmethod
    def _fitted(
        cls, outcomes: Outcomes, alike: Matrix, noise: Doubles, scale: float
    ) -> tuple[float, Self]:
        """How likely the outcomes are if models stray so much, and what they say then."""
        names = np.array(outcomes.models)
        same, at = names[:, None] == names, outcomes.abilities
        everywhere, here = EVERYWHERE.scaled(scale), HERE.scaled(scale)
        covariance = everywhere.between(at, at, same) + alike * here.between(at, at, same)
        told = outcomes.residuals.astype(np.float64)
        root = np.linalg.cholesky(covariance + noise)
        pull = np.linalg.solve(root.T, np.linalg.solve(root, told))
        likely = -0.5 * float(told @ pull) - float(np.log(np.diag(root)).sum())
        likely -= float(np.log(scale)) ** 2  # with little to go by, as far as usual
        return likely, cls(outcomes, pull, everywhere, here)

    def moves(self, models: Sequence[str] | Ints, abilities: Floats, near: Matrix) -> Floats:
        """How far the odds move: (prompts, models). `near`: (prompts, entries), as `alike`."""
        same = np.array(models)[:, None] == np.array(self.outcomes.models)
        anywhere = self.everywhere.between(abilities, self.outcomes.abilities, same) @ self.pull
        here = self.here.between(abilities, self.outcomes.abilities, same) * self.pull
        found: Floats = (anywhere + near @ here.T).astype(np.float32)
        return found

    def common(self, near: Matrix) -> Floats:
        """What of these moves is the same for all models: (prompts, 1)."""
        anywhere = self.everywhere.level**2 * self.pull.sum()
        found: Floats = (anywhere + self.here.level**2 * near @ self.pull[:, None]).astype(
            np.float32
        )
        return found


@dataclass(frozen=True, slots=True)
class Nearness:
    """How alike prompts are by what the predictor read in them, on the scale of those seen."""

    seen: Matrix
    middle: Floats
    spread: Floats
    usual: float

    @classmethod
    def of(cls, seen: Matrix) -> Nearness:
        middle, spread = seen.mean(0), seen.std(0) + 0.1 * np.abs(seen).mean() + 1e-6
        scaled = (seen - middle) / spread
        away = _squares(scaled, scaled)
        pairs = away[np.triu_indices(len(seen), 1)]
        usual = float(np.median(pairs)) if len(pairs) else 1.0
        return cls(scaled, middle, spread, max(usual, 1e-6))

    def to(self, outputs: Matrix) -> Matrix:
        """(prompts, seen): 1 for what reads the same."""
        away = _squares((outputs - self.middle) / self.spread, self.seen)
        near: Matrix = np.exp(-away / (REACH * self.usual)).astype(np.float32)
        return near


def _squares(one: Matrix, other: Matrix) -> Matrix:
    away: Matrix = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    return np.maximum(away, 0.0)


def cost_factors(predicted: Matrix, real: Matrix) -> Floats:
    """By what each model's cost is off, from some prompts: (prompts, models) of both, NaN unknown.

    All models together, and each model's own, shrunk by how much was seen.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.log(real / predicted)
    known = np.isfinite(away)
    sure = known.sum(0) / COST_NOISE**2
    mean = np.where(known, away, 0.0).sum(0) / known.sum(0).clip(1)
    models = predicted.shape[1]
    covariance = COST_LEVEL**2 + COST_OWN**2 * np.eye(models)
    moved = np.linalg.solve(np.eye(models) + covariance * sure, covariance @ (sure * mean))
    factors: Floats = np.exp(moved).astype(np.float32)
    return factors
