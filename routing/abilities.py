"""How able a model is: a prior from what is published. Pure.

Published benchmarks first, then what we know of the family, then price, size and age. The
seam for what is learned is `Odds`: anything that looks at a prompt once and can then tell, for
each candidate, the odds of a good answer.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from routing.candidates import Candidate, Skills
from routing.elders import ELDERS
from routing.families import FAMILIES, PACE, USUAL_PACE
from routing.prices import PER_MTOK, Prices
from routing.prompts import Prompt
from routing.scorers import chance

_SIZE_B = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)b(?![a-z])")
# Parameters in billions → the most that a model of that size is trusted with unseen.
_SIZE_CAPS = ((2, 0.14), (5, 0.24), (10, 0.36), (16, 0.43), (36, 0.55), (80, 0.62))
_KNOWN = {**FAMILIES, **ELDERS}
_LONGEST_FIRST = sorted(_KNOWN, key=len, reverse=True)
KNOWN_IN = dt.date(2026, 5, 1)  # the families were judged as of this date
FAMILIAR, GUESSED = 0.05, 0.15  # how far off a family's place is, and one by price and age
# Figures beside the indices: (name, of which skills, ladder = start + slope x figure, how far off).
# Drawn through models whose place and figure are both known (GPT-5 answers 85 % of GPQA, say).
_FIGURES = (
    ("gpqa_diamond", ("general", "maths"), -0.03, 1.02, 0.08),
    ("tau_bench_verified_airline", ("general",), 0.2, 0.8, 0.15),
)
_ELO = (-1.46, 1.75 / 1000, 0.12)  # websites made: a figure of code
_USED = (0.6, 0.15, 0.02)  # among the most used for a task: able enough for it; the least share


class Odds(Protocol):
    """The seam: reads a prompt once, then tells each candidate's odds of a good answer, 0 to 1."""

    def __call__(self, prompt: Prompt) -> Callable[[Candidate], float]: ...


@dataclass(frozen=True, slots=True)
class Published:
    """What the catalogue tells of a model, as far as ability is concerned."""

    slug: str
    prices: Prices
    created: dt.date | None = None
    reasons: bool = False
    benchmarks: Mapping[str, Any] = field(default_factory=dict)


def prior_ability(prompt: Prompt) -> Callable[[Candidate], float]:
    """The ability of the first version: a candidate's skills, mixed as the prompt demands."""
    demands = prompt.demands
    general, code = demands.get("general", 0.0), demands.get("code", 0.0)
    maths, writing = demands.get("maths", 0.0), demands.get("writing", 0.0)

    def ability(candidate: Candidate) -> float:
        skills = candidate.skills
        return (
            general * skills.general
            + code * skills.code
            + maths * skills.maths
            + writing * skills.writing
        )

    return ability


def prior_odds(prompt: Prompt) -> Callable[[Candidate], float]:
    """The odds of the plain scorers: ability against what the prompt demands."""
    ability, difficulty = prior_ability(prompt), prompt.difficulty
    return lambda candidate: chance(ability(candidate), difficulty)


def judge(published: Published, *, today: dt.date) -> tuple[Skills, str]:
    """A model's skills, and in words what they rest on."""
    family = known_family(published.slug)
    guess = Skills(*family) if family else _from_price(published, today)
    index, coding = _indices(published.benchmarks)
    if index is None and coding is None:
        basis = "what is known of its family" if family else "its price, size and age"
        told = _further(published.benchmarks)
        if not told:
            return guess, basis
        return _weighed(guess, told, FAMILIAR if family else GUESSED), f"published figures, {basis}"
    general = index if index is not None else 0.9 * (coding or 0.0)
    measured = Skills(
        general=general,
        code=coding if coding is not None else general,
        maths=general,
        writing=general,
    )
    tilt = guess.general  # the family still tells a writer from a mathematician
    return Skills(
        general=_unit(measured.general),
        code=_unit(measured.code),
        maths=_unit(measured.maths + 0.6 * (guess.maths - tilt)),
        writing=_unit(measured.writing + 0.6 * (guess.writing - tilt)),
    ), "published benchmarks"


