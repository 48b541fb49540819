"""A second call is made where it is worth its price: not for what is sure, nor for what is vain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.checks import Finding
from routing.escalation import Option, after_checks, first_to_ask, pays

ODDS = st.floats(0.02, 0.98)
FAILED, PASSED = Finding("code", "does not parse"), Finding("code")


def test_a_failed_check_lowers_the_odds_far_and_a_passed_one_raises_them_a_little() -> None:
    assert after_checks(0.6, [FAILED]) < 0.15
    assert 0.6 < after_checks(0.6, [PASSED]) < 0.7
    assert after_checks(0.6, []) == pytest.approx(0.6)


@given(ODDS)
def test_the_odds_stay_odds(odds: float) -> None:
    assert 0 < after_checks(odds, [FAILED, FAILED, PASSED]) < odds


def test_a_good_answer_a_hopeless_question_and_a_dear_model_ask_for_no_second_call() -> None:
    strong = Option("acme/strong", 0.9, 0.01)
    assert pays(0.3, strong, worth_usd=0.05)
    assert not pays(0.88, strong, worth_usd=5.0)
    assert not pays(0.3, Option("acme/same", 0.33, 0.0), worth_usd=5.0)
    assert not pays(0.3, strong, worth_usd=0.01)


def test_cheap_comes_first_where_it_costs_a_fraction_and_is_nearly_as_good() -> None:
    best = Option("acme/best", 0.90, 0.02)
    cheap = Option("acme/cheap", 0.85, 0.0005)
    assert first_to_ask(best, [cheap], worth_usd=0.1) == cheap
    assert first_to_ask(best, [cheap], worth_usd=10.0) == best
    assert first_to_ask(best, [], worth_usd=0.1) == best


@given(ODDS, ODDS, st.floats(1e-6, 1.0), st.floats(1e-6, 1.0))
def test_a_model_that_is_no_cheaper_never_comes_first(
    odds: float, other: float, usd: float, worth: float
) -> None:
    best = Option("acme/best", odds, usd)
    assert first_to_ask(best, [Option("acme/dearer", other, usd * 2)], worth_usd=worth) == best
