"""Any old message priced once more, with the book of its day, beside what was booked for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, Sum

from billing.models import Kind, UsageRecord
from billing.money import EXACT, UsdTotal
from billing.pricebook import in_force
from billing.pricebook_models import PriceEntry
from billing.pricebook_prices import Tokens, cost_usd

NOT_IN_BOOK = "the book of that day does not know the model"
NO_TOKENS = "its tokens are not known"
NO_PRICE = "its price depends on the model chosen, or is none"
CHUNK_ROWS = 500
COUNTS = (  # as Tokens has them
    *("prompt_tokens", "completion_tokens", "reasoning_tokens"),
    *("cached_tokens", "cache_write_tokens"),
)


@dataclass(frozen=True, slots=True)
class Repriced:
    """What was booked for a message, corrections included, and what the book of its day says.

    `book_usd` is None where nobody can say, and `remark` why. On a key of the person's own the
    provider's price is compared, which is what such a key paid. The book knows nothing of
    discounts, searches and images, so a difference is a question and not an error.
    """

    record: UsageRecord
    entry: PriceEntry | None
    booked_usd: Decimal
    book_usd: Decimal | None
    remark: str = ""

    @property
    def difference_usd(self) -> Decimal | None:
        """Booked above the book; negative where less was booked."""
        return None if self.book_usd is None else EXACT.subtract(self.booked_usd, self.book_usd)


def reprice(record: UsageRecord) -> Repriced:
    """Reckon an original entry anew. Nothing is written: the ledger stays what was paid."""
    original = record.corrects or record
    entry = original.price_entry or in_force(original.call)
    booked, tokens = booked_for(original)
    if entry is None:
        return Repriced(original, None, booked, None, NOT_IN_BOOK)
    if tokens is None:
        return Repriced(original, entry, booked, None, NO_TOKENS)
    book = cost_usd(entry.prices, tokens, original.call.created_at)
    return Repriced(original, entry, booked, book, "" if book is not None else NO_PRICE)


def booked_for(original: UsageRecord) -> tuple[Decimal, Tokens | None]:
    """What the books say that it cost and took: the entry and its corrections.

    No tokens where they were never told.
    """
    column = "upstream_cost_usd" if original.is_byok else "cost_usd"
    entries = UsageRecord.objects.filter(call_id=original.call_id).order_by()
    sums = entries.aggregate(
        booked=UsdTotal(column), **{f"sum_{name}": Sum(name) for name in COUNTS}
    )
    if original.prompt_tokens is None or original.completion_tokens is None:
        return sums["booked"], None
    return sums["booked"], Tokens(*(sums[f"sum_{name}"] or 0 for name in COUNTS))


def reprice_all(since: dt.datetime, until: dt.datetime | None = None) -> Iterator[Repriced]:
    """Every message of a stretch of time, oldest first."""
    made = Q(created_at__gte=since) & (Q(created_at__lt=until) if until else Q())
    originals = UsageRecord.objects.filter(made, kind=Kind.ORIGINAL).order_by("created_at", "pk")
    for record in originals.select_related("call", "price_entry").iterator(CHUNK_ROWS):
        yield reprice(record)
