"""Prompts that make the emulator say what a test wants to see."""

from __future__ import annotations

import random
from functools import cache

SCRIPTS = "Käse 漢字かな עברית हिन्दी 👩‍🔬🇩🇪 e\u0301"  # wide, right to left, joined, combined


@cache
def words(count: int) -> str:
    """So many words in paragraphs, no two alike: nothing can be doubled or lost unseen."""
    chance = random.Random(count)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(chance.choices("abcdefghijklmnoprstuvwz", k=chance.randint(4, 8)))] = None
    made = list(found)
    groups = [" ".join(made[start : start + 60]) for start in range(0, count, 60)]
    return "\n\n".join(f"{SCRIPTS} {group}" if n == 1 else group for n, group in enumerate(groups))


def paced(tokens_per_s: int, prompt: str) -> str:
    return f"[[pace: tokens_per_s={tokens_per_s} first_token_s=0.1]] {prompt}"


def say(text: str, tokens_per_s: int) -> str:
    """An order to answer exactly this, at this pace."""
    return paced(tokens_per_s, f"[[say: {text}]]")


def never_ending(text: str) -> str:
    """An order to begin this answer and then to stall, so that only Stop or a crash ends it."""
    return f"[[fault: stall after=60]] {say(text, 100)}"


def fault(order: str) -> str:
    """An order to fail while 60 words are said."""
    return f"[[fault: {order}]] [[say: {words(60)}]]"
