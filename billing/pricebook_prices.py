"""What a model charges for which tokens, digit for digit. Pure.

A price that is missing, "-1" (it depends on the model chosen), negative, infinite or no number is
not a price: what it would be needed for has no known cost, and None is never 0.

Source: OpenRouter API reference, "List models" (`pricing`, `pricing.overrides`); protocol.md 5, 10.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, Final

from billing.money import EXACT, is_amount, usd_text
from openrouter.results import PriceOverride, Pricing

# Name on the wire → field of openrouter's Pricing. Per token, but for those of PER_PIECE.
FIELDS: Final[Mapping[str, str]] = {
    name: f"{name}_usd"
    for name in (
        *("prompt", "completion", "request", "image", "audio", "web_search"),
        *("internal_reasoning", "input_cache_read", "input_cache_write", "input_cache_write_1h"),
    )
}
PER_PIECE: Final = frozenset({"request", "image", "web_search"})
CONDITIONS: Final = ("min_prompt_tokens", "utc_start", "utc_end")
NOTHING: Final = Decimal(0)
PER_MTOK: Final = Decimal(1_000_000)

PriceList = dict[str, Any]  # as it is stored: text for each price, and "overrides" of the same


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one answer took, as the ledger has it; cached and written ones are part of prompt."""

    prompt: int
    completion: int
    reasoning: int = 0
    cached: int = 0
    cache_written: int = 0


def price_list(pricing: Pricing) -> PriceList:
    """A published pricing as it is stored: every price that is one, in digits."""
    stored: PriceList = dict(_stated(pricing))
    if overrides := [_override(each) for each in pricing.overrides]:
        stored["overrides"] = overrides
    return stored


def _stated(pricing: Pricing | PriceOverride) -> Iterator[tuple[str, str]]:
    for name, field in FIELDS.items():
        price = getattr(pricing, field, None)
        if isinstance(price, Decimal) and is_amount(price) and price >= 0:
            yield name, usd_text(price)


def _override(override: PriceOverride) -> PriceList:
    conditions = {
        name: int(value)
        for name in CONDITIONS
        if (value := getattr(override, name)) is not None and isfinite(value)
    }
    return conditions | dict(_stated(override))


def price_of(stored: Mapping[str, Any], name: str) -> Decimal | None:
    """One price of a stored list; None for what is none, whoever wrote it there."""
    text = stored.get(name)
    if not isinstance(text, str):
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None
    return price if is_amount(price) and price >= 0 else None


def depends(stored: Mapping[str, Any]) -> bool:
    """Whether no cost follows from this list: a router's, or a broken one."""
    return price_of(stored, "prompt") is None or price_of(stored, "completion") is None


def prices_at(stored: Mapping[str, Any], prompt_tokens: int, when: dt.datetime) -> PriceList:
    """The list with the overrides that hold for so long a prompt at this hour; later ones win."""
    prices = {name: value for name, value in stored.items() if name != "overrides"}
    for override in stored.get("overrides", ()):
        if _holds(override, prompt_tokens, when):
            prices |= {name: override[name] for name in FIELDS if name in override}
    return prices


def _holds(override: Mapping[str, Any], prompt_tokens: int, when: dt.datetime) -> bool:
    """Strictly more tokens than the threshold, and within the daily UTC window, if it has one."""
    if prompt_tokens <= int(override.get("min_prompt_tokens", -1)):
        return False
    start, end = int(override.get("utc_start", 0)), int(override.get("utc_end", 2400))
    moment = when.astimezone(dt.UTC)
    clock = moment.hour * 100 + moment.minute
    return start <= clock < end if start <= end else clock >= start or clock < end


def cost_usd(stored: Mapping[str, Any], tokens: Tokens, when: dt.datetime) -> Decimal | None:
    """What the tokens and the request cost by this list; None where a price for them lacks.

    Searches, images and other pieces that the ledger does not count are not in it.
    """
    prices = prices_at(stored, tokens.prompt, when)
    prompt, completion = price_of(prices, "prompt"), price_of(prices, "completion")
    if prompt is None or completion is None:
        return None
    read = price_of(prices, "input_cache_read")
    written = price_of(prices, "input_cache_write")
    thought = price_of(prices, "internal_reasoning") or completion  # 0: it is among the others
    fresh = max(0, tokens.prompt - tokens.cached - tokens.cache_written)
    said = max(0, tokens.completion - tokens.reasoning)
    parts = (
        (fresh, prompt),
        (tokens.cached, prompt if read is None else read),
        (tokens.prompt - fresh - tokens.cached, prompt if written is None else written),
        (said, completion),
        (tokens.completion - said, thought),
        (1, price_of(prices, "request") or NOTHING),
    )
    total = NOTHING
    for count, price in parts:
        total = EXACT.add(total, EXACT.multiply(Decimal(max(0, count)), price))
    return total


def price_words(name: str, price: Decimal | None) -> str:
    """A price as people read it: per million tokens, or each."""
    if price is None:
        return "no price"
    amount = price if name in PER_PIECE else price * PER_MTOK
    unit = "each" if name in PER_PIECE else "per million tokens"
    return f"${usd_text(amount)} {unit}"
