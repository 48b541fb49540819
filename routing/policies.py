"""What a choice is weighed by: a policy is a few named numbers with a version. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
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


@dataclass(frozen=True, slots=True)
class Policy:
    """Weights, a dial from thrifty (0) to best (10), and ceilings. None: no ceiling.

    `price_cap_usd` is for the expected cost of one answer. `allowed` and `excluded` name
    authors or slugs; an empty `allowed` allows all.
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

    def __post_init__(self) -> None:
        if not THRIFTY <= self.dial <= BEST:
            raise ValueError(f"The dial goes from {THRIFTY} to {BEST}, not to {self.dial}.")
        if not 0 <= self.fallbacks <= 2:
            raise ValueError("OpenRouter takes three models at most: the chosen and 2 fallbacks.")

    def turned_to(self, dial: float) -> Policy:
        return replace(self, dial=dial)

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}, dial {self.dial:g}"


DEFAULT = Policy()
