"""A decision in plain words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from routing.prompts import Prompt, strongest
from routing.scorers import EASY, HARD

SIGNAL_WORDS: Mapping[str, str] = {
    "code": "code",
    "maths": "mathematics",
    "reasoning": "reasoning",
    "writing": "writing",
    "transform": "reworking a text",
    "short": "a short answer",
    "long": "a thorough answer",
    "parts": "several parts",
    "length": "a long question",
    "small_talk": "small talk",
    "simple": "a quick question",
}
# Signals that say what is asked for; the others only say how much.
TELLING = frozenset(SIGNAL_WORDS) - {"length"}


def usd_text(amount: Decimal | None) -> str:
    """An amount with two digits that count: "$0.0012", "$1.30"; "unknown" for None."""
    if amount is None:
        return "unknown"
    if not amount:
        return "$0"
    places = max(2, 1 - amount.adjusted())
    return f"${amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):f}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) < 2 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def loud_signals(signals: Mapping[str, float]) -> list[str]:
    """The strongest signals of a prompt, in words."""
    telling = {name: value for name, value in signals.items() if name in TELLING}
    return [SIGNAL_WORDS[name] for name in strongest(telling)]


def level(difficulty: float) -> str:
    if difficulty <= EASY:
        return "an easy prompt"
    return "a demanding prompt" if difficulty >= HARD else "a prompt of middling difficulty"


def why(
    prompt: Prompt, *, name: str, odds: float, expected_usd: Decimal | None, fitting: int
) -> str:
    """One line for under the answer."""
    asked = loud_signals(prompt.signals)
    seen = f"{level(prompt.difficulty)} ({listed(asked)})" if asked else level(prompt.difficulty)
    if not asked and EASY < prompt.difficulty < HARD:
        seen = "no strong sign either way, so a balanced choice"
    return (
        f"{name}: {seen}; about {min(odds, 0.99):.0%} likely to do well"
        f" for about {usd_text(expected_usd)}, best of {fitting} that fit."
    )


def pinned(name: str, expected_usd: Decimal | None, *, router: bool = False) -> str:
    """The line for a model that a person named."""
    if router:
        return f"You chose {name}: it picks the model itself, so the price depends on its choice."
    if expected_usd is None:
        return f"You chose {name}; no price is published for it."
    return f"You chose {name}; about {usd_text(expected_usd)} for this answer."
