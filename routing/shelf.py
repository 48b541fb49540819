"""The catalogue in memory: one snapshot a process, looked after without a query on most calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from django.db.models import Count, Max
from django.utils import timezone

from routing.abilities import Odds, prior_odds
from routing.artefacts import the_predictor
from routing.candidates import AUTO, Candidate
from routing.evidence import Ladder
from routing.learned import LearnedOdds, Roster
from routing.listing import candidate_of
from routing.models import LanguageModel

CHECK_EVERY_S = 3.0
Stamp: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Pickable:
    """A model for the page's list: what a person needs to choose one."""

    slug: str
    name: str
    author: str
    price_text: str
    context_tokens: int | None
    reads_images: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The catalogue at one moment, made ready for decisions."""

    stamp: Stamp
    candidates: tuple[Candidate, ...] = ()
    by_slug: Mapping[str, Candidate] = field(default_factory=dict)
    pickable: tuple[Pickable, ...] = ()
    odds: Odds = prior_odds
    ladder: Ladder = field(default_factory=Ladder)


def read_stamp() -> Stamp:
    """What changes whenever the catalogue does: one small query. The day is part of it."""
    seen = LanguageModel.objects.aggregate(Max("synced_at"), Count("pk"), Max("pk"))
    return (timezone.now().date(), *seen.values())


def take_snapshot(stamp: Stamp) -> Snapshot:
    """Read the whole table and work out what every decision needs."""
    today = timezone.now().date()
    rows = LanguageModel.objects.order_by("slug")
    candidates = tuple(candidate_of(row, today=today) for row in rows)
    return Snapshot(
        stamp=stamp,
        candidates=candidates,
        by_slug={candidate.slug: candidate for candidate in candidates},
        pickable=tuple(_pickable(candidates, today)),
        odds=_odds(candidates),
        ladder=Ladder.of(candidates),
    )


def _odds(candidates: tuple[Candidate, ...]) -> Odds:
    """What was learned, for these candidates; the plain rule where no artefact is fit."""
    predictor = the_predictor()
    return prior_odds if predictor is None else LearnedOdds(Roster.of(predictor, candidates))


def _pickable(candidates: tuple[Candidate, ...], today: date) -> list[Pickable]:
    """What may be pinned, `openrouter/auto` first, then by author and name."""
    kept = [
        candidate
        for candidate in candidates
        if candidate.bar not in {"unavailable", "batch", "no_text_output"}
        and (candidate.expires_on is None or candidate.expires_on > today)
    ]
    kept.sort(key=lambda c: (c.slug != AUTO, c.author, c.name.casefold(), c.slug))
    return [
        Pickable(
            slug=candidate.slug,
            name=candidate.name,
            author=candidate.author,
            price_text=candidate.prices.text,
            context_tokens=candidate.context_tokens,
            reads_images="image" in candidate.inputs,
        )
        for candidate in kept
    ]


class Shelf:
    """Holds the snapshot; asks the database at most every few seconds whether it still holds.

    Any thread may ask. While one renews the snapshot, the others go on with the old one; only
    the very first wait.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._checked_at = 0.0

    def snapshot(self) -> Snapshot:
        held = self._snapshot
        if held is not None and self._clock() - self._checked_at < CHECK_EVERY_S:
            return held
        if not self._lock.acquire(blocking=held is None):
            return held or self.snapshot()
        try:
            return self._renewed()
        finally:
            self._lock.release()

    def _renewed(self) -> Snapshot:
        held = self._snapshot
        if held is None or self._clock() - self._checked_at >= CHECK_EVERY_S:
            stamp = read_stamp()
            if held is None or held.stamp != stamp:
                held = take_snapshot(stamp)
            self._snapshot, self._checked_at = held, self._clock()
        return held

    def forget(self) -> None:
        """Look again at the next call: after a sync, and between tests."""
        with self._lock:
            self._snapshot = None


shelf = Shelf()
