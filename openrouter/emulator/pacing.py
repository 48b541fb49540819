"""When each chunk is due, in seconds since the request."""

from __future__ import annotations

import random
from dataclasses import dataclass

from openrouter.emulator.ask import Ask
from openrouter.emulator.settings import EmulatorSettings


@dataclass(frozen=True, slots=True)
class Pace:
    """`token_s` 0: no waiting between tokens."""

    first_token_s: float
    token_s: float
    jitter: float
    chance: random.Random

    def gap(self, tokens: int) -> float:
        """Seconds that so many tokens take."""
        if not self.token_s:
            return 0.0
        spread = 1 + self.jitter * (2 * self.chance.random() - 1)
        return self.token_s * max(tokens, 1) * spread

    def whole(self, tokens: int) -> float:
        """Seconds until an answer of so many tokens is there."""
        return self.first_token_s + self.token_s * tokens


def pace_for(ask: Ask, settings: EmulatorSettings) -> Pace:
    """The pace of the settings, or the one ordered with `[[pace: ...]]`."""
    rate = ask.directives.number("pace", "tokens_per_s", settings.tokens_per_s or 0)
    first = ask.directives.number("pace", "first_token_s", settings.first_token_s)
    return Pace(
        first_token_s=max(first, 0.0),
        token_s=1 / rate if rate > 0 else 0.0,
        jitter=settings.jitter,
        chance=random.Random(f"pace {settings.seed} {ask.digest}"),  # noqa: S311
    )
