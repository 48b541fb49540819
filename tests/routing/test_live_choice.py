"""What votes, own measurements and a warm cache do to a choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from routing.candidates import Candidate
from routing.decision import Decision
from routing.evidence import Ladder, Tally, shifts
from routing.live import FRESH_S, STALE_S, Live, Warm
from routing.live_figures import Board, Figures, Observed, figures_of, with_figures
from routing.policies import DEFAULT
from routing.receipts import receipt
from routing.weighing import decide
from tests.routing.factories import MARKET, candidate, prices, question

HARD = "Prove that every bounded monotone sequence converges, step by step, and derive the limit"


def choose(
    live: Live, candidates: tuple[Candidate, ...] = MARKET, text: str = HARD, **asked: Any
) -> Decision:
    return decide(replace(question(text, **asked), live=live), candidates)


def of(decision: Decision, slug: str) -> Any:
    return next(each for each in decision.candidates if each.slug == slug)


# --- Votes ---


def voted(slug: str, tally: Tally) -> Live:
    """Somebody's votes on one model, for prompts of mathematics."""
    return Live("maths", shifts({"maths": {slug: tally}}, "maths", Ladder.of(MARKET)))


def test_votes_move_the_odds_and_thirty_of_them_the_choice() -> None:
    plain = choose(Live())
    moved = choose(voted(plain.slug, Tally(0, 30, 27)))
    assert moved.slug != plain.slug
    assert moved.live["votes"]["instead_of"] == plain.slug
    assert Decision.from_json(moved.to_json()) == moved


def test_one_vote_does_not_move_the_choice() -> None:
    plain = choose(Live())
    moved = choose(voted(plain.slug, Tally(0, 1, 0.9)))
    assert moved.slug == plain.slug
    assert "instead_of" not in moved.live["votes"]
    assert of(moved, plain.slug).odds < of(plain, plain.slug).odds
    assert of(moved, plain.slug).shift < 0


def test_who_would_have_been_chosen_without_votes_is_who_is_chosen_without() -> None:
    plain = choose(Live())
    for slug in (each.slug for each in MARKET):
        for tally in (Tally(30, 0, 12), Tally(0, 30, 20), Tally(2, 3, 4)):
            moved = choose(voted(slug, tally))
            assert moved.live["votes"].get("instead_of", moved.slug) == plain.slug


def test_without_votes_nothing_is_said_of_them() -> None:
    assert choose(Live()).live == {}


# --- Own measurements ---


def failing(count: int) -> Figures:
    board = Board().plus([Observed("m", "p", 100.0, failed=True)] * count, now=100.0)
    return board.by_model()["m"]


def test_a_model_whose_calls_fail_loses_the_choice_and_the_decision_says_so() -> None:
    plain = choose(Live())
    market = tuple(
        with_figures(each, failing(20)) if each.slug == plain.slug else each for each in MARKET
    )
    moved = choose(Live(), market)
    assert moved.slug != plain.slug
    assert moved.live["figures"]["instead_of"] == plain.slug
    assert moved.live["figures"]["other"]["failures"] > 0.5


def test_one_failure_among_many_calls_changes_no_choice() -> None:
    plain = choose(Live())
    calls = [Observed("m", "p", 100.0, failed=number == 0) for number in range(60)]
    figures = Board().plus(calls, now=100.0).by_model()["m"]
    market = tuple(
        with_figures(each, figures) if each.slug == plain.slug else each for each in MARKET
    )
    assert choose(Live(), market).slug == plain.slug


def test_of_two_equal_models_the_one_seen_to_be_quicker_answers() -> None:
    twins = candidate("acme/twin"), candidate("umbra/twin")
    slow = Board().plus([Observed("m", "p", 1.0, False, 9.0, 500, 50.0)] * 20, now=1.0)
    seen = (with_figures(twins[0], slow.by_model()["m"]), twins[1])
    assert choose(Live(), twins).slug == "acme/twin"
    chosen = choose(Live(), seen)
    assert chosen.slug == "umbra/twin"
    assert chosen.live["figures"]["instead_of"] == "acme/twin"


def test_few_calls_say_little_and_old_ones_less() -> None:
    plain = candidate(tokens_per_s=50.0)
    call = Observed("m", "p", 0.0, failed=True, first_token_s=5.0, tokens=1_000, seconds=100.0)
    fresh = with_figures(plain, figures_of(call))
    old = with_figures(plain, figures_of(call).aged(86_400.0))
    often = with_figures(plain, Board().plus([call] * 50, now=0.0).by_model()["m"])
    assert 10 < often.tokens_per_s < fresh.tokens_per_s < old.tokens_per_s < 50
    assert often.reliability < fresh.reliability < old.reliability <= 1
    assert plain.first_token_s < old.first_token_s < fresh.first_token_s < often.first_token_s


def test_figures_that_came_apart_are_added_whatever_their_order() -> None:
    one = Observed("m", "p", 10.0, True, 1.0, 100, 2.0)
    two = Observed("m", "q", 5_000.0, False, 3.0, 300, 3.0)
    ahead = Board().plus([one], now=10.0).plus([two], now=6_000.0).by_model()["m"]
    behind = Board().plus([two], now=5_000.0).plus([one], now=6_000.0).by_model()["m"]
    assert ahead.wait_s == pytest.approx(behind.wait_s)
    assert ahead.failures == pytest.approx(behind.failures)


