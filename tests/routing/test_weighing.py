"""Who is chosen among candidates, and what holds whatever the market."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.abilities import prior_ability, prior_odds
from routing.candidates import Candidate, Reasoning, Skills
from routing.constraints import NoCandidateFits
from routing.decision import Decision
from routing.policies import DEFAULT, Policy
from routing.prices import Prices
from routing.prompts import Prompt
from routing.weighing import Question, decide
from tests.routing.factories import (
    MARKET,
    SEES,
    THINKS,
    TODAY,
    candidate,
    prices,
    question,
    with_tier,
)

PROMPTS = (
    "hi",
    "What is the capital of France?",
    "Explain how a heat pump works",
    "Write a Python function that reverses a linked list",
    "Compare the trade-offs of two designs and plan the migration in detail",
    "Prove rigorously that there are infinitely many primes, and derive a bound",
)
abilities = st.floats(0.05, 0.97)
money = st.decimals("0.01", "100", places=3)
reasonings = st.sampled_from([Reasoning(), THINKS, Reasoning(supported=True, mandatory=True)])


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    author, number = draw(st.sampled_from("abcde")), draw(st.integers(0, 10_000))
    return candidate(
        f"{author}/model-{number}",
        skills=Skills(draw(abilities), draw(abilities), draw(abilities), draw(abilities)),
        prices=prices(str(draw(money)), str(draw(money))),
        context_tokens=draw(st.sampled_from([4_096, 32_000, 128_000, 1_000_000, None])),
        reasoning=draw(reasonings),
        tokens_per_s=draw(st.floats(20, 300)),
        created=draw(st.dates(dt.date(2023, 1, 1), TODAY)),
    )


markets = st.lists(candidates(), min_size=1, max_size=12, unique_by=lambda c: c.slug)
texts = st.sampled_from(PROMPTS)
dials = st.floats(0, 10)


def choose(asked: Question, market: Any) -> Decision:
    return decide(asked, market)


def slug_at(market: tuple[Candidate, ...], slug: str) -> Candidate:
    return next(each for each in market if each.slug == slug)


# --- What holds whatever the market ---


@given(market=markets, text=texts, dial=dials, seed=st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(
    market: list[Candidate], text: str, dial: float, seed: random.Random
) -> None:
    asked = question(text, policy=DEFAULT.turned_to(dial))
    shuffled = list(market)
    seed.shuffle(shuffled)
    assert decide(asked, market) == decide(asked, shuffled)


@given(better=candidates(), text=texts, dial=dials, data=st.data())
def test_a_dearer_model_that_is_better_in_nothing_is_never_chosen(
    better: Candidate, text: str, dial: float, data: st.DataObject
) -> None:
    worse = st.floats(0, 1)
    dearer = replace(
        better,
        slug="a/aaa-dearer",  # first by name, should the name ever decide
        skills=Skills(*(max(0.01, skill - data.draw(worse) * 0.3) for skill in better.skills)),
        prices=prices(
            str(1_000_000 * (better.prices.prompt_usd or 0) * Decimal("1.01")),
            str(1_000_000 * (better.prices.completion_usd or 0) * Decimal("1.01")),
        ),
        tokens_per_s=better.tokens_per_s - data.draw(worse) * 10,
    )
    decision = decide(question(text, policy=DEFAULT.turned_to(dial)), [dearer, better])
    assert decision.slug == better.slug


@given(market=markets, text=texts, low=dials, high=dials)
def test_turning_up_the_dial_never_lowers_the_ability_of_the_choice(
    market: list[Candidate], text: str, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    chosen = [
        decide(question(text, policy=DEFAULT.turned_to(dial)), market).slug for dial in (low, high)
    ]
    able = prior_ability(question(text).prompt)
    lower, higher = (able(slug_at(tuple(market), slug)) for slug in chosen)
    assert higher >= lower


@given(market=markets, text=texts, dial=dials, caps=st.lists(money, min_size=2, max_size=2))
def test_tightening_the_price_cap_never_raises_the_expected_cost(
    market: list[Candidate], text: str, dial: float, caps: list[Decimal]
) -> None:
    tight, loose = (cap / 1_000 for cap in sorted(caps))
    policy = DEFAULT.turned_to(dial)

    def cost(cap: Decimal) -> Decimal | None:
        try:
            asked = question(text, policy=replace(policy, price_cap_usd=cap))
            return decide(asked, market).expected_usd
        except NoCandidateFits:
            return None

    under_loose, under_tight = cost(loose), cost(tight)
    if under_tight is not None:
        assert under_loose is not None
        assert under_tight <= under_loose
        assert under_tight <= tight


@given(market=markets, text=texts, budget=money)
def test_the_worst_case_never_breaks_the_budget(
    market: list[Candidate], text: str, budget: Decimal
) -> None:
    budget_usd = budget / 1_000
    try:
        decision = decide(question(text, budget_usd=budget_usd), market)
    except NoCandidateFits:
        return
    assert decision.worst_case_usd is not None
    assert decision.worst_case_usd <= budget_usd
    assert decision.max_completion_tokens >= 1


@given(market=markets, text=texts, dial=dials)
@settings(max_examples=50)
def test_what_is_decided_can_be_kept_and_read_again(
    market: list[Candidate], text: str, dial: float
) -> None:
    decision = decide(question(text, policy=DEFAULT.turned_to(dial)), market)
    assert Decision.from_json(decision.to_json()) == decision


@given(market=markets, text=texts)
def test_a_decision_adds_up(market: list[Candidate], text: str) -> None:
    decision = decide(question(text), market)
    assert decision.candidates[0].slug == decision.slug
    assert len(decision.models) == len(set(decision.models)) <= 3
    assert sum(decision.parts.values()) == pytest.approx(decision.score, abs=0.001)
    scores = [contender.score for contender in decision.candidates]
    assert scores == sorted(scores, reverse=True)
    shown = {contender.slug for contender in decision.candidates}
    assert set(decision.models) <= shown
    assert decision.expected_usd is not None
    assert decision.worst_case_usd is not None
    assert decision.expected_usd <= decision.worst_case_usd


# --- Constraints: each keeps out whom it should, and is named when nobody is left ---

Change = dict[str, Any]
CONSTRAINTS: dict[str, tuple[Change, Change]] = {
    "unavailable": ({"bar": "unavailable"}, {}),
    "batch": ({"bar": "batch"}, {}),
    "router": ({"bar": "router"}, {}),
    "alias": ({"bar": "alias"}, {}),
    "no_text_output": ({"bar": "no_text_output"}, {}),
    "special_purpose": ({"bar": "special_purpose"}, {}),
    "unknown_price": ({"bar": "unknown_price", "prices": Prices(None, None)}, {}),
    "free_tier": ({"bar": "free_tier", "prices": prices("0", "0")}, {}),
    "expired": ({"expires_on": TODAY}, {}),
    "not_allowed": ({}, {"policy": Policy(excluded=frozenset({"acme/model"}))}),
    "image": ({}, {"needs": frozenset({"image"})}),
    "file": ({}, {"needs": frozenset({"file"})}),
    "audio": ({}, {"needs": frozenset({"audio"})}),
    "tools": ({}, {"needs": frozenset({"tools"})}),
    "need": ({}, {"needs": frozenset({"smell"})}),
    "context": ({"context_tokens": 4_096}, {"history_tokens": 4_000}),
    "answer_room": ({"answer_tokens": 200}, {"text": "Explain in detail how a heat pump works"}),
    "price_cap": ({}, {"policy": Policy(price_cap_usd=Decimal("0.0000001"))}),
    "budget": ({}, {"budget_usd": Decimal("0.0000001")}),
}


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_each_constraint_is_named_when_it_leaves_nobody(constraint: str) -> None:
    facts, bounds = CONSTRAINTS[constraint]
    with pytest.raises(NoCandidateFits) as refusal:
        decide(question(**bounds), [candidate("acme/model", **facts)])
    assert refusal.value.constraint == constraint
    assert refusal.value.message.endswith(".")


@pytest.mark.parametrize("constraint", set(CONSTRAINTS) - {"not_allowed"})
def test_each_constraint_is_counted_when_others_are_left(constraint: str) -> None:
    facts, bounds = CONSTRAINTS[constraint]
    offers = frozenset({"text", "image", "file", "audio", "smell"})
    fits: Change = {"inputs": offers, "tools": True, "prices": prices("0.000001", "0.000001")}
    market = [candidate("acme/model", **facts), candidate("other/fits", **fits)]
    decision = decide(question(**bounds), market)
    assert decision.slug == "other/fits"
    assert decision.rejected == {constraint: 1}
    assert decision.fallbacks == ()


def test_the_constraint_named_is_the_nearest_to_a_choice() -> None:
    market = [candidate("a/blind"), candidate("b/sees", inputs=SEES), candidate("c/x", bar="batch")]
    asked = question(
        needs=frozenset({"image"}), policy=Policy(price_cap_usd=Decimal("0.000000001"))
    )
    with pytest.raises(NoCandidateFits, match="cost more") as refusal:
        decide(asked, market)
    assert refusal.value.constraint == "price_cap"


def test_an_empty_catalogue_is_said_to_be_empty() -> None:
    with pytest.raises(NoCandidateFits, match="sync_models"):
        decide(question(), [])


def test_only_those_allowed_are_chosen() -> None:
    policy = Policy(allowed=frozenset({"third", "junk/tiny-1b"}))
    decision = decide(question(policy=policy), MARKET)
    assert set(decision.models) <= {"third/middle", "third/strong-max", "junk/tiny-1b"}


def test_free_models_are_chosen_only_where_the_policy_says_so() -> None:
    free = candidate("acme/gratis", ability=0.8, prices=prices("0", "0"), bar="free_tier")
    paid = candidate("acme/paid", ability=0.8)
    assert decide(question(), [free, paid]).slug == "acme/paid"
    allowed = question(policy=Policy(allow_free=True))
    assert decide(allowed, [free, paid]).slug == "acme/gratis"


def test_a_model_is_retired_on_its_day_and_not_before() -> None:
    tomorrow = candidate("acme/old", expires_on=TODAY + dt.timedelta(days=1))
    assert decide(question(), [tomorrow]).slug == "acme/old"


def test_a_model_that_names_no_context_is_trusted_with_a_short_talk_only() -> None:
    unknown = candidate("acme/model", context_tokens=None)
    assert decide(question(), [unknown]).slug == "acme/model"
    with pytest.raises(NoCandidateFits) as refusal:
        decide(question(history_tokens=20_000), [unknown])
    assert refusal.value.constraint == "context"


# --- Fallbacks, room, thinking, cost ---


def test_fallbacks_are_of_other_authors_where_there_are_any() -> None:
    market = [candidate(f"acme/model-{n}", ability=0.80 + n / 100) for n in range(5)]
    market += [candidate("umbra/one", ability=0.6), candidate("third/one", ability=0.5)]
    decision = decide(question(), market)
    assert decision.slug.startswith("acme/")
    assert decision.fallbacks == ("umbra/one", "third/one")


def test_one_author_alone_still_gives_fallbacks() -> None:
    market = [candidate(f"acme/model-{n}", ability=0.8) for n in range(4)]
    assert len(decide(question(), market).fallbacks) == 2


def test_a_fallback_must_take_the_answer_that_the_choice_may_write() -> None:
    best = candidate("acme/best", ability=0.9)
    short = candidate("umbra/short", ability=0.85, answer_tokens=2_000)
    decision = decide(question(max_completion_tokens=4_000), [best, short])
    assert (decision.slug, decision.fallbacks) == ("acme/best", ())
    assert decide(question(max_completion_tokens=2_000), [best, short]).fallbacks == (short.slug,)


def test_the_worst_case_covers_the_dearest_that_may_answer() -> None:
    cheap = candidate("acme/cheap", ability=0.9, prices=prices("1", "2"))
    dear = candidate("umbra/dear", ability=0.9, prices=prices("5", "50"))
    decision = decide(question(max_completion_tokens=1_000), [cheap, dear])
    assert decision.models == ("acme/cheap", "umbra/dear")
    worst = dear.prices.cost_usd(question().prompt.ceiling_tokens, 1_000)
    assert decision.worst_case_usd == worst


@pytest.mark.parametrize(
    ("facts", "room"),
    [({}, 4_000), ({"answer_tokens": 2_500}, 2_500), ({"context_tokens": 3_000}, None)],
)
def test_the_room_for_the_answer_is_what_was_asked_for_within_the_limits(
    facts: Change, room: int | None
) -> None:
    decision = decide(question(max_completion_tokens=4_000), [candidate("a/b", **facts)])
    expected = 3_000 - question().prompt.ceiling_tokens if room is None else room
    assert decision.max_completion_tokens == expected


def test_a_small_budget_shortens_the_answer_before_it_refuses() -> None:
    market = [candidate("a/b", prices=prices("1", "10"))]
    ample = decide(question(budget_usd=Decimal("10")), market)
    small = decide(question(budget_usd=Decimal("0.02")), market)
    assert ample.max_completion_tokens == 4_000
    assert small.answer_tokens <= small.max_completion_tokens < 2_000


@pytest.mark.parametrize(
    ("text", "reasoning", "effort"),
    [
        (PROMPTS[-1], Reasoning(), None),
        (PROMPTS[-1], THINKS, "high"),
        (PROMPTS[-1], Reasoning(supported=True), "high"),
        (PROMPTS[-1], Reasoning(supported=True, efforts=("medium", "low")), None),
        (PROMPTS[2], THINKS, None),
        ("hi", THINKS, "low"),
        ("hi", Reasoning(supported=True, mandatory=True), "low"),
        ("hi", Reasoning(supported=True, mandatory=True, efforts=("high", "minimal")), "minimal"),
        ("hi", Reasoning(supported=True, default_enabled=False), None),
        ("hi", Reasoning(supported=True), None),
    ],
)
def test_effort_follows_the_prompt_and_what_the_model_takes(
    text: str, reasoning: Reasoning, effort: str | None
) -> None:
    market = [candidate("a/b", reasoning=reasoning)]
    assert decide(question(text, max_completion_tokens=9_000), market).effort == effort


def test_thinking_is_part_of_the_expected_cost() -> None:
    plain, thinker = candidate("a/plain"), candidate("b/thinks", reasoning=THINKS)
    costs = [decide(question(PROMPTS[-1]), [each]).expected_usd for each in (plain, thinker)]
    assert costs[0] is not None
    assert costs[1] is not None
    assert costs[1] > costs[0]


def test_a_long_prompt_is_weighed_at_the_price_of_its_tier() -> None:
    tiered = candidate(
        "a/tiered", prices=with_tier(prices("1", "4"), 50_000, "9", "9"), context_tokens=10**6
    )
    flat = candidate("b/flat", prices=prices("2", "5"), context_tokens=10**6)
    assert decide(question(), [tiered, flat]).slug == "a/tiered"
    assert decide(question(history_tokens=60_000), [tiered, flat]).slug == "b/flat"


def test_other_odds_can_take_the_place_of_the_prior() -> None:
    def reversed_odds(prompt: Prompt) -> Callable[[Candidate], float]:
        usual = prior_odds(prompt)
        return lambda each: 1 - usual(each)

    market = [candidate("a/able", ability=0.9), candidate("b/unable", ability=0.1)]
    assert decide(question(), market).slug == "a/able"
    assert decide(question(), market, odds=reversed_odds).slug == "b/unable"


@pytest.mark.parametrize("dial", [-0.1, 10.1, float("nan")])
def test_the_dial_ends_at_its_ends(dial: float) -> None:
    with pytest.raises(ValueError, match="dial"):
        Policy(dial=dial)


def test_a_policy_cannot_ask_for_more_fallbacks_than_openrouter_takes() -> None:
    with pytest.raises(ValueError, match="three"):
        Policy(fallbacks=3)
