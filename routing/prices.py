"""What a model charges, exactly: Decimal USD, never a float. Pure.

Source: OpenRouter API reference, "List models" (`pricing`, `pricing.overrides`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Any

from openrouter.money import known_usd

ZERO = Decimal(0)
PER_MTOK = Decimal(1_000_000)
LONGEST = 40  # characters of a price in digits; more is no price


def price_or_none(value: object) -> Decimal | None:
    """A price in USD, or None for what is no price: missing, "-1", negative, NaN, infinite, text.

    A float is refused too: it has already lost the figure that was published.
    """
    if value is None or isinstance(value, (bool, float)):
        return None
    try:
        price = known_usd(Decimal(str(value).strip()))
    except InvalidOperation:
        return None
    if not price:
        return None if price is None else ZERO  # no "-0", no "0E-8"
    return price if len(as_text(price) or "") <= LONGEST else None


def as_text(price: Decimal | None) -> str | None:
    """The price in digits, without an exponent: what the database and the receipts keep."""
    return None if price is None else f"{price:f}"


@dataclass(frozen=True, slots=True)
class Tier:
    """The prices that hold above so many prompt tokens. None: as without the tier."""

    min_prompt_tokens: int
    prompt_usd: Decimal | None
    completion_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Prices:
    """USD per prompt token, per completion token and per request. None: unknown or "depends".

    A request price that is not listed does not exist, and counts as 0.
    """

    prompt_usd: Decimal | None
    completion_usd: Decimal | None
    request_usd: Decimal | None = None
    tiers: tuple[Tier, ...] = ()

    @property
    def known(self) -> bool:
        return self.prompt_usd is not None and self.completion_usd is not None

    @property
    def free(self) -> bool:
        """Nothing is charged for tokens or for the request, whatever the length."""
        return (
            self.prompt_usd == 0
            and self.completion_usd == 0
            and not self.request_usd
            and not self.tiers
        )

    @property
    def text(self) -> str:
        """For a list of models: "$0.25 in, $2.00 out per million tokens"."""
        if not self.known:
            return "price depends"
        if self.free:
            return "free"
        prompt, completion = per_mtok(self.prompt_usd), per_mtok(self.completion_usd)
        return f"{prompt} in, {completion} out per million tokens"

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> Decimal | None:
        """What these tokens cost, the tier of long prompts included. None: nobody can say."""
        prompt, completion = self.prompt_usd, self.completion_usd
        if prompt is None or completion is None:
            return None
        for tier in self.tiers:  # the last that applies wins, price by price
            if prompt_tokens > tier.min_prompt_tokens:
                prompt = prompt if tier.prompt_usd is None else tier.prompt_usd
                completion = completion if tier.completion_usd is None else tier.completion_usd
        request = self.request_usd or ZERO
        return prompt_tokens * prompt + completion_tokens * completion + request

    def highest_usd(self, name: str) -> Decimal:
        """The price of one token in the dearest tier; 0 where none is known."""
        of = attrgetter(f"{name}_usd")
        every = [of(self), *map(of, self.tiers)]
        return max((price for price in every if price is not None), default=ZERO)

    def affordable_tokens(self, prompt_tokens: int, budget_usd: Decimal) -> int | None:
        """How many completion tokens a budget holds after the prompt. None: without limit."""
        at_start, with_one = (self.cost_usd(prompt_tokens, n) for n in (0, 1))
        if at_start is None or with_one is None:
            return 0
        if with_one == at_start:
            return None if at_start <= budget_usd else 0
        return max(0, int((budget_usd - at_start) / (with_one - at_start)))

    def to_json(self) -> dict[str, Any]:
        """Money as strings, for a JSON field."""
        data: dict[str, Any] = {
            "prompt": as_text(self.prompt_usd),
            "completion": as_text(self.completion_usd),
        }
        if self.request_usd is not None:
            data["request"] = as_text(self.request_usd)
        if self.tiers:
            data["tiers"] = tiers_to_json(self.tiers)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Prices:
        return cls(
            prompt_usd=price_or_none(data.get("prompt")),
            completion_usd=price_or_none(data.get("completion")),
            request_usd=price_or_none(data.get("request")),
            tiers=tiers_from_json(data.get("tiers")),
        )


def tiers_to_json(tiers: tuple[Tier, ...]) -> list[dict[str, Any]]:
    return [
        {
            "min_prompt_tokens": tier.min_prompt_tokens,
            "prompt": as_text(tier.prompt_usd),
            "completion": as_text(tier.completion_usd),
        }
        for tier in tiers
    ]


def tiers_from_json(data: object) -> tuple[Tier, ...]:
    """The tiers of a stored or published list; what is no tier is left out."""
    if not isinstance(data, (list, tuple)):
        return ()
    return tuple(
        Tier(
            min_prompt_tokens=int(item["min_prompt_tokens"]),
            prompt_usd=price_or_none(item.get("prompt")),
            completion_usd=price_or_none(item.get("completion")),
        )
        for item in data
        if isinstance(item, Mapping) and isinstance(item.get("min_prompt_tokens"), (int, float))
    )


def per_mtok(price_usd: Decimal | None) -> str:
    """A price per token as people read it: USD per million tokens."""
    if price_usd is None:
        return "depends"
    if not price_usd:
        return "free"
    amount = (price_usd * PER_MTOK).normalize()
    return f"${amount:.2f}" if amount >= Decimal("0.1") else f"${amount:f}"
