"""Orders to the emulator, hidden in a prompt: `[[fault: cut after=20]]`.

They stand in the last message of the person, and only there. Known ones:

    [[fault: NAME key=value ...]]    fail; see `faults` for the names
    [[bench: chunks=N rate=R]]       N chunks, R a second, each with time.monotonic() inside
    [[pace: tokens_per_s=20 first_token_s=1]]
    [[say: any text]]                answer exactly this
    [[raw: BASE64]]                  answer exactly what this JSON says; see `script`
    [[wire: 2025]]                   the habits of another year; see `wire`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

ORDER = re.compile(r"\[\[(fault|bench|pace|say|raw|wire):\s?(.*?)\]\]", re.DOTALL)
MOST_BENCH_CHUNKS = 1_000_000


@dataclass(frozen=True, slots=True)
class Directives:
    """What was ordered. `text` is the prompt without the orders."""

    text: str
    orders: Mapping[str, str] = field(default_factory=dict)

    def options(self, order: str) -> dict[str, str]:
        """The key=value pairs of an order."""
        words = self.orders.get(order, "").split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def number(self, order: str, key: str, usual: float) -> float:
        """A figure of an order; `usual` where it is not given or no number."""
        try:
            return float(self.options(order).get(key, usual))
        except ValueError:
            return usual

    @property
    def bench_chunks(self) -> int:
        """How many chunks `[[bench: chunks=N]]` wants."""
        return int(max(0, min(self.number("bench", "chunks", 100), MOST_BENCH_CHUNKS)))


def read_directives(text: str) -> Directives:
    orders = {match[1]: match[2] for match in ORDER.finditer(text)}
    return Directives(ORDER.sub("", text).strip(), orders)
