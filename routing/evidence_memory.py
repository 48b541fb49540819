"""What each person's votes say, kept at hand by the process: mostly without a query."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from routing.evidence import Ladder, Tallies, Tally, shifts
from routing.evidence_models import Evidence

KNOWN_FOR_S = 20.0  # how long another process's votes may go unseen
PEOPLE = 5_000  # whose evidence a process keeps at hand


def tallies_of(user_id: int) -> Tallies:
    """All that is kept of a person's votes."""
    found: dict[str, dict[str, Tally]] = {}
    for row in Evidence.objects.of(user_id):
        found.setdefault(row.demand, {})[row.model] = row.tally
    return found


@dataclass(slots=True)
class Known:
    """A person's votes as they were read, and what follows of them by demand."""

    tallies: Tallies
    read_at: float
    ready: dict[str, tuple[Ladder, Mapping[str, float]]] = field(default_factory=dict)

    def shifts(self, demand: str, ladder: Ladder) -> Mapping[str, float]:
        held = self.ready.get(demand)
        if held is None or held[0] is not ladder:
            held = self.ready[demand] = (ladder, shifts(self.tallies, demand, ladder))
        return held[1]

    @property
    def models(self) -> frozenset[str]:
        """Who was voted on."""
        return frozenset(model for models in self.tallies.values() for model in models)


class Memory:
    """What is known of the people who are about: read once, dropped when they vote."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[int, Known] = OrderedDict()

    def of(self, user_id: int) -> Known:
        """What a person's votes say: mostly without a query, reckoned anew where they changed."""
        with self._lock:
            held = self._known.get(user_id)
        if held is None or self._clock() - held.read_at > KNOWN_FOR_S:
            before, held = held, Known(tallies_of(user_id), self._clock())
            if before is not None and before.tallies == held.tallies:
                held.ready = before.ready
            with self._lock:
                self._known[user_id] = held
                while len(self._known) > PEOPLE:
                    self._known.popitem(last=False)
        return held

    def forget(self, people: Iterable[int] | None = None) -> None:
        """Look again at the next call: after a vote, and (everybody's) between tests."""
        with self._lock:
            for user_id in list(self._known) if people is None else people:
                self._known.pop(user_id, None)


memory = Memory()