def known_family(slug: str) -> tuple[float, float, float, float] | None:
    """The family of a slug or alias; the part after a colon is the same model."""
    plain = slug.removeprefix("~").split(":", 1)[0]
    for prefix in _LONGEST_FIRST:
        if plain.startswith(prefix) and not plain[len(prefix) : len(prefix) + 1].isdigit():
            rest = plain[len(prefix) :]
            if not re.match(r"\.\d", rest):  # claude-opus-4 is not claude-opus-4.9
                return _KNOWN[prefix]
    return None


def pace(slug: str) -> float:
    """Tokens a second that a model of this name may be expected to write."""
    return next((speed for part, speed in PACE if part in slug), USUAL_PACE)


def _indices(benchmarks: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Intelligence and coding on our ladder, from the published indices (Artificial Analysis)."""
    published = benchmarks.get("artificial_analysis")
    if not isinstance(published, Mapping):
        return None, None
    return (
        _on_ladder(published.get("intelligence_index"), scale=25.0),
        _on_ladder(published.get("coding_index"), scale=33.0),
    )


def _further(benchmarks: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Skill, place on the ladder and how far off it may be, for each figure that is no index."""
    told: list[tuple[str, float, float]] = []
    accuracies = benchmarks.get("openrouter")
    if isinstance(accuracies, Mapping):
        for name, skills, start, slope, doubt in _FIGURES:
            figure = _figure(accuracies.get(name))
            if figure is not None and figure <= 1:
                told += [(skill, _unit(start + slope * figure), doubt) for skill in skills]
    elo = _figure(benchmarks.get("arena_elo"))
    if elo is not None:
        start, slope, doubt = _ELO
        told.append(("code", _unit(start + slope * elo), doubt))
    used = benchmarks.get("used_for")
    for tag, share in used.items() if isinstance(used, Mapping) else ():
        if (_figure(share) or 0.0) >= _USED[2]:
            told.append((_skill_of(str(tag)), _USED[0], _USED[1]))
    return told


def _skill_of(tag: str) -> str:
    if tag.startswith("code:"):
        return "code"
    return "writing" if tag == "general:writing" else "general"


def _weighed(guess: Skills, told: list[tuple[str, float, float]], doubt: float) -> Skills:
    """The guess and what the figures say of each skill, each by how sure it is.

    A figure of one skill says something of the others too: what it says of them is half as sure.
    """
    found = {}
    for skill, start in guess._asdict().items():
        weight, total = doubt**-2, start * doubt**-2
        for named, place, off in told:
            sure = off**-2 if named == skill else (2 * off) ** -2
            weight, total = weight + sure, total + sure * place
        found[skill] = _unit(total / weight)
    return Skills(**found)


def _figure(value: object) -> float | None:
    """A figure above 0, or None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    figure = float(value)
    return figure if math.isfinite(figure) and figure > 0 else None


def _on_ladder(index: object, *, scale: float) -> float | None:
    figure = _figure(index)
    return None if figure is None else 1 - math.exp(-figure / scale)


def _from_price(published: Published, today: dt.date) -> Skills:
    """A guess for a model nobody knows: dearer, larger, newer and thinking is abler, a little."""
    guess = 0.40
    prompt_usd, completion_usd = published.prices.prompt_usd, published.prices.completion_usd
    if prompt_usd and completion_usd:
        usd_per_mtok = float((3 * prompt_usd + completion_usd) / 4 * PER_MTOK)
        guess = 0.42 + 0.16 * math.log10(max(usd_per_mtok, 0.01) / 0.3)
    guess += 0.06 if published.reasons else 0.0
    if published.created:
        guess -= 0.10 * min(4.0, max(0.0, (today - published.created).days / 365.25))
    sizes = [float(size) for size in _SIZE_B.findall(published.slug.casefold())]
    if sizes:
        guess = min(guess, next((cap for limit, cap in _SIZE_CAPS if max(sizes) <= limit), 0.7))
    return Skills.even(_unit(min(guess, 0.82)))


def _unit(value: float) -> float:
    return min(0.99, max(0.05, round(value, 4)))
