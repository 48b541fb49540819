"""How good predictions are: the measures of the shared data's README. Pure; for commands only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.features import Floats
from routing.predictor import Matrix

Doubles = NDArray[np.float64]
DRAWS = 200  # of the bootstrap
LAMBDAS = np.concatenate([[0.0], np.geomspace(1e-2, 1e7, 72)])  # quality for a USD


@dataclass(frozen=True, slots=True)
class Span:
    """A figure and the middle 95 % of what it is on resampled prompts."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f} {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class ManyModels:
    """The many-model measures of a router and of the hull of single models.

    `gain`: height of the router's curve over the hull of single models, on average between
    the cheapest and the best single model's cost.
    """

    aiq: float
    half: float
    quarter: float
    cost95: float
    hull_aiq: float
    hull_half: float
    hull_quarter: float
    hull_cost95: float
    gain: Span


def recovered(gain: Floats, signal: Floats) -> Doubles:
    """The share of the gap recovered after 0, 1, ... n calls of the strong model.

    `gain`: what the strong model adds on each prompt; NaN is left out. Ties count as their mean.
    """
    kept = ~np.isnan(gain)
    gain, signal = gain[kept].astype(np.float64), signal[kept]
    order = np.argsort(-signal, kind="stable")
    _, groups = np.unique(-signal[order], return_inverse=True)
    mean = np.bincount(groups, gain[order]) / np.bincount(groups)
    total = float(gain.sum())
    return np.concatenate([[0.0], np.cumsum(mean[groups])]) / (total or 1.0)


def apgr(gain: Floats, signal: Floats) -> float:
    """Area under `recovered`: 0.5 for a coin."""
    curve = recovered(gain, signal)
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))


def cpt(gain: Floats, signal: Floats, percent: int) -> float:
    """The percentage of strong calls at which so much of the gap is recovered."""
    curve = recovered(gain, signal)
    return 100 * float(np.argmax(curve >= percent / 100 - 1e-12)) / (len(curve) - 1)


def spanned(measure: Callable[[NDArray[np.int64]], float], size: int, *, seed: int = 0) -> Span:
    """A measure of rows, with its bootstrap interval."""
    chance = np.random.default_rng(seed)
    drawn = [measure(chance.integers(0, size, size)) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Span(measure(np.arange(size)), float(low), float(high))


def hull_height(costs: Doubles, qualities: Doubles, at: Doubles) -> Doubles:
    """The upper concave, never falling hull of the points, at these costs.

    Left of the cheapest point there is nothing: the height there is the cheapest one's.
    """
    order = np.lexsort((-qualities, costs))
    hull: list[tuple[float, float]] = []
    for cost, quality in zip(costs[order].tolist(), qualities[order].tolist(), strict=True):
        if hull and quality <= hull[-1][1]:
            continue
        while len(hull) > 1 and _below(hull[-2], hull[-1], (cost, quality)):
            hull.pop()
        hull.append((cost, quality))
    return np.interp(at, [cost for cost, _ in hull], [quality for _, quality in hull])


def _below(
    one: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]
) -> bool:
    """Whether the middle point lies on or under the line from the first to the last."""
    across = (middle[0] - one[0]) * (last[1] - one[1])
    return across >= (middle[1] - one[1]) * (last[0] - one[0])


def many_models(quality: Matrix, cost: Matrix, scores: Matrix, spent: Matrix) -> ManyModels:
    """Measures of choosing by predicted quality and cost, over all prices of quality.

    All four are prompt by model: predicted, then real. Prompts that some model was not asked
    are left out.
    """
    kept = ~(np.isnan(scores) | np.isnan(spent)).any(1)
    quality, cost, scores, spent = quality[kept], cost[kept], scores[kept], spent[kept]
    rows = np.arange(len(scores))
    choices = [np.argmax(quality - price * cost, axis=1) for price in LAMBDAS]
    cheapest = int(np.argmin(spent.mean(0)))
    choices.append(np.full(len(rows), cheapest))
    reached = np.array([scores[rows, choice] for choice in choices], np.float64)
    paid = np.array([spent[rows, choice] for choice in choices], np.float64)

    def curves(taken: NDArray[np.int64]) -> tuple[Doubles, Doubles, Doubles]:
        single_cost = spent[taken].mean(0, dtype=np.float64)
        single = scores[taken].mean(0, dtype=np.float64)
        best = int(np.argmax(single))
        grid = np.linspace(single_cost.min(), single_cost[best], 101)
        at = np.concatenate([grid, single_cost[best] * np.array([0.5, 0.25])])
        ours = hull_height(paid[:, taken].mean(1), reached[:, taken].mean(1), at)
        return ours, hull_height(single_cost, single, at), np.append(at, single[best])

    ours, hull, at = curves(rows)
    dearest, best = float(at[100]), float(at[-1])

    def gain(taken: NDArray[np.int64]) -> float:
        mine, theirs, _ = curves(taken)
        return float((mine[:101] - theirs[:101]).mean())

    def cost_for(heights: Doubles) -> float:
        enough = np.flatnonzero(heights[:101] >= 0.95 * best)
        return float(at[enough[0]]) / dearest if len(enough) else float("inf")

    return ManyModels(
        float(ours[:101].mean()), float(ours[101]), float(ours[102]), cost_for(ours),
        float(hull[:101].mean()), float(hull[101]), float(hull[102]), cost_for(hull),
        spanned(gain, len(rows)),
    )  # fmt: skip


def brier(quality: Matrix, scores: Matrix) -> float:
    return float(np.nanmean((quality - scores) ** 2))


def within_model_auc(quality: Matrix, scores: Matrix) -> float:
    """How often a prompt that a model got right was predicted above one it got wrong."""
    found = []
    for predicted, score in zip(quality.T, scores.T, strict=True):
        asked = ~np.isnan(score)
        right = score[asked] >= 0.5
        if right.all() or not right.any():
            continue
        ranks = _ranks(predicted[asked])
        wins = ranks[right].sum() - right.sum() * (right.sum() - 1) / 2
        found.append(wins / (right.sum() * (~right).sum()))
    return float(np.mean(found)) if found else float("nan")


def _ranks(values: Floats) -> Doubles:
    """Ranks from 0, ties at their mean."""
    _, groups, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    middle: Doubles = ends - (sizes + 1) / 2
    return middle[groups]


def reliability(quality: Matrix, scores: Matrix) -> list[tuple[float, float, int]]:
    """Ten bins of predicted quality: what was predicted, what came, and how often."""
    asked = ~np.isnan(scores)
    predicted, came = quality[asked], scores[asked]
    bins = np.minimum(9, (predicted * 10).astype(int))
    return [
        (
            float(predicted[bins == at].mean()),
            float(came[bins == at].mean()),
            int((bins == at).sum()),
        )
        for at in range(10)
        if (bins == at).any()
    ]
