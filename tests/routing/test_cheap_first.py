"""Where answers are checked, a cheaper model may begin; the better one is asked when it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.decision import Decision
from routing.live_reasons import live_lines
from routing.policies import DEFAULT
from routing.weighing import decide
from tests.routing.factories import MARKET, candidate, prices, question

HARD = "Prove that every bounded monotone sequence converges, step by step, and derive the limit"
# Nearly as good for a tenth of the price, beside a model that the dial prefers all the same.
PAIR = (
    candidate("acme/best", ability=0.93, prices=prices("15", "75")),
    candidate("umbra/nearly", ability=0.90, prices=prices("1", "5")),
)


def chosen(text: str = HARD, *, dial: float, is_checked: bool) -> Decision:
    policy = replace(DEFAULT, dial=dial)
    return decide(replace(question(text, policy=policy), is_checked=is_checked), PAIR)


def first_dial_of_the_best() -> float:
    """The least dial, in quarters, at which the dearer model is chosen without checks."""
    dials = [step / 4 for step in range(41)]
    return next(d for d in dials if chosen(dial=d, is_checked=False).slug == "acme/best")


def test_the_cheaper_model_begins_and_the_receipt_says_so() -> None:
    dial = first_dial_of_the_best()
    decision = chosen(dial=dial, is_checked=True)
    assert decision.slug == "umbra/nearly"
    assert decision.live["checked_before"] == "acme/best"
    assert [each.slug for each in decision.candidates] == ["umbra/nearly", "acme/best"]
    (line,) = live_lines(decision)
    assert line.startswith("Cheap first: umbra/nearly begins because its answer is checked;")
    assert Decision.from_json(decision.to_json()) == decision


def test_the_best_begins_where_quality_is_worth_far_more() -> None:
    assert chosen(dial=10, is_checked=False).slug == "acme/best"
    assert chosen(dial=10, is_checked=True).slug == "acme/best"


@pytest.mark.parametrize("dial", [0.0, 2.0, 4.0])
def test_who_is_chosen_for_its_price_already_stays(dial: float) -> None:
    plain, checked = (chosen(dial=dial, is_checked=each) for each in (False, True))
    assert plain.slug == "umbra/nearly"
    assert checked == plain


@given(st.floats(0, 10), st.sampled_from(["hello", HARD, "Write a sorting function in Python"]))
def test_checks_never_make_the_first_call_dearer(dial: float, text: str) -> None:
    policy = replace(DEFAULT, dial=dial)
    asked = question(text, policy=policy)
    plain = decide(asked, MARKET)
    checked = decide(replace(asked, is_checked=True), MARKET)
    assert plain.expected_usd is not None
    assert checked.expected_usd is not None
    assert checked.expected_usd <= plain.expected_usd
