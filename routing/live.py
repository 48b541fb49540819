"""What counts in a choice besides the prompt, the policy and the catalogue. Pure.

Votes of the person who asks move odds; figures of our own calls (`Candidate.measured`) replace
guesses of speed and lower the odds of what fails; a prompt that a provider has in its cache makes
staying cheaper. For each, `effects` tells who would have been chosen without it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from routing.candidates import Candidate
from routing.evidence import moved
from routing.predictor import HIGHEST, LOWEST
from routing.scorers import speed

if TYPE_CHECKING:
    from routing.weighing import Weighed

Doubles = NDArray[np.float64]
# Providers keep prompts of 1,024 tokens and more for five minutes and longer, and OpenRouter
# returns to the same provider for ten (its docs on prompt caching, as of 2026).
LEAST_CACHED_TOKENS = 1_024
FRESH_S, STALE_S = 300.0, 600.0
LIKELY = 0.8  # that a fresh prompt is read from the cache: not every provider has one
TRIED = 0.1  # how often a policy that explores does
NEAR_CENTS, NEAR_SHARE = 0.01, 0.03  # how much worse may be tried: and of an answer's worth
MOST_KEPT = 12  # models whose shift a decision remembers: the farthest


@dataclass(frozen=True, slots=True)
class Warm:
    """A prompt that the provider of a model may still have: all but the newest messages.

    `model`: who answered last; `tokens`: of the prompt it answered; `age_s`: since its end.
    """

    model: str
    tokens: int
    age_s: float

    @property
    def likely_tokens(self) -> float:
        """How many tokens are expected to be read from the cache."""
        if self.tokens < LEAST_CACHED_TOKENS or self.age_s < 0:
            return 0.0
        left = min(1.0, max(0.0, (STALE_S - self.age_s) / (STALE_S - FRESH_S)))
        return LIKELY * left * self.tokens


@dataclass(frozen=True, slots=True)
class Live:
    """`demand`: what the votes are about; `shifts`: how far they move a model's odds, in logits;
    `voted`: the models that they were given to.

    `warm`: the cache of the running conversation. `seed`: what decides whether and whom a policy
    that explores tries; None tries nobody.
    """

    demand: str = ""
    shifts: Mapping[str, float] = field(default_factory=dict)
    warm: Warm | None = None
    seed: int | None = None
    voted: frozenset[str] = frozenset()


NOTHING = Live()


def voted_odds(live: Live, candidates: Sequence[Candidate], odds: Doubles) -> Doubles:
    """The odds of all, moved by the person's votes."""
    if not live.shifts:
        return odds
    shifts = np.array([live.shifts.get(each.slug, 0.0) for each in candidates])
    kept = np.clip(odds, LOWEST, HIGHEST)
    return np.where(shifts == 0, odds, 1 / (1 + (1 - kept) / kept * np.exp(-shifts)))


def discount_cents(live: Live, candidate: Candidate, prompt_tokens: int) -> float:
    """What a warm cache is expected to save with this model."""
    if live.warm is None or live.warm.model != candidate.slug or candidate.cache_read_f is None:
        return 0.0
    tokens = min(live.warm.likely_tokens, prompt_tokens)
    return max(0.0, 100 * tokens * (candidate.prompt_f - candidate.cache_read_f))


def tried(live: Live, fitting: Sequence[Weighed], worth_cents: float) -> Weighed | None:
    """Of those about as good as the best, one of whom little is known: seldom, and by the seed."""
    if live.seed is None or _draw(live.seed, "") >= TRIED:
        return None
    near = fitting[0].rank[0] + max(NEAR_CENTS, NEAR_SHARE * worth_cents)
    unknown = [
        each
        for each in fitting[1:]
        if each.rank[0] <= near
        and each.candidate.measured is None
        and each.candidate.slug not in live.voted
    ]
    seed = live.seed
    return min(unknown, key=lambda each: _draw(seed, each.candidate.slug), default=None)


def _draw(seed: int, name: str) -> float:
    """A number from 0 to 1 that looks like chance and is the same for the same seed and name."""
    return zlib.crc32(f"{seed}:{name}".encode()) / 2**32


