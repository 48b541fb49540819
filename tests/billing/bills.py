"""An upstream that knows bills, and nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

from openrouter.errors import InvalidRequest, OpenRouterError
from openrouter.results import Generation


def a_bill(generation_id: str, cost: str | None, **fields: Any) -> Generation:
    """A stored bill as it came over the wire; `cost` is its text."""
    return Generation(
        id=generation_id,
        total_cost_usd=None if cost is None else Decimal(cost),
        **{
            "model": "openai/gpt-5-2025-08-07",
            "provider_name": "OpenAI",
            "prompt_tokens": 11,
            "completion_tokens": 7,
            "finish_reason": "stop",
            "is_byok": False,
            "upstream_cost_usd": Decimal(0),
            **fields,
        },
    )


class Bills:
    """Answers with what it was given for an id: a bill, or an error; else 404, as upstream does."""

    def __init__(self, *bills: Generation, error: OpenRouterError | None = None) -> None:
        self.bills = {bill.id: bill for bill in bills}
        self.error = error
        self.errors: dict[str, OpenRouterError] = {}
        self.asked: Counter[str] = Counter()
        self.keys: list[str] = []  # that were asked with; empty: the client's own
        self.closed = False

    async def generation(self, generation_id: str, *, api_key: str = "") -> Generation:
        self.asked[generation_id] += 1
        self.keys.append(api_key)
        await asyncio.sleep(0)
        if error := self.errors.get(generation_id, self.error):
            raise error
        if generation_id not in self.bills:
            raise InvalidRequest(f"Generation {generation_id} not found", status=404)
        return self.bills[generation_id]

    async def aclose(self) -> None:
        self.closed = True
