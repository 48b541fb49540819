"""A decision in plain words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

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
CLEAR, STRANGE = 0.3, 0.5  # a demand worth a word; a prompt to be called unfamiliar
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


def times_text(times: Decimal | None) -> str:
    """A cost beside another: "half as much", "3.1 times as much"; "" where there is none."""
    if times is None:
        return ""
    if Decimal("0.95") <= times <= Decimal("1.05"):
        return "about the same"
    if not times:
        return "nothing"
    if Decimal("0.45") <= times <= Decimal("0.55"):
        return "half as much"
    if times < Decimal("0.01"):
        return "less than a hundredth"
    digits = 0 if times >= 10 else 1 if times >= 1 else 2
    return f"{times:.{digits}f} times as much"


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


def why(prompt: Prompt, *, odds: float, expected_usd: Decimal | None, fitting: int) -> str:
    """One line for under the answer."""
    asked = loud_signals(prompt.signals)
    seen = level(prompt.difficulty)
    if asked:
        seen += f" ({listed(asked)})"
    elif EASY < prompt.difficulty < HARD:
        seen = "a prompt without strong signs, so a balanced choice"
    return (
        f"Chosen for {seen}: about {min(odds, 0.99):.0%} likely to do well"
        f" at about {usd_text(expected_usd)}, best of {fitting} that fit."
    )


def learned_line(learned: Mapping[str, Any]) -> str:
    """What the learned router made of the prompt, in one sentence; "" where it was not asked."""
    if not learned.get("artefact"):
        return ""
    demand = float(learned.get("demand", 0.0))
    asks = "more ability than most" if demand > CLEAR else "less ability than most"
    said = f"The learned router ({learned['artefact']}) reads: this asks for "
    said += asks if abs(demand) > CLEAR else "as much ability as most"
    words = [str(word) for word, share in learned.get("words", ()) if (share > 0) == (demand > 0)]
    if words and abs(demand) > CLEAR:
        said += f" ({listed([f'“{word}”' for word in words])})"
    if float(learned.get("unfamiliar", 0.0)) > STRANGE:
        said += ". It is unlike anything seen, so the odds rest on rules and on the models' levels"
    return f"{said}."


DEMAND_WORDS: Mapping[str, str] = {
    **SIGNAL_WORDS,
    "simple": "quick questions",
    "general": "everything else",
}
LITTLE, MUCH = 0.1, 0.6  # logits


def demand_text(demand: str) -> str:
    """What a kind of prompt is called over a table: "Code", "Everything else"."""
    return DEMAND_WORDS.get(demand, demand).capitalize()


def leaning(shift: float) -> str:
    """What votes on a model come to, in logits: "trusts it a little less"."""
    if abs(shift) < LITTLE:
        return "thinks of it as before"
    much = "much" if abs(shift) >= MUCH else "a little"
    return f"trusts it {much} {'more' if shift > 0 else 'less'}"


def short_name(name: str) -> str:
    """A model's name without its author's."""
    return name.split(": ", 1)[-1]


def pinned(name: str, expected_usd: Decimal | None, *, router: bool = False) -> str:
    """The line for a model that a person named."""
    chosen = f"You chose {short_name(name)}"
    if router:
        return f"{chosen}: it picks the model itself, so the price depends on its choice."
    if expected_usd is None:
        return f"{chosen}; no price is published for it."
    return f"{chosen}; about {usd_text(expected_usd)} for this answer."
