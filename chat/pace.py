"""How often a growing reply is drawn: often while there is time, seldom while there is none.

Frames coalesce: half as many cost half as much and lose no letter. So when the event loop comes
round late, frames get rarer before anybody has to wait for a reply to begin.
"""

from __future__ import annotations

import asyncio
from typing import Final

from chat.metrics import metrics

FRAME_S: Final = 0.045  # between two frames of one reply; the first goes at once
SLOWEST_FRAME_S: Final = 0.2  # beyond this a stream looks broken rather than slow
TOLERATED_LAG_S: Final = 0.01  # a page being drawn, a collection of garbage
GAIN: Final = 2.0  # each millisecond of lag beyond that adds two to the interval
LOOK_S: Final = 0.1


def frame_interval_s(lag_s: float) -> float:
    """The time between two frames of a reply, for a loop that comes round so much too late."""
    return min(SLOWEST_FRAME_S, FRAME_S + GAIN * max(0.0, lag_s - TOLERATED_LAG_S))


def smoothed(before_s: float, lag_s: float) -> float:
    """Follow a rising lag quickly and a falling one slowly, so that the interval does not swing."""
    weight = 0.5 if lag_s > before_s else 0.1
    return before_s + weight * (lag_s - before_s)


class Pace:
    """The pace of this process. `frame_s` is what a writer reads."""

    def __init__(self) -> None:
        self.lag_s = 0.0
        self.frame_s = FRAME_S

    def feel(self, lag_s: float) -> None:
        metrics.loop_lag_s.add(lag_s)
        self.lag_s = smoothed(self.lag_s, lag_s)
        self.frame_s = frame_interval_s(self.lag_s)

    async def keep(self) -> None:
        """Look at the loop ten times a second, for as long as it runs."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self.feel(max(0.0, loop.time() - due_s))


pace = Pace()
