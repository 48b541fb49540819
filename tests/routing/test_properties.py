"""What holds whatever the market, the policy and the prompt (issue 4, "Done means" 5)."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from routing.artefacts import the_predictor
from routing.candidates import Candidate, Skills
from routing.constraints import NoCandidateFits
from routing.decision import Decision
from routing.learned import LearnedOdds, Roster, with_reading
from routing.policies import Policy
from routing.prices import Prices
from routing.weighing import Question, decide
from tests.routing.factories import THINKS, TODAY, candidate, prices, question

PROMPTS = (
    "hi",
    "What is the capital of France?",
    "Write a Python function that reverses a linked list",
    "Compare the trade-offs of two designs and plan the migration in detail",
    "Prove rigorously that there are infinitely many primes, and derive a bound",
)
MORE = settings(max_examples=150, deadline=None)
abilities = st.floats(0.05, 0.97)
dials = st.floats(0, 10)
money = st.decimals("0.01", "100", places=3)
texts = st.sampled_from(PROMPTS)


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    author, number = draw(st.sampled_from("abcd")), draw(st.integers(0, 5_000))
    return candidate(
        f"{author}/model-{number}",
        skills=Skills(draw(abilities), draw(abilities), draw(abilities), draw(abilities)),
        prices=prices(str(draw(money)), str(draw(money))),
        context_tokens=draw(st.sampled_from([8_192, 128_000, 1_000_000, None])),
        reasoning=draw(st.sampled_from([THINKS, candidate().reasoning])),
        tokens_per_s=draw(st.floats(20, 300)),
        created=draw(st.dates(dt.date(2024, 1, 1), TODAY)),
    )


markets = st.lists(candidates(), min_size=1, max_size=10, unique_by=lambda each: each.slug)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Floors, ceilings and pools in all mixtures; the dial is set by each test."""
    authors = st.frozensets(st.sampled_from(["a", "b/*", "c", "*-1*"]), max_size=2)
    return Policy(
        quality_floor=draw(st.sampled_from([0.0, 0.5, 0.9, 0.99])),
        price_cap_usd=draw(st.none() | money.map(lambda usd: usd / 100)),
        allowed=draw(authors),
        excluded=draw(st.frozensets(st.sampled_from(["d", "*-9*"]), max_size=1)),
        fallbacks=draw(st.integers(0, 2)),
    )


def asked(text: str, policy: Policy, budget_usd: Decimal | None = None) -> Question:
    return question(text, policy=policy, budget_usd=budget_usd)


def chosen(question: Question, market: list[Candidate]) -> Decision | None:
    """The decision, or None where nobody fits."""
    try:
        return decide(question, market)
    except NoCandidateFits:
        return None


def quality_of(decision: Decision) -> float:
    """The predicted chance of a good answer of the choice, which comes first."""
    odds = decision.candidates[0].odds
    assert decision.candidates[0].slug == decision.slug
    assert odds is not None
    return odds


@MORE
@given(market=markets, text=texts, dial=dials, policy=policies(), data=st.data())
def test_a_dearer_model_that_is_no_better_in_anything_is_never_chosen(
    market: list[Candidate], text: str, dial: float, policy: Policy, data: st.DataObject
) -> None:
    """Whoever wins, a copy of it that costs more and is worse or equal elsewhere does not."""
    before = chosen(asked(text, policy.turned_to(dial)), market)
    assume(before is not None)
    assert before is not None
    winner = next(each for each in market if each.slug == before.slug)
    loss = st.floats(0, 0.5)
    dearer = replace(
        winner,
        slug=f"{winner.author}/aaa-first-by-name",
        skills=Skills(*(max(0.01, skill - data.draw(loss)) for skill in winner.skills)),
        prices=_raised(winner.prices, data.draw(st.decimals("1.001", "50", places=3))),
        tokens_per_s=winner.tokens_per_s * (1 - data.draw(loss)),
        created=(winner.created or TODAY) - dt.timedelta(days=data.draw(st.integers(0, 900))),
    )
    after = chosen(asked(text, policy.turned_to(dial)), [dearer, *market])
    assert after is not None
    assert after.slug != dearer.slug


