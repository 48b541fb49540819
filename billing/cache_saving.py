"""What a provider's cache saved on a call, by the price book of its day.

Source: protocol.md section 5 and recorded bills: tokens that were read cost the cache's price,
tokens that were written cost the writing. With some providers (Gemini) the written ones are read
as well, and are told as both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from billing.models import UsageRecord
from billing.money import EXACT
from billing.pricebook_models import PriceEntry
from billing.pricebook_prices import price_of, prices_at


def uses_cache(usage: UsageRecord | None) -> bool:
    """Whether there is anything to tell."""
    return usage is not None and bool(usage.cached_tokens or usage.cache_write_tokens)


def saved_usd(prices: Mapping[str, Any] | None, usage: UsageRecord) -> Decimal | None:
    """What its prompt would have cost without the cache, less what it did cost.

    Negative where writing cost more than reading saved, which the next turn may earn. None: the
    book has no price for it, or the call told no tokens.
    """
    if prices is None or usage.prompt_tokens is None:
        return None
    day = prices_at(prices, usage.prompt_tokens, usage.created_at)
    full = price_of(day, "prompt")
    read, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    read_usd, write_usd = price_of(day, "input_cache_read"), price_of(day, "input_cache_write")
    if full is None or (read and read_usd is None) or (written and write_usd is None):
        return None
    both = read + written
    touched = both if both <= usage.prompt_tokens else max(read, written)
    cost = EXACT.add(
        EXACT.multiply(Decimal(read), read_usd or Decimal(0)),
        EXACT.multiply(Decimal(written), write_usd or Decimal(0)),
    )
    return EXACT.subtract(EXACT.multiply(Decimal(touched), full), cost)


def savings(usages: Iterable[UsageRecord | None]) -> dict[int, Decimal | None]:
    """Entry → what the cache saved on it, of those that used one; in one query."""
    cached = [usage for usage in usages if usage is not None and uses_cache(usage)]
    keys = {usage.price_entry_id for usage in cached if usage.price_entry_id}
    books = dict(PriceEntry.objects.filter(pk__in=keys).values_list("pk", "prices")) if keys else {}
    return {usage.pk: saved_usd(books.get(usage.price_entry_id or 0), usage) for usage in cached}
