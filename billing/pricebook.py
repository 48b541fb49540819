"""Keeping the price book, and finding the entry that was in force when a call was made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Q

from billing.models import Call
from billing.pricebook_models import SLUG_CHARS, Listing, PriceEntry
from billing.pricebook_prices import FIELDS, PriceList, depends, price_list, price_of, price_words
from openrouter.results import ModelInfo

BATCH_ROWS: Final = 500
NEVER_YEAR: Final = 2090  # OpenRouter writes 2098-12-31 for "never"


@dataclass(slots=True)
class BookDiff:
    """What a sync found to be different from the book, a sentence for each change."""

    new: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    dearer: list[str] = field(default_factory=list)
    cheaper: list[str] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    unchanged: int = 0
    begins: bool = False

    def lines(self) -> list[str]:
        """For the person who looks at a sync; of the very first only its size is told."""
        if self.begins:
            return [f"The price book begins with {len(self.new)} models."]
        changes = [
            line
            for kind in ("new", "back", "vanished", "expired", "dearer", "cheaper", "otherwise")
            for line in getattr(self, kind)
        ]
        return [
            *changes,
            f"Price book: {len(self.new)} new, {len(self.back)} back, {len(self.vanished)} "
            f"vanished, {len(self.expired)} expired, {len(self.dearer)} dearer, "
            f"{len(self.cheaper)} cheaper, {len(self.otherwise)} changed otherwise, "
            f"{self.unchanged} as before.",
        ]


def store_prices(infos: Iterable[ModelInfo], *, now: dt.datetime) -> list[str]:
    """Add an entry for each model that is not as the book has it; return what changed, in words.

    For CATALOGUE_ON_SYNCED: called in the transaction of the sync, so it is all or nothing.
    """
    book, diff = PriceEntry.objects.by_model(), BookDiff()
    diff.begins = not book
    seen = {entry.model: entry for info in infos if (entry := entry_of(info, now))}
    fresh = [entry for model, entry in seen.items() if _is_news(book.get(model), entry, diff)]
    fresh += [_gone(entry, now, diff) for entry in _vanished(book, seen)]
    PriceEntry.objects.bulk_create(fresh, batch_size=BATCH_ROWS)
    return diff.lines()


def entry_of(info: ModelInfo, now: dt.datetime) -> PriceEntry | None:
    """What the list says of a model today; None for what names no model."""
    slug = info.id.strip()
    if not slug or len(slug) > SLUG_CHARS:
        return None
    expires_on = _day(info.expiration_date)
    is_past = expires_on is not None and expires_on <= now.astimezone(dt.UTC).date()
    target = info.alias_target
    target = target.get("slug") if isinstance(target, dict) else target
    return PriceEntry(
        model=slug,
        permaslug=(info.canonical_slug or "")[:SLUG_CHARS],
        alias_target=target[:SLUG_CHARS] if isinstance(target, str) else "",
        listing=Listing.EXPIRED if is_past else Listing.LISTED,
        expires_on=expires_on,
        prices=price_list(info.pricing),
        seen_at=now,
    )


def _day(published: str | None) -> dt.date | None:
    try:
        day = dt.date.fromisoformat((published or "")[:10])
    except ValueError:
        return None
    return day if day.year < NEVER_YEAR else None


def _is_news(before: PriceEntry | None, entry: PriceEntry, diff: BookDiff) -> bool:
    """Whether the entry says something new; notes in the diff what."""
    if before is None:
        diff.new.append(f"new: {entry.model}, {_both(entry.prices)}")
        return True
    if all(getattr(before, name) == getattr(entry, name) for name in _told()):
        diff.unchanged += 1
        return False
    if before.listing == Listing.VANISHED:
        diff.back.append(f"back: {entry.model}, {_both(entry.prices)}")
    elif entry.listing == Listing.EXPIRED != before.listing:
        diff.expired.append(f"expired: {entry.model}, on {entry.expires_on}")
    _compare_prices(before, entry, diff)
    return True


def _told() -> Sequence[str]:
    return ("permaslug", "alias_target", "listing", "expires_on", "prices")


def _both(prices: PriceList) -> str:
    if depends(prices):
        return "price depends"
    return ", ".join(
        f"{name} {price_words(name, price_of(prices, name))}" for name in ("prompt", "completion")
    )


def _compare_prices(before: PriceEntry, entry: PriceEntry, diff: BookDiff) -> None:
    """A line for each price that went up or down, and one for what cannot be compared so."""
    for name in FIELDS:
        old, new = price_of(before.prices, name), price_of(entry.prices, name)
        if old == new:
            continue
        change = f"{entry.model}: {name} {price_words(name, old)} → {price_words(name, new)}"
        if old is None or new is None:
            diff.otherwise.append(f"price changed: {change}")
        elif new > old:
            diff.dearer.append(f"dearer: {change}")
        else:
            diff.cheaper.append(f"cheaper: {change}")
    if before.prices.get("overrides") != entry.prices.get("overrides"):
        diff.otherwise.append(f"price changed: {entry.model}: prices of long prompts or of hours")
    for name, words in (
        ("alias_target", "stands for"),
        ("expires_on", "last day"),
        ("permaslug", "dated name"),
    ):
        old_fact, new_fact = getattr(before, name), getattr(entry, name)
        if old_fact != new_fact and entry.listing == Listing.LISTED:
            diff.otherwise.append(
                f"{entry.model}: {words} {old_fact or 'nothing'} → {new_fact or 'nothing'}"
            )


def _vanished(book: dict[str, PriceEntry], seen: dict[str, PriceEntry]) -> list[PriceEntry]:
    return [
        entry
        for model, entry in sorted(book.items())
        if model not in seen and entry.listing != Listing.VANISHED
    ]


def _gone(entry: PriceEntry, now: dt.datetime, diff: BookDiff) -> PriceEntry:
    """The entry that says so; the last prices stay in it, for bills that come late."""
    diff.vanished.append(f"vanished: {entry.model}")
    kept = {name: getattr(entry, name) for name in _told() if name != "listing"}
    return PriceEntry(model=entry.model, listing=Listing.VANISHED, seen_at=now, **kept)


# --- Which entry was in force ---


def in_force(call: Call) -> PriceEntry | None:
    """The entry by which a call was priced; None where the book did not know its model then.

    What was asked for tells the variant (`:free`), which the name of the model that served may
    have lost; the dated name may be that of several. Each is looked for in that order.
    """
    asked = [call.requested_model, *map(str, call.fallback_models)]
    served = call.served_model or call.requested_model
    known = PriceEntry.objects.until(call.created_at).filter(
        Q(model__in=[served, *asked]) | Q(permaslug=served)
    )
    entries = known.defer("prices").by_model()  # only which one: this is asked at each settlement
    for name in asked:
        if name in entries and _is_same(entries[name], served):
            return entries[name]
    if served in entries:
        return entries[served]
    dated = [entry for entry in entries.values() if entry.permaslug == served]
    return min(dated, key=lambda entry: (":" in entry.model, entry.model), default=None)


def _is_same(entry: PriceEntry, served: str) -> bool:
    plain = entry.model.partition(":")[0]
    return served in (entry.model, entry.permaslug, entry.alias_target, plain)
