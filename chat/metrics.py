"""What this process counts about its replies: plain numbers, read only when somebody scrapes them.

All of it is written on the event loop, so there is no lock, and no label is looked up for a
chunk: one frame costs one bisection (0.3 us). `config/exposition.py` gives it to Prometheus.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from chat.models import State

ENDINGS: Final = (State.DONE, State.STOPPED, State.INTERRUPTED, State.FAILED)


class Distribution:
    """How many values came at or under each bound, and their sum. Bounds ascend."""

    def __init__(self, *bounds: float) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)  # of each step by itself; the last is beyond all
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """The buckets as Prometheus wants them: each holds all below it, "+Inf" everything."""
        names = [*map(str, self.bounds), "+Inf"]
        return [(name, float(sum(self.counts[: i + 1]))) for i, name in enumerate(names)]


class Metrics:
    """Counts since the start of the process; times in seconds."""

    def __init__(self) -> None:
        self.replies = dict.fromkeys(ENDINGS, 0)
        self.text_chars = 0  # of answers and of thoughts, as they come
        self.completion_tokens = 0  # as billed, when a reply ends
        # From the start of the reply's task to its first text.
        self.first_token_s = Distribution(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
        # From a text's arrival in this process to its frame's way into a socket.
        self.frame_lag_s = Distribution(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5)
        # How much later than due the event loop came round.
        self.loop_lag_s = Distribution(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)

    def reply_ended(self, state: State, completion_tokens: int | None) -> None:
        self.replies[state] += 1
        self.completion_tokens += completion_tokens or 0


metrics = Metrics()
