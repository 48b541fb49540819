"""Small catalogues of our own, for tests of the decision."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from openrouter.results import (
    Architecture,
    Benchmark,
    ModelInfo,
    Pricing,
    TaskClassifications,
    TopProvider,
)
from routing.candidates import Candidate, Reasoning, Skills
from routing.policies import DEFAULT, Policy
from routing.prices import Prices, Tier
from routing.prompts import read_prompt
from routing.weighing import Question

TODAY = dt.date(2026, 11, 20)
THINKS = Reasoning(supported=True, default_enabled=True, efforts=("high", "medium", "low"))


def per_mtok(usd: str) -> Decimal:
    return Decimal(usd) / 1_000_000


def prices(prompt: str = "1", completion: str = "4", *, request: str | None = None) -> Prices:
    """Prices given in USD per million tokens."""
    return Prices(
        per_mtok(prompt), per_mtok(completion), None if request is None else Decimal(request)
    )


def candidate(slug: str = "acme/model", *, ability: float = 0.6, **facts: Any) -> Candidate:
    defaults: dict[str, Any] = {
        "name": slug,
        "author": slug.split("/", maxsplit=1)[0],
        "prices": prices(),
        "skills": Skills.even(ability),
        "context_tokens": 128_000,
        "created": dt.date(2026, 5, 1),
    }
    return Candidate(slug=slug, **(defaults | facts))


def question(
    text: str = "Explain how a heat pump works",
    *,
    policy: Policy = DEFAULT,
    max_completion_tokens: int = 4_000,
    budget_usd: Decimal | None = None,
    history_tokens: int = 0,
    needs: frozenset[str] = frozenset(),
) -> Question:
    return Question(
        prompt=read_prompt(text, history_tokens=history_tokens, needs=needs),
        policy=policy,
        today=TODAY,
        max_completion_tokens=max_completion_tokens,
        budget_usd=budget_usd,
    )


SEES = frozenset({"text", "image"})
# A market in small: what each stands for is in its name, and so is the tier the tests expect.
MARKET: tuple[Candidate, ...] = (
    candidate("junk/tiny-1b", ability=0.10, prices=prices("0.01", "0.02")),
    candidate("junk/small-3b", ability=0.20, prices=prices("0.03", "0.05")),
    candidate("thrift/cheap-lite", ability=0.55, prices=prices("0.05", "0.2")),
    candidate("acme/cheap-flash", ability=0.66, prices=prices("0.1", "0.4"), inputs=SEES),
    candidate("umbra/cheap-mini", ability=0.68, prices=prices("0.15", "0.6"), tools=True),
    candidate("acme/middle", ability=0.78, prices=prices("0.5", "2"), reasoning=THINKS),
    candidate("umbra/middle", ability=0.80, prices=prices("0.6", "2.4"), inputs=SEES),
    candidate("third/middle", ability=0.77, prices=prices("0.4", "2"), tools=True),
    candidate("acme/strong", ability=0.91, prices=prices("2.5", "12"), reasoning=THINKS),
    candidate("umbra/strong", ability=0.92, prices=prices("3", "15"), inputs=SEES, tools=True),
    candidate("third/strong-max", ability=0.94, prices=prices("5", "30"), reasoning=THINKS),
    candidate("umbra/dear-old", ability=0.45, prices=prices("30", "60")),
)


def with_tier(base: Prices, above: int, prompt: str, completion: str) -> Prices:
    tier = Tier(above, per_mtok(prompt), per_mtok(completion))
    return Prices(base.prompt_usd, base.completion_usd, base.request_usd, (tier,))


def info(slug: str = "acme/model", **facts: Any) -> ModelInfo:
    """An entry of the API's list: a text model at $1 in and $4 out per million tokens."""
    defaults: dict[str, Any] = {
        "name": f"Acme: {slug}",
        "canonical_slug": f"{slug}-20260501",
        "created": 1_777_593_600,  # 2026-05-01
        "context_length": 128_000,
        "architecture": Architecture(input_modalities=("text",), output_modalities=("text",)),
        "pricing": Pricing(prompt_usd=Decimal("0.000001"), completion_usd=Decimal("0.000004")),
        "top_provider": TopProvider(context_length=128_000, max_completion_tokens=16_000),
        "supported_parameters": ("max_tokens", "temperature"),
    }
    return ModelInfo(id=slug, **(defaults | facts))


class FakeClient:
    """An upstream whose list of models is what a test says."""

    def __init__(self, infos: Sequence[ModelInfo] = (), error: Exception | None = None) -> None:
        self.infos = infos
        self.error = error
        self.figures: Sequence[Benchmark] = ()
        self.tasks = TaskClassifications()
        self.figures_error: Exception | None = None
        self.closed = 0

    async def models(self) -> Sequence[ModelInfo]:
        if self.error:
            raise self.error
        return self.infos

    async def benchmarks(self) -> Sequence[Benchmark]:
        if self.figures_error:
            raise self.figures_error
        return self.figures

    async def task_classifications(self) -> TaskClassifications:
        return self.tasks

    async def aclose(self) -> None:
        self.closed += 1
