"""A price is exact or unknown, never a guess."""

from decimal import Decimal

import pytest

from routing.prices import Prices, Tier, as_text, per_mtok, price_or_none
from tests.routing.factories import prices, with_tier


@pytest.mark.parametrize(
    "told",
    [None, "-1", -1, "-0.000001", "NaN", "sNaN", "Infinity", "-Infinity", "", "free", "1e999999",
     "0." + "0" * 60 + "1", 0.000001, True, [], {}],
)  # fmt: skip
def test_what_is_no_price_is_unknown_and_never_a_number(told: object) -> None:
    assert price_or_none(told) is None


@pytest.mark.parametrize("told", ["0", "-0", "0.000", "0E-9", 0, Decimal(0)])
def test_every_zero_is_free(told: object) -> None:
    assert as_text(price_or_none(told)) == "0"


@pytest.mark.parametrize("told", ["0.00000025", "2.5e-7", " 0.00000025 "])
def test_a_price_keeps_its_digits_and_loses_its_exponent(told: str) -> None:
    price = price_or_none(told)
    assert price == Decimal("0.00000025")
    assert as_text(price) == "0.00000025"


def test_a_cost_is_tokens_times_prices_and_the_request_to_the_last_digit() -> None:
    charged = prices("0.25", "2", request="0.005").cost_usd(1_234, 567)
    assert charged == Decimal("0.005") + Decimal("0.0003085") + Decimal("0.001134")


def test_without_a_price_nobody_knows_a_cost() -> None:
    assert Prices(None, Decimal(1)).cost_usd(1, 1) is None
    assert Prices(Decimal(1), None).cost_usd(1, 1) is None


def test_a_free_model_costs_nothing_which_is_not_unknown() -> None:
    assert prices("0", "0").cost_usd(10, 10) == 0
    assert prices("0", "0").free
    assert not prices("0", "0", request="0.01").free


def test_a_long_prompt_pays_the_price_of_its_tier_from_the_first_token() -> None:
    tiered = with_tier(prices("3", "15"), 200_000, "6", "22.5")
    assert tiered.cost_usd(200_000, 100) == Decimal("0.6") + Decimal("0.0015")
    assert tiered.cost_usd(200_001, 100) == Decimal("1.200006") + Decimal("0.00225")


def test_the_last_tier_that_applies_wins_price_by_price() -> None:
    tiers = (Tier(10, Decimal(2), Decimal(3)), Tier(100, Decimal(5), None))
    tiered = Prices(Decimal(1), Decimal(1), tiers=tiers)
    assert tiered.cost_usd(101, 1) == 101 * 5 + 3


def test_a_budget_holds_as_many_tokens_as_it_pays_for() -> None:
    charged = prices("1", "4")
    tokens = charged.affordable_tokens(1_000, Decimal("0.01"))
    assert tokens == 2_250
    spent = charged.cost_usd(1_000, tokens)
    assert spent is not None
    assert spent <= Decimal("0.01") < spent + Decimal("0.000004")


def test_a_budget_that_does_not_pay_the_prompt_holds_no_answer() -> None:
    assert prices("1", "4").affordable_tokens(1_000, Decimal("0.0001")) == 0
    assert Prices(None, None).affordable_tokens(1, Decimal(1)) == 0


def test_free_answers_have_no_limit_in_money() -> None:
    assert prices("0", "0").affordable_tokens(1_000, Decimal(0)) is None


@pytest.mark.parametrize(
    ("usd", "text"),
    [("0.0000025", "$2.50"), ("0.00000025", "$0.25"), ("0.00003", "$30.00"), ("0", "free"),
     ("0.000000017", "$0.017"), ("0.000000071", "$0.071"), ("0.0000001625", "$0.16")],
)  # fmt: skip
def test_people_read_prices_by_the_million(usd: str, text: str) -> None:
    assert per_mtok(Decimal(usd)) == text


def test_prices_survive_json_with_money_as_strings() -> None:
    tiered = with_tier(prices("0.25", "2", request="0"), 200_000, "0.5", "3")
    data = tiered.to_json()
    assert data["prompt"] == "0.00000025"
    assert Prices.from_json(data) == tiered
    assert Prices.from_json(Prices(None, None).to_json()) == Prices(None, None)
