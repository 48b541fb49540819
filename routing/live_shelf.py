"""The figures of our own calls, in memory: no choice waits for them.

Whoever chooses gets the board as it is. Where it is older than a minute, a thread of its own asks
the source (setting ROUTING_LIVE_SOURCE) for the calls that have ended since, and adds them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils.module_loading import import_string

from routing.candidates import Candidate
from routing.constraints import painters
from routing.live_figures import Board, Figures, Observed, with_figures
from routing.shelf import Snapshot

logger = logging.getLogger(__name__)

RENEW_EVERY_S = 60.0
REACH_S = 3 * 86_400.0  # how far back the first look goes
MOST_CALLS = 2_000  # of one look
OVERLAP_S = 5.0  # clocks and commits are not in step; a call is known by its key

Key: TypeAlias = tuple[int, Observed]
Source: TypeAlias = Callable[[float, int], Sequence[Key]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A catalogue with its figures, ready for decisions."""

    snapshot: Snapshot
    board: Board
    candidates: tuple[Candidate, ...] = ()
    by_slug: Mapping[str, Candidate] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)  # dated name → slug
    painters: tuple[Candidate, ...] = ()


def shown(snapshot: Snapshot, board: Board) -> Shown:
    names = {c.canonical_slug: c.slug for c in reversed(snapshot.candidates) if c.canonical_slug}
    names |= {slug: slug for slug in snapshot.by_slug}
    figures: dict[str, Figures] = {}
    for model, told in board.by_model().items():
        slug = names.get(model, model)
        figures[slug] = figures[slug].plus(told) if slug in figures else told
    candidates = tuple(
        with_figures(candidate, figures[candidate.slug]) if candidate.slug in figures else candidate
        for candidate in snapshot.candidates
    )
    by_slug = {candidate.slug: candidate for candidate in candidates}
    return Shown(snapshot, board, candidates, by_slug, names, painters(candidates))


class LiveShelf:
    """Holds the board and the catalogue that goes with it."""

    def __init__(
        self, clock: Callable[[], float] = time.time, source: Source | None = None
    ) -> None:
        self._clock, self._source = clock, source
        self._board = Board()
        self._shown: Shown | None = None
        self._looked_at = 0.0
        self._known: set[int] = set()
        self._busy = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    @property
    def board(self) -> Board:
        return self._board

    def of(self, snapshot: Snapshot) -> Shown:
        """The catalogue with what our own calls tell, without waiting for anything."""
        self._renew_in_time()
        held, board = self._shown, self._board
        if held is None or held.snapshot is not snapshot or held.board is not board:
            held = self._shown = shown(snapshot, board)
        return held

    def _renew_in_time(self) -> None:
        if self._clock() - self._looked_at < RENEW_EVERY_S or not self._told_by():
            return
        if self._busy.acquire(blocking=False):
            self._pool = self._pool or ThreadPoolExecutor(1, "live-figures")
            self._pool.submit(self._renew_on_own_thread).add_done_callback(self._renewed)

    def _renew_on_own_thread(self) -> None:
        try:
            self.renew()
        finally:
            if connection.vendor != "sqlite":
                close_old_connections()

    def _renewed(self, future: Future[None]) -> None:
        self._busy.release()
        if error := future.exception():
            logger.warning("The figures of our own calls stay as they are: %s", error)

    def renew(self) -> None:
        """Add what has ended since the last look."""
        now = self._clock()
        since = max(self._looked_at - OVERLAP_S, now - REACH_S)
        self._looked_at = now  # ahead: a source that fails is asked again in a minute
        source = self._told_by()
        found = source(since, MOST_CALLS) if source else ()
        new = [call for key, call in found if key not in self._known]
        self._known = {key for key, _ in found}
        self._board = self._board.plus(new, now=now)

    def _told_by(self) -> Source | None:
        if self._source is None and settings.ROUTING_LIVE_SOURCE:
            self._source = import_string(settings.ROUTING_LIVE_SOURCE)
        return self._source

    def close(self) -> None:
        """Wait for a look that is under way, and end its thread."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


live_shelf = LiveShelf()


def lately(slug: str, canonical_slug: str = "") -> list[tuple[str, Figures]]:
    """What our own calls to a model came to, by provider, as this process knows it; to be shown."""
    names = {slug, canonical_slug}
    rows = live_shelf.board.rows.items()
    return sorted((provider, figures) for (model, provider), figures in rows if model in names)
