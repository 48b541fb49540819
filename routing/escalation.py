"""Cheap first, then check, then perhaps one dearer call: when that pays. Pure.

The odds of the cheap answer move by what each check found; where they end in between, so that
asking again is neither needless nor hopeless, and the better odds are worth the price, one
stronger model is asked. Never more than once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from routing.checks import Finding

# How much likelier each finding is with a bad answer than with a good one: (failed, passed). Our
# judgement: a check that fails is almost always right, one that passes says little.
WEIGHTS: Mapping[str, tuple[float, float]] = {
    "refusal": (20.0, 0.95),
    "cut": (12.0, 0.95),
    "code": (15.0, 0.8),
    "format": (10.0, 0.8),
    "arithmetic": (15.0, 0.7),
}
CAUGHT, FALSE_ALARM = 0.30, 0.03  # of bad answers some check fails on; of good ones
# The odds of a stronger model where a weaker one was wrong, as a share of its odds: prompts are
# hard for all. Measured on the outcomes that `train_router` reads, median over the pairs of models:
# .70 (mmlu, crux) to .90 (AlpacaEval).
RESCUED = 0.8
SURE, HOPELESS = 0.85, 0.05  # odds of the cheap answer, of the stronger one's gain: no second call


@dataclass(frozen=True, slots=True)
class Option:
    """A model that might be asked: its odds of a good answer, and what it is expected to cost."""

    slug: str
    odds: float
    usd: float


def after_checks(odds: float, findings: Iterable[Finding]) -> float:
    """The odds of a good answer once the checks have spoken."""
    against = (1 - odds) / max(odds, 1e-6)
    for finding in findings:
        failed, passed = WEIGHTS[finding.name]
        against *= passed if finding.passed else failed
    return 1 / (1 + against)


def pays(odds: float, stronger: Option, *, worth_usd: float) -> bool:
    """Whether to ask the stronger model after an answer that is good with these odds."""
    gain = odds * stronger.odds + (1 - odds) * RESCUED * stronger.odds - odds
    return odds < SURE and gain > HOPELESS and worth_usd * gain > stronger.usd


def first_to_ask(best: Option, others: Iterable[Option], *, worth_usd: float) -> Option:
    """The model to begin with: `best`, or a cheaper one where checks make up for what it lacks."""
    ways = [(_value_of(option, best, worth_usd), -option.usd, option.slug, option)
            for option in others if option.usd < best.usd]  # fmt: skip
    direct = worth_usd * best.odds - best.usd
    value, *_, option = max(ways, default=(direct, 0.0, "", best))
    return option if value > direct else best


def _value_of(cheap: Option, best: Option, worth_usd: float) -> float:
    """What cheap first and then check is worth, less its price."""
    needless, caught = cheap.odds * FALSE_ALARM, (1 - cheap.odds) * CAUGHT
    good = cheap.odds - needless + (needless + caught * RESCUED) * best.odds
    return worth_usd * good - cheap.usd - (needless + caught) * best.usd
