"""The time an emulator lives in. A test may move it; the rest of the package asks only here."""

from __future__ import annotations

import datetime as dt


class Clock:
    """UTC, plus what a test has added."""

    def __init__(self) -> None:
        self.ahead = dt.timedelta()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead

    def advance(self, seconds: float) -> None:
        """Move the time on by `seconds` (or back, where negative)."""
        self.ahead += dt.timedelta(seconds=seconds)
