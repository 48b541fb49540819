"""Votes become evidence: bounded, without content, and gone with their person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from routing import posterior
from routing.candidates import Skills
from routing.evidence import FARTHEST, LIKE, SURE, Ladder, Tallies, Tally, moved, shifts
from routing.evidence_memory import KNOWN_FOR_S, Memory
from routing.evidence_models import Evidence
from routing.live_figures import Board, Observed
from routing.live_shelf import live_shelf
from routing.posterior import MIDDLE_ABILITY, Learnt, Outcomes
from routing.predictor import MIDDLE, shared_odds
from routing.services import choose_model
from routing.shelf import shelf
from routing.sync import store_catalogue
from routing.votes import (
    MOST_IN_ALL,
    MOST_PER_MODEL,
    forget,
    predicted,
    record_comparison,
    record_regeneration,
    record_thumb,
)
from tests.routing.factories import candidate, info

pytestmark = pytest.mark.django_db
CODE = "Write a Python function that parses a CSV file, and fix the bug: def f(x): return"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="engine")


@pytest.fixture
def decision() -> dict[str, Any]:
    """A stored decision between two models about a prompt that demands code."""
    store_catalogue([info("acme/one"), info("umbra/two")], now=timezone.now())
    return choose_model(text=CODE, max_completion_tokens=4_000).to_json()


def only(user: User) -> Evidence:
    return Evidence.objects.get(user=user)


def test_a_thumb_counts_for_the_demand_and_the_model_that_answered(
    ada: User, decision: dict[str, Any]
) -> None:
    record_thumb(user_id=ada.pk, decision=decision, served_model="acme/one-20260501", value=1)
    kept = only(ada)
    assert (kept.demand, kept.model, kept.successes, kept.failures) == ("code", "acme/one", 1, 0)
    assert kept.expected == pytest.approx(predicted(decision, "acme/one"))


def test_a_thumb_that_is_turned_is_one_outcome_and_one_taken_back_is_none(
    ada: User, decision: dict[str, Any]
) -> None:
    vote: dict[str, Any] = {"user_id": ada.pk, "decision": decision, "served_model": "acme/one"}
    record_thumb(**vote, value=1)
    record_thumb(**vote, value=-1, instead_of=1)
    assert (only(ada).successes, only(ada).failures) == (0, 1)
    record_thumb(**vote, value=0, instead_of=-1)
    assert not Evidence.objects.exists()


def test_asking_another_model_says_more_than_asking_again(
    ada: User, decision: dict[str, Any]
) -> None:
    again: dict[str, Any] = {"user_id": ada.pk, "decision": decision, "served_model": "acme/one"}
    record_regeneration(**again, chosen_next_model=None)
    once = only(ada).failures
    record_regeneration(**again, chosen_next_model="umbra/two")
    assert only(ada).successes == 0
    assert 0 < once < only(ada).failures - once


def test_the_same_model_under_its_dated_name_is_no_other_model(
    ada: User, decision: dict[str, Any]
) -> None:
    for chosen in (None, "acme/one"):
        record_regeneration(
            user_id=ada.pk,
            decision=decision,
            served_model="acme/one-20260501",
            chosen_next_model=chosen,
        )
    assert only(ada).failures == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("winner", "good"), [("a", (1, 0)), ("b", (0, 1)), ("both", (1, 1)), ("neither", (0, 0))]
)
def test_a_comparison_speaks_of_both_models(
    ada: User, decision: dict[str, Any], winner: Any, good: tuple[int, int]
) -> None:
    record_comparison(
        user_id=ada.pk,
        decision_a=decision,
        model_a="acme/one",
        decision_b=decision,
        model_b="umbra/two",
        winner=winner,
    )
    rows = Evidence.objects.order_by("model")
    assert tuple(row.successes for row in rows) == good
    assert [row.tally.weight for row in rows] == [1, 1]


def test_evidence_is_bounded_by_model_and_by_person(ada: User, decision: dict[str, Any]) -> None:
    for _ in range(int(MOST_PER_MODEL) + 5):
        record_thumb(user_id=ada.pk, decision=decision, served_model="acme/one", value=1)
    assert only(ada).tally.weight == pytest.approx(MOST_PER_MODEL)
    for number in range(20):
        Evidence.objects.create(user=ada, demand="maths", model=f"m{number}", successes=30)
    record_thumb(user_id=ada.pk, decision=decision, served_model="acme/one", value=-1)
    assert Evidence.objects.of(ada.pk).total_weight() == pytest.approx(MOST_IN_ALL)


def test_evidence_goes_with_its_person_and_on_request(ada: User, decision: dict[str, Any]) -> None:
    other = User.objects.create_user("eve")
    for user in (ada, other):
        record_thumb(user_id=user.pk, decision=decision, served_model="acme/one", value=1)
    assert forget(user_id=ada.pk) == 1
    assert not Evidence.objects.of(ada.pk).exists()
    other.delete()
    assert not Evidence.objects.exists()


def test_evidence_has_no_place_for_content() -> None:
    texts = [f.name for f in Evidence._meta.fields if isinstance(f, models.CharField)]
    assert texts == ["demand", "model"]
    assert not any(isinstance(f, models.TextField) for f in Evidence._meta.fields)


@pytest.mark.parametrize("stored", [None, {}, {"signals": "x"}, {"candidates": [1], "v": 9}])
def test_a_decision_that_cannot_be_read_still_counts(
    ada: User, stored: dict[str, Any] | None
) -> None:
    record_thumb(user_id=ada.pk, decision=stored, served_model="nobody/knows", value=-1)
    assert (only(ada).demand, only(ada).model, only(ada).failures) == ("general", "nobody/knows", 1)


def test_a_vote_for_an_answer_of_nobody_is_no_evidence(ada: User) -> None:
    record_thumb(user_id=ada.pk, decision=None, served_model="", value=1)
    assert not Evidence.objects.exists()


def test_expectation_leaves_out_what_votes_had_moved(decision: dict[str, Any]) -> None:
    told = predicted(decision, "acme/one")
    [mine] = [each for each in decision["candidates"] if each["slug"] == "acme/one"]
    mine["shift"] = -1.0
    assert predicted(decision, "acme/one") > told


# --- Pure ---


LADDER = Ladder.of(
    [
        candidate("low/down", ability=0.3),
        candidate("umbra/less", ability=0.6),
        candidate("umbra/near", ability=0.72),
        candidate("acme/one", ability=0.75),
        candidate("acme/coder", skills=Skills(0.5, 0.9, 0.5, 0.5)),
    ]
)


def on_code(tally: Tally, model: str = "acme/one", demand: str = "code") -> Mapping[str, float]:
    return shifts({demand: {model: tally}}, "code", LADDER)


def test_one_vote_moves_little_and_thirty_as_far_as_they_deserve() -> None:
    once, often = on_code(Tally(0, 1, 0.8))["acme/one"], on_code(Tally(0, 30, 24))["acme/one"]
    assert -0.2 < once < 0
    assert -FARTHEST <= often < -0.8
    assert on_code(Tally(24, 6, 24)) == {}
    assert on_code(Tally()) == {}


def test_a_neighbour_of_a_model_that_disappoints_falls_with_it_but_less_far() -> None:
    fallen, raised = on_code(Tally(0, 30, 24)), on_code(Tally(30, 0, 18))
    assert fallen["acme/one"] < 2 * fallen["umbra/near"] < 2 * fallen["umbra/less"] < 0
    assert raised["acme/one"] > 2 * raised["umbra/near"] > 2 * raised["umbra/less"] > 0
    assert fallen["umbra/less"] < fallen.get("low/down", 0.0) <= 0


def test_a_weak_model_is_not_raised_by_a_strong_one_that_fails_alone() -> None:
    assert on_code(Tally(0, 30, 27), model="acme/coder").get("low/down", 0.0) == 0


def test_the_ladder_tilts_where_the_weak_do_as_well_as_the_strong() -> None:
    votes = {"code": {"low/down": Tally(12, 3, 6), "acme/coder": Tally(8, 7, 13)}}
    found = shifts(votes, "code", LADDER)
    assert found["low/down"] > 0 > found["umbra/near"] > found["acme/coder"]


def test_a_neighbour_is_one_who_is_as_able_at_what_was_demanded() -> None:
    other = {"writing": {"umbra/less": Tally(0, 30, 24)}}
    assert shifts(other, "writing", LADDER)["acme/coder"] < on_code(
        Tally(0, 30, 24), model="umbra/less"
    ).get("acme/coder", 0.0)


def test_a_tally_says_what_its_votes_say_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The posterior over every single vote, of prompts as unlike as those of one benchmark."""
    monkeypatch.setattr(posterior, "SCALES", (1.0,))  # a sum does not tell how votes scatter
    count = 30
    alike = np.full((count, count), LIKE, np.float32)
    np.fill_diagonal(alike, 1.0)
    usual = LADDER.abilities("code")
    able = usual - usual[LADDER.rows["acme/one"]] + MIDDLE_ABILITY
    told = Outcomes(
        models=["acme/one"] * count,
        abilities=np.full(count, MIDDLE_ABILITY, np.float32),
        residuals=np.array([-0.8] * 20 + [0.2] * 10, np.float32),
        weights=np.full(count, SURE, np.float32),
    )
    near = np.full((1, count), LIKE, np.float32)
    learnt = Learnt.of(told, alike)
    moves = (learnt.moves(list(LADDER.rows), able, near) - learnt.common(near))[0]
    found = on_code(Tally(10, 20, 24))
    for slug, odds in (("acme/one", 0.8), ("umbra/near", None)):
        row = LADDER.rows[slug]
        before = odds or float(shared_odds(usual, MIDDLE)[row])
        assert moved(before, found[slug]) - before == pytest.approx(float(moves[row]), abs=0.005)