def effects(live: Live, fitting: Sequence[Weighed], weights: Mapping[str, float]) -> dict[str, Any]:
    """What moved the choice, as JSON values for the decision; empty where nothing did.

    `fitting`: in order, the chosen one first; `weights`: of each scorer, in cents.
    """
    told: dict[str, Any] = {}
    best = fitting[0]
    if len(fitting) > 1 and fitting[1].rank < best.rank:
        return told  # chosen for another reason than its score: none of this moved it
    if live.shifts:
        votes = _without_votes(live, fitting, weights.get("quality", 0.0))
        kept = sorted(live.shifts.items(), key=lambda item: (-abs(item[1]), item[0]))[:MOST_KEPT]
        told["votes"] = {"demand": live.demand, "shifts": dict(kept)} | _instead(votes, best)
    if figures := _moved_by_figures(fitting, best, weights):
        told["figures"] = figures
    if warm := _warmth(live, fitting, best, weights):
        told["warm"] = warm
    return told


def _moved_by_figures(
    fitting: Sequence[Weighed], best: Weighed, weights: Mapping[str, float]
) -> dict[str, Any]:
    """Who lost the choice, or won it, by what was measured; empty where it is the same."""
    seen = [each for each in fitting if each.candidate.measured is not None]
    if not seen:
        return {}
    other = _without(fitting, seen, lambda each: _gain_of_figures(each, weights))
    told = _instead(other, best)
    for name, which in (("chosen", best), ("other", other)):
        if told and which.candidate.measured:
            told[name] = which.candidate.measured.to_json()
    return told


def _instead(other: Weighed, best: Weighed) -> dict[str, Any]:
    """Who would have been chosen otherwise, where that is somebody else."""
    if other is best:
        return {}
    return {"instead_of": other.candidate.slug, "instead_name": other.candidate.name}


def _without(
    fitting: Sequence[Weighed], touched: Sequence[Weighed], gain: Callable[[Weighed], float]
) -> Weighed:
    """The best if one thing did not count. `gain`: what it adds to the score of one it touches."""
    ids = {id(each) for each in touched}
    others = [each for each in fitting if id(each) not in ids][:1]
    ranked = [((each.rank[0] + gain(each), *each.rank[1:]), each) for each in touched]
    return min([*((each.rank, each) for each in others), *ranked], key=lambda pair: pair[0])[1]


def _without_votes(live: Live, fitting: Sequence[Weighed], quality: float) -> Weighed:
    """The best if no vote counted. Votes move hundreds: who cannot have been best is passed by."""
    best, least = fitting[0], (math.inf, 0.0, "")
    for each in fitting:
        shift = live.shifts.get(each.candidate.slug, 0.0)
        most = LOWEST + math.tanh(max(0.0, -shift) / 4)  # that a shift can take from any odds
        if each.rank[0] - quality * most > least[0]:
            continue
        gain = quality * _lifted(each, shift) if shift else 0.0
        if (rank := (each.rank[0] + gain, *each.rank[1:])) < least:
            best, least = each, rank
    return best


def _lifted(each: Weighed, shift: float) -> float:
    """What the shift added to the odds of an answer."""
    odds, reliability = each.outlook.odds, each.candidate.reliability
    return odds - moved(min(HIGHEST, max(LOWEST, odds / reliability)), -shift) * reliability


def _gain_of_figures(each: Weighed, weights: Mapping[str, float]) -> float:
    outlook, candidate = each.outlook, each.candidate
    if candidate.unmeasured is None:
        return 0.0
    quality = outlook.odds - outlook.odds / candidate.reliability
    plain = speed(outlook._replace(candidate=candidate.unmeasured))
    waiting = speed(outlook) - plain
    return weights.get("quality", 0.0) * quality + weights.get("speed", 0.0) * float(waiting)


def _warmth(
    live: Live, fitting: Sequence[Weighed], best: Weighed, weights: Mapping[str, float]
) -> dict[str, Any]:
    """The break-even of leaving the model whose cache is warm, in US cents of worth."""
    if live.warm is None:
        return {}
    stays = next((each for each in fitting if each.candidate.slug == live.warm.model), None)
    if stays is None:
        return {}
    prompt_tokens = stays.outlook.prompt.prompt_tokens
    saved = discount_cents(live, stays.candidate, prompt_tokens)
    others = [each for each in fitting[:2] if each is not stays]
    if saved <= 0 or not others:
        return {}
    cold = stays.rank[0] + weights.get("thrift", 0.0) * saved
    return {
        "slug": stays.candidate.slug,
        "name": stays.candidate.name,
        "tokens": round(min(live.warm.likely_tokens, prompt_tokens)),
        "saved_cents": round(saved, 6),
        "other": others[0].candidate.name,
        "ahead_cents": round(cold - others[0].rank[0], 6),  # of staying, were it cold
        "stayed": stays is best,
    }
