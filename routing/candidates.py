"""A model as the decision sees it: facts of the catalogue, made ready once. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
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
class Measured:
    """What our own calls to a model came to, the recent ones counting more.

    `calls`: their weight. Seconds and speed are mixed with what was guessed, so that few calls
    say little; `failures`: the share that failed.
    """

    calls: float
    failures: float
    first_token_s: float
    tokens_per_s: float

    def to_json(self) -> dict[str, float]:
        return {
            "calls": round(self.calls, 1),
            "failures": round(self.failures, 3),
            "first_token_s": round(self.first_token_s, 2),
            "tokens_per_s": round(self.tokens_per_s, 1),
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that might answer.

    `bar` names the constraint that keeps it out of every automatic choice, whatever the
    prompt; None for a model that may be chosen. `context_tokens` and `answer_tokens` are
    limits; None: not published. `offers` is what a message may need of a model: kinds of
    input, "tools", "schema" and "picture" (it makes some). The `_f` prices are for weighing only;
    money is in `prices`.
    `measured`: figures of our own calls, None where there are none yet; then `reliability` and
    the speeds follow them, and `unmeasured` is the same candidate without.
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
    outputs: frozenset[str] = frozenset({"text"})
    tools: bool = False
    schemas: bool = False  # whether its answers can be held to a JSON schema
    reasoning: Reasoning = Reasoning()
    tokens_per_s: float = 70.0
    first_token_s: float = 0.6
    reliability: float = 1.0
    measured: Measured | None = None
    unmeasured: Candidate | None = None
    cache_read_usd: Decimal | None = None
    cache_write_usd: Decimal | None = None
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
    cache_read_f: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        ready: dict[str, object] = {
            "offers": self.inputs
            | _offered(tools=self.tools, schema=self.schemas, picture="image" in self.outputs),
            "prompt_f": float(self.prices.prompt_usd or 0),
            "completion_f": float(self.prices.completion_usd or 0),
            "request_f": float(self.prices.request_usd or 0),
            "cache_read_f": None if self.cache_read_usd is None else float(self.cache_read_usd),
        }
        for name, value in ready.items():
            object.__setattr__(self, name, value)


def _offered(**abilities: bool) -> set[str]:
    return {name for name, has in abilities.items() if has}
