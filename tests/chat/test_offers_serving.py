"""Who serves an answer and at what price: cache marks and their saving, providers, variants.

As test_offers.py: from the form to the body that came to the other side.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.pricebook_models import PriceEntry
from tests.chat.offered import (
    CLAUDE,
    GEMINI,
    GPT,
    PLAIN,
    QWEN,
    Desk,
    documented,
    reserved,
    stock,
)

pytestmark = pytest.mark.shared
LONG = "A rule that everybody has to keep to. " * 400  # about 5,000 tokens


# --- Prompt caching


def instruct(desk: Desk, text: str) -> None:
    assert desk.conversation is not None
    type(desk.conversation).objects.filter(pk=desk.conversation.pk).update(system_prompt=text)


def marks(body: dict[str, Any]) -> list[int]:
    return [
        at
        for at, message in enumerate(documented(body)["messages"])
        if isinstance(message["content"], list)
        and any("cache_control" in part for part in message["content"])
    ]


@pytest.mark.parametrize("model", [CLAUDE, QWEN])
def test_a_long_prefix_is_marked_written_read_and_its_saving_is_shown(
    desk: Desk, model: str
) -> None:
    desk.send("Hello?", model=model)
    instruct(desk, LONG)
    written, body = desk.send("What are the rules?", model=model)
    assert marks(body) == [0, 1, 3], "the instructions, the prompt before, the new prompt"
    mark = body["messages"][0]["content"][-1]["cache_control"]
    assert mark == {"type": "ephemeral"}
    assert written.usage is not None
    assert (written.usage.cache_write_tokens or 0) > 1_000
    assert written.saved_usd is not None
    assert written.saved_usd < 0
    read, body = desk.send("And the exceptions?", model=model)
    assert marks(body) == [0, 3, 5]
    assert read.usage is not None
    assert (read.usage.cached_tokens or 0) > 1_000
    assert read.saved_usd is not None
    assert read.saved_usd > 0
    html = desk.browser.get(read.conversation.get_absolute_url()).content.decode()
    assert 'class="saved"' in html
    assert "saved $" in html, "in the receipt, too"
    assert "the next turn is the cheaper for it" in html, "under the one that wrote"


def test_gemini_is_told_the_end_of_what_stays_and_only_that(desk: Desk) -> None:
    desk.send(LONG, model=GEMINI)
    _, body = desk.send("Go on", model=GEMINI)
    assert marks(body) == [0]
    reply, body = desk.send("Go on", model=GEMINI)
    assert marks(body) == [0], "the same place in each turn, so that it is found again"
    assert reply.saved_usd is not None
    assert reply.saved_usd > 0


@pytest.mark.parametrize(("model", "prompt"), [(GPT, LONG), (CLAUDE, "Short.")])
def test_no_marks_for_those_that_cache_by_themselves_nor_for_little(
    desk: Desk, model: str, prompt: str
) -> None:
    _, body = desk.send(prompt, model=model)
    assert isinstance(documented(body)["messages"][0]["content"], str)


def test_what_writing_into_the_cache_costs_more_is_held(desk: Desk) -> None:
    reply, _ = desk.send(LONG, model=CLAUDE)
    assert reply.usage is not None
    assert reply.usage.cache_write_tokens
    assert reply.usage.cost_usd is not None
    assert reply.usage.cost_usd <= reserved(reply)
    listed = Decimal((reply.decision or {})["worst_case_usd"])
    assert reserved(reply) - listed > Decimal("0.001"), "a quarter more for 5,000 tokens at $1"


def test_an_unknown_saving_is_unknown(desk: Desk) -> None:
    desk.send(LONG, model=CLAUDE)
    prices = PriceEntry.objects.get(model=CLAUDE).prices
    del prices["input_cache_read"]
    PriceEntry.objects.bulk_create([PriceEntry(model=CLAUDE, prices=prices)])
    reply, _ = desk.send("Go on", model=CLAUDE)
    assert reply.usage is not None
    assert reply.usage.cached_tokens
    assert reply.saved_usd is None
    html = desk.browser.get(reply.conversation.get_absolute_url()).content.decode()
    assert "what it saved is not known" in html


# --- Who serves it


def test_provider_preferences_by_their_form(desk: Desk) -> None:
    desk.wish(
        prefer="price",
        order="anthropic, google-vertex",
        only="anthropic, google-vertex",
        ignore="novita",
        max_prompt_usd="2",
        max_completion_usd="10",
        quantizations=["fp8", "bf16"],
        zero_retention="on",
        no_training="on",
    )
    _, body = desk.send("Hello?", model=CLAUDE)
    assert documented(body)["provider"] == {
        "order": ["anthropic", "google-vertex"],
        "only": ["anthropic", "google-vertex"],
        "ignore": ["novita"],
        "sort": "price",
        "max_price": {"prompt": "2", "completion": "10"},
        "quantizations": ["fp8", "bf16"],
        "zdr": True,
        "data_collection": "deny",
    }


@pytest.mark.parametrize(
    ("prefer", "sent"), [("nitro", f"{CLAUDE}:nitro"), ("floor", f"{CLAUDE}:floor")]
)
def test_variants(desk: Desk, prefer: str, sent: str) -> None:
    desk.wish(prefer=prefer)
    reply, body = desk.send("Hello?", model=CLAUDE)
    assert documented(body)["model"] == sent
    assert reply.state == "done"


def test_the_free_variant_where_there_is_one(desk: Desk) -> None:
    free = f"{PLAIN}:free"
    stock(PLAIN, free, CLAUDE)
    desk.wish(prefer="free")
    reply, body = desk.send("Hello?", model=PLAIN)
    assert documented(body)["model"] == free
    assert reply.usage is not None
    assert reply.usage.cost_usd == 0
    _, body = desk.send("Hello?", model=CLAUDE)
    assert body["model"] == CLAUDE


@pytest.mark.parametrize("prefer", ["nitro", "throughput", "latency"])
def test_a_fast_provider_may_cost_three_times_as_much_and_that_is_held(
    desk: Desk, prefer: str
) -> None:
    plain, _ = desk.send("Hello?", model=CLAUDE)
    desk.conversation = None
    desk.wish(prefer=prefer)
    fast, body = desk.send("Hello?", model=CLAUDE)
    assert documented(body)["provider"]["max_price"] == {"prompt": "3", "completion": "15"}
    assert reserved(fast) == 3 * reserved(plain)


def test_a_cap_of_ones_own_is_the_lower_one(desk: Desk) -> None:
    desk.wish(prefer="nitro", max_completion_usd="7.5", max_prompt_usd="90")
    _, body = desk.send("Hello?", model=CLAUDE)
    assert documented(body)["provider"]["max_price"] == {"prompt": "3", "completion": "7.5"}