def _raised(before: Prices, times: Decimal) -> Prices:
    prompt, completion = before.prompt_usd, before.completion_usd
    assert prompt is not None
    assert completion is not None
    return Prices(prompt * times, completion * times)


@MORE
@given(market=markets, text=texts, low=dials, high=dials, policy=policies())
def test_raising_the_dial_never_lowers_predicted_quality(
    market: list[Candidate], text: str, low: float, high: float, policy: Policy
) -> None:
    thrifty, better = (
        chosen(asked(text, policy.turned_to(dial)), market) for dial in sorted((low, high))
    )
    assert (thrifty is None) == (better is None)
    if thrifty is not None and better is not None:
        assert quality_of(better) >= quality_of(thrifty) - 1e-4  # receipts round to four digits


@MORE
@given(market=markets, text=texts, dial=dials, policy=policies(), budgets=st.tuples(money, money))
def test_tightening_a_budget_never_raises_expected_cost(
    market: list[Candidate],
    text: str,
    dial: float,
    policy: Policy,
    budgets: tuple[Decimal, Decimal],
) -> None:
    tight, loose = (
        chosen(asked(text, policy.turned_to(dial), budget_usd=budget / 1_000), market)
        for budget in sorted(budgets)
    )
    if tight is None:
        return
    assert loose is not None
    assert tight.expected_usd is not None
    assert loose.expected_usd is not None
    assert tight.expected_usd <= loose.expected_usd


@MORE
@given(market=markets, text=texts, dial=dials, policy=policies(), caps=st.tuples(money, money))
def test_lowering_the_ceiling_of_an_answer_never_raises_expected_cost(
    market: list[Candidate], text: str, dial: float, policy: Policy, caps: tuple[Decimal, Decimal]
) -> None:
    tight, loose = (
        chosen(asked(text, replace(policy.turned_to(dial), price_cap_usd=cap / 1_000)), market)
        for cap in sorted(caps)
    )
    if tight is None:
        return
    assert loose is not None
    assert tight.expected_usd is not None
    assert loose.expected_usd is not None
    assert tight.expected_usd <= loose.expected_usd


@MORE
@given(
    market=markets,
    text=texts,
    dial=dials,
    policy=policies(),
    seed=st.randoms(use_true_random=False),
)
def test_the_order_of_candidates_does_not_matter(
    market: list[Candidate], text: str, dial: float, policy: Policy, seed: random.Random
) -> None:
    shuffled = list(market)
    seed.shuffle(shuffled)
    question = asked(text, policy.turned_to(dial))
    assert chosen(question, market) == chosen(question, shuffled)


@settings(max_examples=40, deadline=None)
@given(market=markets, text=texts, low=dials, high=dials, seed=st.randoms(use_true_random=False))
def test_the_same_holds_with_the_learned_odds(
    market: list[Candidate], text: str, low: float, high: float, seed: random.Random
) -> None:
    """Order and dial, with the artefact that ships."""
    predictor = the_predictor()
    assert predictor is not None
    shuffled = list(market)
    seed.shuffle(shuffled)
    found = []
    for dial, pool in ((min(low, high), market), (max(low, high), market), (low, shuffled)):
        plain = asked(text, Policy().turned_to(dial))
        learned = replace(plain, prompt=with_reading(plain.prompt, text, predictor))
        try:
            found.append(decide(learned, pool, LearnedOdds(Roster.of(predictor, pool))))
        except NoCandidateFits:
            return
    thrifty, better, other_order = found
    assert quality_of(better) >= quality_of(thrifty) - 1e-4
    same = thrifty if low <= high else better
    assert other_order.slug == same.slug
