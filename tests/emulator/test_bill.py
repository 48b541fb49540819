"""The emulator's own bill: every generation, to the last digit, told or not."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter.emulator.app import Emulator
from openrouter.emulator.bill import Count, charge
from openrouter.emulator.catalogue import Model, load
from openrouter.emulator.money import encode, number_text
from openrouter.emulator.settings import EmulatorSettings, instant
from tests.emulator.conftest import connected
from tests.emulator.reading import MODEL, ask, billed, read, whole

LONG = "All about bees. " * 600  # long enough to be cached


def model(name: str) -> Model:
    found = load().find(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("0.00", "0"),
        ("0.00006", "0.00006"),
        ("0.000001", "0.000001"),
        ("0.00000006", "6e-8"),
        ("0.000000123", "1.23e-7"),
        ("1.50", "1.5"),
        ("601.014979078", "601.014979078"),
        ("1E+2", "100"),
        ("-0.0000005", "-5e-7"),
    ],
)
def test_money_is_written_as_javascript_writes_numbers(value: str, text: str) -> None:
    assert number_text(Decimal(value)) == text


@given(st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=12))
def test_money_on_the_wire_loses_no_digit(value: Decimal) -> None:
    assert json.loads(encode({"cost": value}), parse_float=Decimal, parse_int=Decimal) == {
        "cost": value
    }


def test_a_charge_is_prices_times_tokens_as_recorded() -> None:
    """The recording cache-read-anthropic: 2649 tokens, 2569 of them read, 79 written."""
    count = Count(prompt=2649, completion=100, cached=2569, cache_written=79)
    cost = charge(model("anthropic/claude-sonnet-4.6"), count, is_byok=False)
    assert cost.upstream_prompt == Decimal("0.00106995")
    assert cost.total == Decimal("0.00256995")


def test_a_long_prompt_pays_the_surcharge_above_the_threshold_only() -> None:
    dear = model("~openai/gpt-astra-latest")
    at = charge(dear, Count(prompt=272_000, completion=0), is_byok=False)
    above = charge(dear, Count(prompt=272_001, completion=0), is_byok=False)
    assert at.total == 272_000 * Decimal("0.00001")
    assert above.total == 272_001 * Decimal("0.00002")


async def talk(client: httpx.AsyncClient) -> Decimal:
    """A dozen answers of every kind; the sum of the costs that the wire told."""
    told = Decimal(0)
    asks: list[dict[str, Any]] = [
        ask(),
        ask(model="openai/gpt-5-mini", reasoning={"effort": "high"}),
        ask(model="openrouter/auto"),
        ask(plugins=[{"id": "web"}]),
        ask("Go on", models=["openai/gpt-5-mini"]),
        ask("[[fault: error usage=1]] bees"),
        ask("[[fault: length-then-error]] bees"),
        ask("Bees [[wire: 2025]]"),
        ask("Bees [[wire: empty]]"),
        ask("Bees", max_completion_tokens=5),
        ask("[[bench: chunks=50]]"),
    ]
    for body in asks:
        stream = await read(client, body)
        told += stream.usages[-1]["cost"]
    for body in asks[:4]:
        told += (await whole(client, body))["usage"]["cost"]
    return told


async def test_the_bill_is_the_sum_of_what_the_wire_told() -> None:
    async with connected() as (client, emulator):
        told = await talk(client)
    assert emulator.bill.total() == told > 0
    assert all(entry.usage_sent for entry in emulator.bill)


async def test_a_client_that_leaves_pays_for_the_tokens_until_then() -> None:
    settings = EmulatorSettings(tokens_per_s=500, first_token_s=0, cancelled_generation_delay_s=0)
    body = ask("Write 3000 words about bees", model="openai/gpt-5-mini")
    async with connected(settings) as (client, emulator):
        generation_id = await leave_early(client, body)
    entry = emulator.bill.find(generation_id)
    assert entry is not None
    assert entry.cancelled
    assert not entry.usage_sent
    assert entry.finish_reason is None
    assert 0 < entry.count.completion < 1000
    assert entry.cost == charge(entry.model, entry.count, is_byok=False).total


async def test_some_providers_write_on_for_a_client_that_has_left() -> None:
    settings = EmulatorSettings(tokens_per_s=500, first_token_s=0)
    body = ask("Write 3000 words about bees", provider={"only": ["amazon-bedrock"]})
    async with connected(settings) as (client, emulator):
        generation_id = await leave_early(client, body)
    entry = emulator.bill.find(generation_id)
    assert entry is not None
    assert entry.cancelled
    assert entry.count.completion > 3000


async def leave_early(client: httpx.AsyncClient, body: dict[str, Any]) -> str:
    async with client.stream("POST", "/chat/completions", json=body) as response:
        async for piece in response.aiter_bytes():
            if b'"content"' in piece:
                break
        return str(response.headers["x-generation-id"])


async def test_a_free_model_costs_nothing() -> None:
    async with connected() as (client, emulator):
        stream = await read(client, ask(model="openrouter/free"))
    assert stream.usages[-1]["cost"] == billed(emulator, stream.id) == 0
    assert b'"cost":0,' in stream.raw


async def test_an_own_key_pays_upstream_and_not_here() -> None:
    async with connected(instant(byok_providers=frozenset({"OpenAI"}))) as (client, emulator):
        usage = (await read(client, ask(model="openai/gpt-5-mini"))).usages[-1]
    assert usage["is_byok"] is True
    assert usage["cost"] == emulator.bill.total() == 0
    assert usage["cost_details"]["upstream_inference_cost"] > 0


async def test_the_second_turn_reads_the_cache() -> None:
    messages = [{"role": "user", "content": LONG}]
    longer = [
        *messages,
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Go"},
    ]
    async with connected() as (client, _):
        body = {"model": "openai/gpt-5-mini", "messages": messages, "stream": True}
        first = (await read(client, body)).usages[-1]
        second = (await read(client, body | {"messages": longer})).usages[-1]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    assert second["prompt_tokens_details"]["cached_tokens"] > 1024
    assert second["prompt_tokens_details"]["cached_tokens"] % 128 == 0
    per_token = first["cost_details"]["upstream_inference_prompt_cost"] / first["prompt_tokens"]
    cached = second["cost_details"]["upstream_inference_prompt_cost"] / second["prompt_tokens"]
    assert cached < per_token


async def test_anthropic_caches_what_is_marked_and_bills_the_writing() -> None:
    part = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}
    marked = [{"role": "user", "content": [part]}]
    async with connected() as (client, emulator):
        body = {"model": MODEL, "messages": marked, "stream": True}
        first = (await read(client, body)).usages[-1]["prompt_tokens_details"]
        second = (await read(client, body)).usages[-1]["prompt_tokens_details"]
        emulator.world.clock.advance(301)
        third = (await read(client, body)).usages[-1]["prompt_tokens_details"]
        plain = (await read(client, ask(LONG))).usages[-1]["prompt_tokens_details"]
    assert (first["cached_tokens"], first["cache_write_tokens"] > 1024) == (0, True)
    assert second["cached_tokens"] == first["cache_write_tokens"]
    assert second["cache_write_tokens"] == 0
    assert third["cached_tokens"] == 0
    assert plain == {**plain, "cached_tokens": 0, "cache_write_tokens": 0}


async def test_a_generation_is_unknown_for_a_while() -> None:
    settings = EmulatorSettings(tokens_per_s=None, first_token_s=0, generation_delay_s=3)
    async with connected(settings) as (client, emulator):
        stream = await read(client, ask())
        early = await client.get("/generation", params={"id": stream.id})
        emulator.world.clock.advance(4)
        later = await client.get("/generation", params={"id": stream.id})
    assert early.status_code == 404
    assert early.json()["error"]["message"] == f"Generation {stream.id} not found"
    stored = json.loads(later.text, parse_float=Decimal)["data"]
    assert stored["total_cost"] == billed(emulator, stream.id)
    assert stored["native_tokens_completion"] == stream.usages[-1]["completion_tokens"]


async def test_after_a_cancel_it_is_unknown_for_longer() -> None:
    settings = EmulatorSettings(tokens_per_s=500, first_token_s=0, generation_delay_s=3)
    async with connected(settings) as (client, emulator):
        generation_id = await leave_early(client, ask("Write 3000 words about bees"))
        emulator.world.clock.advance(4)
        early = await client.get("/generation", params={"id": generation_id})
        emulator.world.clock.advance(20)
        later = await client.get("/generation", params={"id": generation_id})
    assert (early.status_code, later.status_code) == (404, 200)
    assert later.json()["data"]["cancelled"] is True


async def test_the_bill_can_be_read_and_cleared_over_http() -> None:
    async with connected() as (client, emulator):
        stream = await read(client, ask(user="u-1", session_id="s-1"))
        root = "http://emulator/_emulator"
        page = (await client.get(f"{root}/bill")).json()
        sent = (await client.get(f"{root}/sent/{stream.id}")).json()
        unknown = await client.get(f"{root}/sent/gen-0-x")
        await client.delete(f"{root}/bill")
    entry = page["entries"][0]
    assert Decimal(page["total_cost"]) == Decimal(entry["cost"]) == stream.usages[-1]["cost"]
    assert (entry["user"], entry["session_id"]) == ("u-1", "s-1")
    assert (sent["text"], sent["complete"]) == (stream.text, True)
    assert unknown.status_code == 404
    assert len(emulator.bill) == 0


def test_two_emulators_keep_two_bills() -> None:
    first, second = Emulator(), Emulator()
    assert first.bill is not second.bill
