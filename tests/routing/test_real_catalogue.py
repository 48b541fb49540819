"""Decisions over the catalogue as it really is: the emulator's, and the lists of ../shared."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from openrouter.client import ClientConfig, OpenRouterClient
from openrouter.emulator.settings import EmulatorSettings
from openrouter.emulator.transport import EmulatorTransport
from openrouter.reading import read_list
from openrouter.results import ModelInfo
from routing.abilities import prior_ability
from routing.candidates import Candidate
from routing.decision import Decision
from routing.listing import candidate_of, values_of
from routing.models import LanguageModel
from routing.policies import BEST, DEFAULT, THRIFTY
from routing.weighing import decide
from tests.routing.factories import TODAY, question
from tests.routing.test_choices import BALANCED_TIERS

SHARED = Path(__file__).resolve().parents[3] / "shared" / "openrouter" / "catalog"
LISTS = ("models-2025-12-28.json", "models-2026-05-01.json", "models-2026-09-16.sample.json")
Market = tuple[Candidate, ...]


async def _fetched() -> list[ModelInfo]:
    config = ClientConfig(api_key="sk-or-v1-test", base_url="https://openrouter.ai/api/v1")
    client = OpenRouterClient(config, transport=EmulatorTransport(EmulatorSettings()))
    try:
        return await client.models()
    finally:
        await client.aclose()


def market_of(infos: list[ModelInfo]) -> Market:
    return tuple(candidate_of(LanguageModel(**values_of(info)), today=TODAY) for info in infos)


@cache
def emulated() -> Market:
    return market_of(async_to_sync(_fetched)())


@cache
def published(name: str) -> Market:
    return market_of(read_list(ModelInfo, (SHARED / name).read_bytes())[0])


@pytest.fixture(params=["emulator", *(pytest.param(n, marks=pytest.mark.shared) for n in LISTS)])
def market(request: pytest.FixtureRequest) -> Market:
    return emulated() if request.param == "emulator" else published(request.param)


@pytest.fixture(params=["emulator", pytest.param(LISTS[1], marks=pytest.mark.shared)])
def full_market(request: pytest.FixtureRequest) -> Market:
    return emulated() if request.param == "emulator" else published(request.param)


def chosen(text: str, market: Market, dial: float = 5) -> tuple[Decision, Candidate, float]:
    asked = question(text, policy=DEFAULT.turned_to(dial), max_completion_tokens=16_000)
    decision = decide(asked, market)
    best = next(each for each in market if each.slug == decision.slug)
    return decision, best, prior_ability(asked.prompt)(best)


@pytest.mark.parametrize("dial", [THRIFTY, 5, BEST])
def test_nothing_that_should_not_answer_a_chat_is_chosen(market: Market, dial: float) -> None:
    for text in BALANCED_TIERS:
        decision, _, _ = chosen(text, market, dial)
        for slug in decision.models:
            assert not slug.startswith(("~", "openrouter/"))
            assert ":" not in slug


def test_a_trivial_question_goes_to_a_cheap_model_that_is_no_junk(full_market: Market) -> None:
    for text in ("hi", "thanks!", "What is the capital of France?"):
        decision, _, able = chosen(text, full_market)
        assert decision.expected_usd is not None
        assert Decimal(0) < decision.expected_usd < Decimal("0.0005")
        assert able > 0.5


def test_hard_work_goes_to_a_strong_model(full_market: Market) -> None:
    for text in (t for t, tier in BALANCED_TIERS.items() if tier == "strong"):
        decision, _, able = chosen(text, full_market)
        assert able > 0.8, decision.reason


def test_the_middle_is_between(full_market: Market) -> None:
    levels = [
        chosen(text, full_market)[2]
        for text in (
            "hi",
            "Write a Python function that merges two sorted lists",
            "Prove rigorously that the series converges, derive the limit, justify each step",
        )
    ]
    assert levels == sorted(levels)
    assert levels[0] < levels[-1]


def test_the_dial_reaches_from_cheap_to_the_best(full_market: Market) -> None:
    text = "Compare the trade-offs of two database designs and plan the migration in detail"
    abilities = [chosen(text, full_market, dial)[2] for dial in range(11)]
    assert abilities == sorted(abilities)
    assert abilities[-1] > 0.9
    costs = [chosen(text, full_market, dial)[0].expected_usd for dial in (0, 10)]
    assert costs[0] is not None
    assert costs[1] is not None
    assert costs[1] > 10 * costs[0]


def test_every_model_that_is_listed_can_be_weighed(market: Market) -> None:
    assert len({each.slug for each in market}) == len(market)
    assert all(0 < skill < 1 for each in market for skill in each.skills)


def test_a_long_context_leaves_only_the_models_that_hold_it(full_market: Market) -> None:
    decision = decide(question(history_tokens=500_000), full_market)
    best = next(each for each in full_market if each.slug == decision.slug)
    assert best.context_tokens is not None
    assert best.context_tokens > 750_000
    assert decision.rejected["context"] > 100
