"""Deciding the past again: what is summed, what is left out, and that nothing is made up."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from routing.abilities import prior_odds
from routing.candidates import Candidate
from routing.decision import Decision
from routing.policies import DEFAULT, Policy
from routing.prompts import Prompt, read_prompt
from routing.replay import (
    CHEAPEST,
    HAPPENED,
    POLICY,
    STRONGEST,
    Line,
    Market,
    PastTurn,
    Replay,
    Report,
)
from routing.replay_tables import as_json, notes, tables, total_text
from routing.weighing import decide, decide_pinned
from tests.routing.factories import MARKET, TODAY, candidate, prices, question

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
CHEAP = candidate("acme/cheap", ability=0.4, prices=prices("0.1", "0.4"))
DEAR = candidate("umbra/dear", ability=0.95, prices=prices("10", "40"))
TWO = (CHEAP, DEAR)


def reread(turn: PastTurn, _: Decision) -> Prompt:
    return read_prompt(turn.text)


def market_of(*candidates: Candidate) -> Market:
    return Market(candidates, prior_odds, reread, TODAY, 4_000)


def decided(text: str = "What is the capital of France?", **asked: Any) -> Decision:
    market = asked.pop("market", TWO)
    return decide(question(text, **asked), market)


def turn(decision: Decision | None = None, **facts: Any) -> PastTurn:
    known: dict[str, Any] = {
        "text": "What is the capital of France?",
        "at": NOON,
        "decision": (decision or decided()).to_json(),
        "served_model": "",
        "prompt_tokens": 1_000_000,
        "completion_tokens": 500_000,
        "billed_usd": Decimal("0.29"),
    }
    return PastTurn(**(known | facts))


def replayed(*turns: PastTurn, policy: Policy = DEFAULT, market: Market | None = None) -> Report:
    again = Replay(policy, market or market_of(*TWO))
    for each in turns:
        again.see(each)
    return again.report()


def line(report: Report, key: str) -> Line:
    return next(each for each in report.lines if each.key == key)


def test_the_same_policy_changes_nothing_and_costs_the_same() -> None:
    report = replayed(turn(), turn())
    happened, again = line(report, HAPPENED), line(report, POLICY)
    assert (again.cost_usd, again.quality, again.mix) == (
        happened.cost_usd,
        happened.quality,
        happened.mix,
    )
    assert again.changed == 0
    assert report.changes == ()


def test_costs_are_for_the_tokens_really_used() -> None:
    report = replayed(turn(), policy=Policy(allowed=frozenset({"umbra"})))
    assert line(report, HAPPENED).cost_usd == Decimal("0.3")  # 1 M in at $0.1, half out at $0.4
    assert line(report, POLICY).cost_usd == Decimal("30")
    assert line(report, POLICY).mix == (("umbra/dear", 1),)
    (change,) = report.changes
    assert (change.before, change.after, change.count) == ("acme/cheap", "umbra/dear", 1)
    assert change.extra_usd == Decimal("29.7")
    assert change.extra_quality is not None
    assert change.extra_quality > 0


def test_the_price_of_the_time_counts_and_not_the_catalogues() -> None:
    dearer_now = replace(CHEAP, prices=prices("1", "4"))
    report = replayed(turn(), market=market_of(dearer_now, DEAR))
    assert line(report, HAPPENED).cost_usd == Decimal("0.3")


def test_the_baselines_take_one_model_for_all() -> None:
    report = replayed(turn(), turn())
    strongest, cheapest = line(report, STRONGEST), line(report, CHEAPEST)
    assert (strongest.model, strongest.cost_usd) == ("umbra/dear", Decimal(60))
    assert (cheapest.model, cheapest.cost_usd) == ("acme/cheap", Decimal("0.6"))
    assert strongest.quality is not None
    assert cheapest.quality is not None
    assert strongest.quality > cheapest.quality
    assert strongest.changed == 2


def test_a_baseline_that_could_not_have_taken_all_is_passed_over() -> None:
    tiny = candidate("junk/tiny", ability=0.2, prices=prices("0.001", "0.001"), context_tokens=10)
    report = replayed(turn(), market=market_of(*TWO, tiny))
    assert line(report, CHEAPEST).model == "acme/cheap"


def test_what_is_not_known_is_counted_and_never_zero() -> None:
    unpriced = replace(decided(), slug="gone/model", candidates=())
    report = replayed(
        turn(),
        turn(prompt_tokens=None),
        turn(unpriced, served_model="gone/model"),
        turn(billed_usd=None),
    )
    assert report.judged == 4
    assert report.costed == 2
    assert report.uncosted == {"price": 1, "tokens": 1}
    assert report.rated == 3
    assert report.unbilled == 1
    said = " ".join(notes(report))
    assert "1 whose tokens are not known" in said
    assert "1 of models without a known price" in said
    assert "1 without a bill yet" in said


def test_without_any_cost_the_cost_is_unknown() -> None:
    report = replayed(turn(completion_tokens=None))
    assert {each.cost_usd for each in report.lines} == {None}
    assert "unknown" in tables(report)[0].rows[0]


def test_pinned_and_unreadable_decisions_are_left_out_and_said() -> None:
    pinned = decide_pinned(question(), DEAR)
    unreadable: list[dict[str, Any]] = [{"v": 0}, {"slug": []}]
    broken = [replace(turn(), decision=stored) for stored in unreadable]
    report = replayed(turn(pinned), *broken, turn())
    assert report.judged == 1
    assert report.left_out == {"pinned": 1, "unreadable": 2}
    assert "1 of models that people had chosen themselves" in notes(report)[1]


def test_a_policy_that_finds_no_model_has_refused() -> None:
    report = replayed(turn(), policy=Policy(price_cap_usd=Decimal("0.00000001")))
    assert report.refused == {"price_cap": 1}
    assert report.lines == ()
    assert tables(report) == []
    assert "would have refused 1" in " ".join(notes(report))


def test_the_model_that_stepped_in_is_what_happened() -> None:
    stood_in = decided(policy=Policy(allowed=frozenset({"umbra", "acme"})))
    report = replayed(turn(stood_in, served_model="umbra/dear"))
    assert line(report, HAPPENED).mix == (("umbra/dear", 1),)
    assert line(report, HAPPENED).cost_usd == Decimal(30)


def test_a_dial_that_a_person_had_turned_stays_there() -> None:
    market = replace(market_of(*MARKET), dials={(DEFAULT.name, DEFAULT.version): DEFAULT.dial})
    text = "Compare two designs for our billing service and plan the migration"
    turned = decided(text, market=MARKET, policy=DEFAULT.turned_to(10))
    report = replayed(turn(turned, text=text), market=market)
    assert line(report, POLICY).changed == 0
    held = replayed(turn(turned, text=text), market=market, policy=Policy(dial_most=5))
    assert line(held, POLICY).changed == 1


def test_nothing_to_replay_is_said() -> None:
    report = replayed()
    assert notes(report) == ["There is no answer to replay in this time."]
    assert as_json(report)["ways"] == []


def test_a_replay_comes_out_the_same_twice_and_as_json() -> None:
    turns = [turn(decided(market=MARKET)), turn(), turn(text="Prove that there are many primes")]
    first, second = (replayed(*turns, market=market_of(*MARKET)) for _ in range(2))
    assert first == second
    told = json.loads(json.dumps(as_json(first)))
    assert [way["way"] for way in told["ways"]] == [HAPPENED, POLICY, STRONGEST, CHEAPEST]
    assert isinstance(told["ways"][0]["cost_usd"], str)


def test_sums_are_written_as_people_compare_them() -> None:
    shown = {
        None: "unknown",
        Decimal(0): "$0",
        Decimal("1234.5"): "$1,234.50",
        Decimal("1.23456"): "$1.235",
        Decimal("0.00012345"): "$0.0001234",
        Decimal("-0.5"): "-$0.5000",
    }
    assert {amount: total_text(amount) for amount in shown} == shown
