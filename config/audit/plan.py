"""Which replies an audit asks for, and what goes wrong with each. Pure: the seed decides."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SOUND: Final = "sound"
STOP: Final = "stop"
KILLED: Final = "process killed"
# Kinds of faults → the order to the emulator that brings them about, as `format` takes it.
FAULTS: Final[Mapping[str, str]] = {
    STOP: "[[pace: tokens_per_s=300]]",
    "stop in silence": "[[fault: stall after={after}]]",
    "cut before the first chunk": "[[fault: cut after=0]]",
    "cut in the middle": "[[fault: cut after={after}]]",
    "end of file in the middle": "[[fault: eof after={after}]]",
    "error in mid-stream with usage": "[[fault: error after={after} usage=1]]",
    "error in mid-stream, charged": "[[fault: error after={after} billed=1]]",
    "error in mid-stream, not charged": "[[fault: error after={after}]]",
    "error at once, charged, then retry": "[[fault: error-empty-choices billed=1 times=1]]",
    "429 then retry": "[[fault: 429 times=1]]",
    "429 to the end": "[[fault: 429-day]]",
    "fallback to another model": "[[fault: 503 on=first]]",
    "duplicate finish chunks": "[[fault: duplicate-finish]]",
    "usage with empty choices": "[[fault: usage-empty-choices]]",
    "usage never told": "[[fault: no-usage]]",
    "no [DONE]": "[[fault: no-done]]",
    "finish reason error, not charged": "[[fault: finish-error]]",
    "finish reason error, charged": "[[fault: finish-error billed=1]]",
    KILLED: "[[fault: stall after={after}]]",
}
STOPPED: Final = frozenset({STOP, "stop in silence"})
NEEDS_FALLBACKS: Final = "fallback to another model"  # a model that a person named has none
WITHOUT_PRICE: Final = "openrouter/auto"
CHOICES: Final = (  # "" leaves it to the router, as most people do
    *([""] * 5),
    "anthropic/claude-haiku-4.5",
    "google/gemini-2.5-flash",
    "openai/gpt-5-mini",
    "deepseek/deepseek-v3.2",
    WITHOUT_PRICE,
)
WORDS: Final = (  # noqa: SIM905 (a sentence reads as one)
    "the quick brown fox jumps over a lazy dog while rain falls on old roofs and nobody counts "
    "the drops that run down to the sea"
).split()
FEWEST_WORDS: Final = 14  # so that every fault comes before the end
LATEST_FAULT: Final = 10


@dataclass(frozen=True, slots=True)
class Planned:
    """One reply: `prompt` begins with its number, by which it is found again."""

    number: int
    kind: str
    prompt: str
    choice: str

    @property
    def is_stopped(self) -> bool:
        return self.kind in STOPPED


def has_budget(number: int) -> bool:
    """Whether the person who asks for this reply has a budget: every other one has."""
    return number % 2 == 0


def number_of(text: str) -> int:
    """The number of the reply whose prompt begins like this."""
    return int(text.split()[0])


def make_plan(*, replies: int, fault_share: float, seed: int) -> list[Planned]:
    """`replies` of them, the same for the same seed; every kind of fault as often as any other."""
    chance = random.Random(f"audit {seed}")  # noqa: S311
    faulty = set(chance.sample(range(replies), round(replies * fault_share)))
    kinds = {number: list(FAULTS)[place % len(FAULTS)] for place, number in enumerate(faulty)}
    return [_planned(number, kinds.get(number, SOUND), chance) for number in range(replies)]


def _planned(number: int, kind: str, chance: random.Random) -> Planned:
    order = FAULTS.get(kind, "").format(after=chance.randint(1, LATEST_FAULT))
    said = " ".join(chance.choices(WORDS, k=chance.randint(FEWEST_WORDS, 40)))
    prompt = f"{number} is what I ask about. {order} [[say: {said}]]"
    choice = "" if kind == NEEDS_FALLBACKS else chance.choice(CHOICES)
    if has_budget(number) and choice == WITHOUT_PRICE:
        choice = ""  # a budget refuses what nobody can hold a price for
    return Planned(number, kind, prompt, choice)


def share(plan: Sequence[Planned], index: int, of: int) -> list[Planned]:
    """What one of several processes does: all but those whose process is killed."""
    return [each for each in plan if each.kind != KILLED][index::of]


def victims(plan: Sequence[Planned], index: int, size: int) -> list[Planned]:
    """What the process does that is the `index`-th to be killed; empty when none is left."""
    return [each for each in plan if each.kind == KILLED][index * size : (index + 1) * size]
