"""A model as the decision sees it: facts of the catalogue, made ready once. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import NamedTuple

from routing.prices import Prices

AUTO = "openrouter/auto"


class Skills(NamedTuple):
    """How able a model is, from 0 to 1, for each thing a prompt may demand."""

    general: float
    code: float
    maths: float
    writing: float

    @classmethod
    def even(cls, ability: float) -> Skills:
        return cls(ability, ability, ability, ability)


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What is published of a model's thinking before it answers.

    `efforts`: the values it takes, highest first; empty where no list is published.
    """

    supported: bool = False
    mandatory: bool = False
    default_enabled: bool | None = None
    efforts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that might answer.

    `bar` names the constraint that keeps it out of every automatic choice, whatever the
    prompt; None for a model that may be chosen. `context_tokens` and `answer_tokens` are
    limits; None: not published. `offers` is what a message may need of a model: kinds of
    input, and "tools". The `_f` prices are for weighing only; money is in `prices`.
    """

    slug: str
    name: str
    author: str
    prices: Prices
    skills: Skills
    basis: str = "price and age"
    bar: str | None = None
    context_tokens: int | None = None
    answer_tokens: int | None = None
    inputs: frozenset[str] = frozenset({"text"})
    tools: bool = False
    reasoning: Reasoning = Reasoning()
    tokens_per_s: float = 70.0
    created: dt.date | None = None
    expires_on: dt.date | None = None
    is_router: bool = False
    is_free: bool = False
    canonical_slug: str = ""
    alias_target: str = ""
    offers: frozenset[str] = field(init=False, default=frozenset())
    prompt_f: float = field(init=False, default=0.0)
    completion_f: float = field(init=False, default=0.0)
    request_f: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        ready = {
            "offers": self.inputs | {"tools"} if self.tools else self.inputs,
            "prompt_f": float(self.prices.prompt_usd or 0),
            "completion_f": float(self.prices.completion_usd or 0),
            "request_f": float(self.prices.request_usd or 0),
        }
        for name, value in ready.items():
            object.__setattr__(self, name, value)
