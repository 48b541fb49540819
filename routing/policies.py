"""What a choice is weighed by: a policy is a few named numbers with a version. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

THRIFTY, BALANCED, BEST = 0, 5, 10

# US cents that the full scorer is worth for a prompt of middling weight; `quality` and
# `thrift` are the two sides of the trade, the rest decide between models that are close.
WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "quality": 1.0,  # cents of quality, as the dial prices it
        "thrift": 1.0,  # cents of expected cost
        "speed": 0.004,  # cents a second of waiting
        "recency": 0.03,
        "comfort": 0.02,
        "thinking": 0.05,
    }
)


@lru_cache(maxsize=16_384)  # the same few hundred models, prompt after prompt
def matches(patterns: frozenset[str], slug: str, author: str) -> bool:
    """Whether a pattern names the model: its slug, its author, or with `*` a part of the slug."""
    if slug in patterns or author in patterns:
        return True
    return any("*" in pattern and _compiled(pattern).match(slug) for pattern in patterns)


@lru_cache(maxsize=1_024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))  # only * and ? are special


@dataclass(frozen=True, slots=True)
class Policy:
    """Weights, a dial from thrifty (0) to best (10), floors and ceilings. None: no ceiling.

    `price_cap_usd` is for the expected cost of one answer. `quality_floor` is the least chance
    of a good answer that a model must have; where none has it, the likeliest answers.
    `allowed` and `excluded` are patterns (see `matches`); an empty `allowed` allows all.
    `dial_least` and `dial_most`: how far a person may turn the dial.
    `no_training`, `zero_retention`: wishes that only OpenRouter can keep; they go out with the
    request. `explores`: whether ties may be settled in favour of what is less known.
    """

    name: str = "balanced"
    version: str = "2026-11-1"
    dial: float = BALANCED
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    price_cap_usd: Decimal | None = None
    allow_free: bool = False
    fallbacks: int = 2
    allowed: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    dial_least: float = THRIFTY
    dial_most: float = BEST
    quality_floor: float = 0.0
    no_training: bool = False
    zero_retention: bool = False
    explores: bool = False

    def __post_init__(self) -> None:
        _check_dial(self.dial)
        if not THRIFTY <= self.dial_least <= self.dial <= self.dial_most <= BEST:
            raise ValueError("The dial's default lies outside of how far it may be turned.")
        if not 0 <= self.quality_floor < 1:
            raise ValueError("The least chance of a good answer is 0 or more, and less than 1.")
        if not 0 <= self.fallbacks <= 2:
            raise ValueError("OpenRouter takes three models at most: the chosen and 2 fallbacks.")

    def turned_to(self, dial: float) -> Policy:
        """With the dial there, or as near as this policy lets it be turned."""
        _check_dial(dial)
        return replace(self, dial=min(max(dial, self.dial_least), self.dial_most))

    def admits(self, slug: str, author: str) -> bool:
        """Whether the model is in the pool."""
        if self.excluded and matches(self.excluded, slug, author):
            return False
        return not self.allowed or matches(self.allowed, slug, author)

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}, dial {self.dial:g}"

    @property
    def wishes(self) -> dict[str, object]:
        """The privacy wishes as OpenRouter takes them: a part of the request's `provider`.

        Source: OpenRouter API reference, "Provider routing" (`data_collection`, `zdr`).
        """
        denied: dict[str, object] = {"data_collection": "deny"} if self.no_training else {}
        return denied | ({"zdr": True} if self.zero_retention else {})


def _check_dial(dial: float) -> None:
    if not THRIFTY <= dial <= BEST:
        raise ValueError(f"The dial goes from {THRIFTY} to {BEST}, not to {dial}.")


DEFAULT = Policy()
