"""The receipt under an answer, and whose name an answer bears."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from routing.decision import Decision
from routing.names import same_model
from routing.receipts import Receipt, receipt
from routing.weighing import decide, decide_pinned
from tests.routing.factories import MARKET, candidate, prices, question

MARKET_OF_THREE = (
    candidate("acme/one", ability=0.9, prices=prices("1", "4"), name="Acme: One",
              canonical_slug="acme/one-20260501"),
    candidate("umbra/two", ability=0.85, prices=prices("2", "8"), name="Umbra: Two",
              canonical_slug="umbra/2-two-preview"),
    candidate("third/three", ability=0.7, prices=prices("0.5", "2"), name="Third: Three"),
)  # fmt: skip


def decided(**asked: Any) -> Decision:
    return decide(question("Explain how a heat pump works", **asked), MARKET_OF_THREE)


def paper(
    decision: Decision | None = None, served: str | None = "acme/one", tokens: Any = (1_000, 500)
) -> Receipt:
    stored = json.loads(json.dumps((decision or decided()).to_json()))  # as a JSON field keeps it
    return receipt(
        stored, served_model=served, prompt_tokens=tokens[0], completion_tokens=tokens[1]
    )


def test_every_candidate_is_priced_for_the_very_tokens_of_the_answer() -> None:
    costs = {row.slug: row.cost_usd for row in paper().rows}
    assert costs == {
        "acme/one": Decimal("0.003"),
        "umbra/two": Decimal("0.006"),
        "third/three": Decimal("0.0015"),
    }


def test_costs_are_told_beside_that_of_the_model_that_answered() -> None:
    rows = {row.slug: row for row in paper().rows}
    assert rows["acme/one"].answered
    assert rows["acme/one"].times_text == ""
    assert rows["umbra/two"].times == 2
    assert rows["umbra/two"].times_text == "2.0 times as much"
    assert rows["third/three"].times_text == "half as much"


def test_the_line_and_the_small_print_say_why() -> None:
    shown = paper()
    assert shown.line.startswith("Chosen for")
    assert shown.policy.endswith("dial 5")
    assert (shown.chosen, shown.served) == ("acme/one", "acme/one")
    assert not shown.fallback_used
    assert shown.rows[0].is_chosen
    assert {row.slug for row in shown.rows if row.is_fallback} == {"umbra/two", "third/three"}
    assert {part.label for part in shown.rows[0].parts} >= {"cost", "chance of a good answer"}


def test_who_was_left_out_is_counted_in_words() -> None:
    market = (*MARKET_OF_THREE, candidate("a/free", bar="free_tier"), candidate("b/f", bar="batch"))
    shown = paper(decide(question(), market))
    assert (1, "free and limited") in shown.rejected
    assert shown.rejected_line == "Left out: 1 for batches only and 1 free and limited."


def test_the_strongest_signals_are_told_in_words() -> None:
    shown = paper(decide(question("Prove the theorem and write Python code"), MARKET))
    assert "mathematics" in shown.signals
    assert len(shown.signals) <= 3


def test_a_fallback_that_stepped_in_is_told() -> None:
    shown = paper(served="umbra/two")
    assert shown.fallback_used
    assert shown.fallback_line == "Acme: One could not answer, so Umbra: Two did."
    assert next(row for row in shown.rows if row.answered).slug == "umbra/two"
    assert next(row for row in shown.rows if row.slug == "acme/one").times_text == "half as much"


@pytest.mark.parametrize(
    "served",
    ["acme/one", "acme/one-20260501", "acme/one-2026-05-01", "acme/one:free", "Acme/One",
     "acme/something-else-of-theirs", "", None],
)  # fmt: skip
def test_another_name_of_the_chosen_model_is_no_fallback(served: str | None) -> None:
    assert not paper(served=served).fallback_used


@pytest.mark.parametrize("served", ["umbra/2-two-preview", "umbra/two-20260101", "third/three"])
def test_another_name_of_a_fallback_is_a_fallback(served: str) -> None:
    assert paper(served=served).fallback_used


def test_a_model_nobody_named_is_told_by_its_slug() -> None:
    shown = paper(served="stranger/model")
    assert shown.fallback_used
    assert "stranger/model" in shown.fallback_line
    assert not any(row.answered for row in shown.rows)
    assert all(row.times is None for row in shown.rows)


def test_a_pinned_model_cannot_have_been_replaced() -> None:
    pinned = decide_pinned(question(), MARKET_OF_THREE[0])
    shown = paper(pinned, served="stranger/model")
    assert shown.pinned
    assert not shown.fallback_used


def test_what_a_router_chose_is_served_and_its_price_depends() -> None:
    auto = candidate("openrouter/auto", is_router=True, bar="router", prices=replace(
        prices(), prompt_usd=None, completion_usd=None))  # fmt: skip
    shown = paper(decide_pinned(question(), auto), served="acme/one")
    assert (shown.chosen, shown.served) == ("openrouter/auto", "acme/one")
    assert not shown.fallback_used
    assert shown.rows[0].cost_usd is None
    assert (shown.rows[0].cost_text, shown.rows[0].odds_text) == ("depends", "")


def test_tokens_that_are_not_known_yet_are_taken_as_expected() -> None:
    decision = decided()
    shown = paper(decision, tokens=(None, None))
    expected = (decision.prompt_tokens, decision.answer_tokens)
    assert (shown.prompt_tokens, shown.completion_tokens) == expected
    assert shown.rows[0].cost_usd == decision.expected_usd


def test_an_answer_of_no_tokens_costs_nothing_anywhere() -> None:
    shown = paper(tokens=(0, 0))
    assert all(row.cost_usd == 0 and row.times is None for row in shown.rows)


@pytest.mark.parametrize(
    "stored",
    [None, {}, {"slug": "a/b"}, {**decided().to_json(), "candidates": None},
     {**decided().to_json(), "candidates": []}, {**decided().to_json(), "rejected": 3},
     {**decided().to_json(), "dial": "up"}, {**decided().to_json(), "parts": None}, [], "x"],
)  # fmt: skip
def test_a_decision_that_cannot_be_read_gives_a_receipt_that_says_so(stored: Any) -> None:
    shown = receipt(stored, served_model="acme/one", prompt_tokens=1, completion_tokens=1)
    assert shown.served == "acme/one"
    assert shown.is_lost is (shown.rows == ())
    if shown.is_lost:
        assert "not on record" in shown.line


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anthropic/claude-haiku-4.5", "anthropic/claude-4.5-haiku-20251001"),
        ("openai/gpt-4.1-mini", "openai/gpt-4.1-mini-2025-04-14"),
        ("google/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("deepseek/deepseek-r1:free", "deepseek/deepseek-r1"),
        ("~acme/one", "acme/one"),
    ],
)
def test_two_names_of_one_model(one: str, other: str) -> None:
    assert same_model(one, other)
    assert same_model(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anthropic/claude-haiku-4.5", "anthropic/claude-opus-4.5"),
        ("openai/gpt-4.1", "openai/gpt-4.1-mini"),
        ("acme/one", "umbra/one"),
        ("google/gemini-2.5-flash", "google/gemini-2.5-flash-lite"),
        ("qwen/qwen3-235b-a22b", "qwen/qwen3-30b-a3b"),
    ],
)
def test_names_of_two_models(one: str, other: str) -> None:
    assert not same_model(one, other)
