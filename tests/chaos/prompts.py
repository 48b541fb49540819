"""What people ask for: answers that differ in pace, shape and fate. Pure, by seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

FAULTS = (
    "429 times=1",
    "502 times=1",
    "503 times=1",
    "error after=12",
    "error after=20 usage=1",
    "cut after=25",
    "eof after=15",
    "error-empty-choices",
    "500",
    "no-done",
    "split-utf8",
    "duplicate-finish",
)
FAULTY = 0.2  # the share of prompts that suffer one
PROSE = (
    "Compare three ways to sort a list, with code in Python and a table of their costs.",
    "Explain how a hash map grows, step by step, with a formula and a list.",
    "Write a plan for a week in Lisbon, with a table and numbered steps.",
    "What is a Fourier transform? Show the integral and a short program.",
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """`text` is unlike every other prompt of the run."""

    text: str
    is_stamped: bool = False  # each chunk of the answer tells when it was written


def prompt(chance: random.Random, mark: str, *, is_plain: bool) -> Prompt:
    """A prompt whose answer takes some two to nine seconds."""
    if not is_plain:
        pace = chance.randint(60, 160)
        order = f"[[pace: tokens_per_s={pace} first_token_s=0.2]]"
        return Prompt(f"{chance.choice(PROSE)} ({mark}) {order}{_fault(chance)}")
    seconds = chance.uniform(2, 9)
    if chance.random() < 0.5:
        rate = chance.choice((10, 20, 40))
        size = chance.choice((3, 20))
        order = f"[[bench: chunks={round(seconds * rate)} rate={rate} size={size}]]"
        return Prompt(f"Stamp it ({mark}). {order}", is_stamped=True)
    pace = chance.choice((30, 60))
    order = f"[[pace: tokens_per_s={pace} first_token_s=0.2]]"
    say = f"[[say: {words(chance, round(seconds * pace / 4))}]]"
    return Prompt(f"Say it ({mark}). {order}{_fault(chance)} {say}")


def words(chance: random.Random, count: int) -> str:
    """Words that are all different and in order, in paragraphs of some ten."""
    said: list[str] = []
    for number in range(count):
        said.append(f"w{number:05}")
        said.append("\n\n" if chance.random() < 0.1 else " ")
    return "".join(said).strip()


def _fault(chance: random.Random) -> str:
    return f" [[fault: {chance.choice(FAULTS)}]]" if chance.random() < FAULTY else ""
