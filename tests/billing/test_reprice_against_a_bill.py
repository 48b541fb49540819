"""What the price book reckons for an answer is what the emulator charged, digit for digit."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from accounts.models import User
from billing.pricebook import store_prices
from billing.pricebook_reprice import reprice
from billing.services import end_call
from openrouter.client import ClientConfig, OpenRouterClient
from openrouter.emulator.app import Emulator
from openrouter.emulator.settings import DEMO_KEY, instant
from openrouter.emulator.transport import EmulatorTransport
from openrouter.results import ModelInfo
from openrouter.types import ChatRequest, Completion
from tests.billing.books import running_call

pytestmark = pytest.mark.django_db
MODELS = (
    *("openai/gpt-5-mini", "anthropic/claude-haiku-4.5", "google/gemini-2.5-flash"),
    *("deepseek/deepseek-v3.2", "anthropic/claude-sonnet-4.5", "openrouter/auto"),
)
LONG = "The quick brown fox jumps over a lazy dog. " * 400  # long enough for a prompt cache


async def answers() -> tuple[list[ModelInfo], list[tuple[str, Completion]]]:
    """The catalogue, and each model's answers: the second one finds its prompt cached."""
    config = ClientConfig(api_key=DEMO_KEY, base_url="http://upstream/api/v1")
    client = OpenRouterClient(config, EmulatorTransport(Emulator(instant())))
    try:
        found = []
        for model in MODELS:
            for _ in range(2):
                request = ChatRequest(
                    model=model,
                    messages=[
                        {"role": "system", "content": LONG},
                        {"role": "user", "content": "Why is the sky blue?"},
                    ],
                    max_completion_tokens=400,
                    session_id="one",
                )
                found.append((model, await client.complete_chat(request)))
                await asyncio.sleep(0)
        return await client.models(), found
    finally:
        await client.aclose()


def test_a_book_of_the_day_says_what_was_charged(person: User) -> None:
    catalogue, completions = async_to_sync(answers)()
    store_prices(catalogue, now=timezone.now())
    cached = 0
    for model, told in completions:
        assert told.usage
        entry = end_call(
            call_id=running_call(person, requested_model=model).pk,
            usage=told.usage,
            served_model=told.model,
            provider=told.provider,
            finish_reason="stop",
            ttft_ms=None,
            duration_ms=None,
            may_have_cost=True,
        )
        assert entry is not None
        cached += entry.cached_tokens or 0
        again = reprice(entry)
        assert again.remark == "", (model, told.model)
        assert again.difference_usd == Decimal(0), (model, told.model, again)
    assert cached > 0, "nothing was read from a cache, so its price was not tried"
