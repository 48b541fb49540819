"""What was decided and why: frozen values that can be kept and read again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from routing.prices import Prices, as_text, price_or_none

JSON_VERSION = 1


@dataclass(frozen=True, slots=True)
class Contender:
    """A candidate as it stood in the decision: its score and parts in US cents of worth."""

    slug: str
    name: str
    prices: Prices
    score: float = 0.0
    ability: float | None = None
    odds: float | None = None
    expected_usd: Decimal | None = None
    parts: Mapping[str, float] = field(default_factory=dict)
    shift: float = 0.0  # how far the person's votes moved the odds, in logits
    canonical_slug: str = ""
    alias_target: str = ""

    @classmethod
    def unknown(cls, slug: str) -> Contender:
        """A model of which only the name is known."""
        return cls(slug=slug, name=slug, prices=Prices(None, None))


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen and everything that is needed to explain it, years later.

    `expected_usd` is for the tokens expected; `worst_case_usd` is the most that the chosen
    model or any fallback may charge for the room given: hold that much. Both are None
    when the price depends on what is chosen later (routers) or is not published.
    `rejected` counts the candidates each constraint kept out. `parts` sum to `score`.
    `learned`: what the learned router made of the prompt (`weighing.learned_part`), empty where
    only the plain scorers decided. `privacy`: the policy's wishes, for the request's `provider`.
    `needs`: what hung on the message, as `choose_model` takes it.
    `live`: what votes, own measurements and a warm cache did to the choice (`live.effects`).
    """

    slug: str
    name: str
    fallbacks: tuple[str, ...]
    max_completion_tokens: int
    effort: str | None
    score: float
    parts: Mapping[str, float]
    reason: str
    candidates: tuple[Contender, ...]
    rejected: Mapping[str, int]
    policy: str
    policy_version: str
    dial: float
    signals: Mapping[str, float]
    difficulty: float
    prompt_tokens: int
    answer_tokens: int
    expected_usd: Decimal | None
    worst_case_usd: Decimal | None
    pinned: bool = False
    learned: Mapping[str, Any] = field(default_factory=dict)
    privacy: Mapping[str, Any] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    live: Mapping[str, Any] = field(default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """The chosen model and its fallbacks, in the order they are tried (three at most)."""
        return (self.slug, *self.fallbacks)

    def to_json(self) -> dict[str, Any]:
        """The decision as JSON values, money as strings: for a JSON field."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        return {
            **plain,
            "v": JSON_VERSION,
            "fallbacks": list(self.fallbacks),
            "parts": dict(self.parts),
            "rejected": dict(self.rejected),
            "signals": dict(self.signals),
            "learned": dict(self.learned),
            "privacy": dict(self.privacy),
            "needs": sorted(self.needs),
            "live": dict(self.live),
            "expected_usd": as_text(self.expected_usd),
            "worst_case_usd": as_text(self.worst_case_usd),
            "candidates": [_contender_to_json(contender) for contender in self.candidates],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Decision:
        """The decision that `to_json` wrote. Raises KeyError for what is none."""
        return cls(
            **{name: data[name] for name in _PLAIN},
            fallbacks=tuple(data["fallbacks"]),
            parts=data["parts"],
            rejected=data["rejected"],
            signals=data["signals"],
            learned=data.get("learned") or {},
            privacy=data.get("privacy") or {},
            needs=frozenset(data.get("needs") or ()),
            live=data.get("live") or {},
            expected_usd=price_or_none(data["expected_usd"]),
            worst_case_usd=price_or_none(data["worst_case_usd"]),
            candidates=tuple(_contender_from_json(item) for item in data["candidates"]),
        )


_PLAIN = (
    "slug", "name", "max_completion_tokens", "effort", "score", "reason", "policy",
    "policy_version", "dial", "difficulty", "prompt_tokens", "answer_tokens", "pinned",
)  # fmt: skip


def _contender_to_json(contender: Contender) -> dict[str, Any]:
    return {
        "slug": contender.slug,
        "name": contender.name,
        "prices": contender.prices.to_json(),
        "score": contender.score,
        "ability": contender.ability,
        "odds": contender.odds,
        "expected_usd": as_text(contender.expected_usd),
        "parts": dict(contender.parts),
        "shift": contender.shift,
        "canonical_slug": contender.canonical_slug,
        "alias_target": contender.alias_target,
    }


def _contender_from_json(data: Mapping[str, Any]) -> Contender:
    return Contender(
        slug=data["slug"],
        name=data["name"],
        prices=Prices.from_json(data["prices"]),
        score=data["score"],
        ability=data["ability"],
        odds=data["odds"],
        expected_usd=price_or_none(data["expected_usd"]),
        parts=data["parts"],
        shift=data.get("shift", 0.0),
        canonical_slug=data.get("canonical_slug", ""),
        alias_target=data.get("alias_target", ""),
    )