def test_models_that_left_the_catalogue_move_nobody() -> None:
    assert on_code(Tally(0, 30, 24), model="gone/away") == {}
    kept = {"code": {"acme/one": Tally(0, 9, 7), "gone/away": Tally(0, 30, 24)}}
    assert shifts(kept, "code", LADDER) == on_code(Tally(0, 9, 7))


def test_evidence_of_hundreds_of_models_stays_bounded() -> None:
    many = Ladder.of([candidate(f"maker/{number:03}", ability=0.7) for number in range(400)])
    votes: Tallies = {
        demand: {f"maker/{number:03}": Tally(0, 1 + number / 100, 1) for number in range(400)}
        for demand in ("code", "maths")
    }
    found = shifts(votes, "code", many)
    assert all(abs(shift) <= FARTHEST for shift in found.values())


def test_outcomes_of_another_demand_count_a_little() -> None:
    here = on_code(Tally(0, 30, 24))["acme/one"]
    there = on_code(Tally(0, 30, 24), demand="maths")["acme/one"]
    assert here < there < 0


def test_votes_are_reckoned_once_until_they_change(ada: User, decision: dict[str, Any]) -> None:
    now = [0.0]
    memory, ladder = Memory(lambda: now[0]), shelf.snapshot().ladder
    vote: dict[str, Any] = {"user_id": ada.pk, "decision": decision, "served_model": "acme/one"}
    record_thumb(**vote, value=-1)
    first = memory.of(ada.pk).shifts("code", ladder)
    assert first["acme/one"] < 0
    now[0] += 2 * KNOWN_FOR_S
    assert memory.of(ada.pk).shifts("code", ladder) is first
    record_thumb(**vote, value=-1)
    now[0] += 2 * KNOWN_FOR_S
    assert memory.of(ada.pk).shifts("code", ladder)["acme/one"] < first["acme/one"]


def test_the_admin_shows_evidence_to_look_at_and_to_take_back(
    admin_client: Client, ada: User, decision: dict[str, Any]
) -> None:
    for _ in range(12):
        record_thumb(user_id=ada.pk, decision=decision, served_model="acme/one", value=-1)
    html = admin_client.get(reverse("admin:routing_evidence_changelist")).content.decode()
    for told in ("ada", "Code", "acme/one", "12.0", "less"):
        assert told in html
    assert admin_client.get(reverse("admin:routing_evidence_add")).status_code == 403
    url = reverse("admin:routing_evidence_delete", args=[only(ada).pk])
    admin_client.post(url, {"post": "yes"})
    assert not Evidence.objects.exists()


def test_the_catalogue_in_the_admin_shows_what_own_calls_came_to(
    admin_client: Client, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [Observed("acme/one-20260501", "Acme", 0.0, failed=False, first_token_s=0.4)]
    board = Board().plus([*calls, *calls], now=0.0)
    monkeypatch.setattr(live_shelf, "_board", board)
    html = admin_client.get(reverse("admin:routing_languagemodel_changelist")).content.decode()
    assert "Acme: first token after 0.4 s, 0% failed" in html