@pytest.mark.parametrize(
    "strange", [Observed("m", "", 0.0, False, float("nan"), 50, 0.0),
                Observed("m", "", 0.0, False, -1.0, None, None),
                Observed("m", "", 0.0, False, None, 10**9, 1e-9)]
)  # fmt: skip
def test_strange_figures_do_no_harm(strange: Observed) -> None:
    seen = with_figures(candidate(), Board().plus([strange], now=1.0).by_model()["m"])
    assert seen.tokens_per_s > 0
    assert 0 <= seen.first_token_s < 1


def test_what_has_faded_away_is_dropped() -> None:
    board = Board().plus([Observed("m", "p", 0.0, failed=False)], now=0.0)
    assert board.rows
    assert not board.plus([], now=30 * 86_400.0).rows


# --- A warm cache ---


CACHED = (
    candidate("acme/holds", prices=prices("2", "4"), cache_read_usd=Decimal("0.0000002")),
    candidate("umbra/other", prices=prices("1.9", "3.9")),
)


def warm(age_s: float = 10, tokens: int = 20_000, model: str = "acme/holds") -> Live:
    return Live(warm=Warm(model, tokens, age_s))


def long_talk(live: Live, candidates: tuple[Candidate, ...] = CACHED) -> Decision:
    return choose(live, candidates, "And what follows from that?", history_tokens=20_000)


def test_a_long_and_fresh_conversation_stays_with_its_model() -> None:
    assert long_talk(Live()).slug == "umbra/other"
    stays = long_talk(warm())
    assert stays.slug == "acme/holds"
    told: Mapping[str, Any] = stays.live["warm"]
    assert told["stayed"]
    assert 0 < told["ahead_cents"] < told["saved_cents"]
    assert (
        of(stays, "acme/holds").parts["thrift"]
        > of(long_talk(Live()), "acme/holds").parts["thrift"]
    )


@pytest.mark.parametrize(
    "cold",
    [warm(STALE_S), warm(tokens=1_000), warm(age_s=-5), warm(model="nobody/here"),
     warm(model="umbra/other")],
)  # fmt: skip
def test_an_old_or_short_conversation_or_one_without_a_price_saves_nothing(cold: Live) -> None:
    decision = long_talk(cold)
    assert decision.slug == "umbra/other"
    assert "warm" not in decision.live


def test_a_cache_fades_as_it_ages() -> None:
    likely = [Warm("m", 10_000, age).likely_tokens for age in (0, FRESH_S, 450, STALE_S, 10**9)]
    assert likely[0] == likely[1] > likely[2] > likely[3] == likely[4] == 0


def test_a_switch_that_pays_names_its_break_even() -> None:
    market = (CACHED[0], candidate("umbra/other", prices=prices("0.1", "0.4")))
    decision = long_talk(warm(), market)
    assert decision.slug == "umbra/other"
    assert not decision.live["warm"]["stayed"]
    assert decision.live["warm"]["ahead_cents"] > decision.live["warm"]["saved_cents"]


# --- Exploring ---

EXPLORING = replace(DEFAULT, explores=True)
TWINS = tuple(candidate(f"maker{number}/twin") for number in range(5))


def test_only_a_policy_that_explores_does() -> None:
    assert {choose(Live(seed=seed), TWINS).slug for seed in range(200)} == {"maker0/twin"}


def test_exploring_is_seldom_and_follows_from_the_seed() -> None:
    chosen = [choose(Live(seed=seed), TWINS, policy=EXPLORING) for seed in range(200)]
    tried = [each for each in chosen if each.slug != "maker0/twin"]
    assert 5 < len(tried) < 40
    assert {each.slug for each in tried} > {"maker1/twin", "maker4/twin"}
    assert all("tried_before" in each.live for each in tried)
    again = [choose(Live(seed=seed), TWINS[::-1], policy=EXPLORING).slug for seed in range(200)]
    assert [each.slug for each in chosen] == again


def test_who_is_worse_or_known_already_is_not_tried() -> None:
    known = with_figures(TWINS[1], failing(1))
    worse = candidate("maker2/worse", ability=0.3)
    live = [Live(seed=seed, voted=frozenset({"maker3/twin"})) for seed in range(200)]
    market = (TWINS[0], known, worse, TWINS[3])
    chosen = {choose(each, market, policy=EXPLORING).slug for each in live}
    assert chosen == {"maker0/twin"}


# --- In words ---


def lines(decision: Decision) -> str:
    paper = receipt(
        decision.to_json(), served_model=None, prompt_tokens=None, completion_tokens=None
    )
    return "\n".join(paper.live_lines)


def test_the_receipt_says_in_a_line_each_what_moved_the_choice() -> None:
    plain = choose(Live())
    voted = lines(choose(Live("maths", {plain.slug: -2.0})))
    assert voted.startswith("Your votes moved the choice (this is mathematics): without them")
    assert "\n" not in voted
    assert lines(choose(Live("maths", {plain.slug: -0.01}))) == ""
    assert "would have to be worth $0.0" in lines(long_talk(warm()))
    tried = [choose(Live(seed=seed), TWINS, policy=EXPLORING) for seed in range(200)]
    assert any("Tried for once" in lines(each) for each in tried)


def test_the_receipt_names_the_share_of_calls_that_failed() -> None:
    plain = choose(Live())
    market = tuple(
        with_figures(each, failing(20)) if each.slug == plain.slug else each for each in MARKET
    )
    assert "failed in 67% of them" in lines(choose(Live(), market))


def test_a_switch_that_pays_says_what_it_gives_up() -> None:
    market = (CACHED[0], candidate("umbra/other", prices=prices("0.1", "0.4")))
    said = lines(long_talk(warm(), market))
    assert said.startswith("Leaving acme/holds gives up about $0.02")
    assert "even so" in said
