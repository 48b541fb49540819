"""Choosing from the catalogue in the database, and keeping it in memory."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from openrouter.results import Architecture, Pricing, TopProvider
from routing import shelf as shelves
from routing.constraints import NoCandidateFits
from routing.decision import Decision
from routing.policy_shelf import policy_for
from routing.services import catalogue, choose_model, pickable_models
from routing.shelf import Shelf
from routing.sync import store_catalogue
from tests.routing.factories import info

pytestmark = pytest.mark.django_db
DEPENDS = Pricing(prompt_usd=None, completion_usd=None)
FREE = Pricing(prompt_usd=Decimal(0), completion_usd=Decimal(0))
SEEING = Architecture(input_modalities=("text", "image"), output_modalities=("text",))


def stock(*infos: Any) -> None:
    """Make the catalogue hold these, and no others."""
    store_catalogue(infos, now=timezone.now())
    shelves.shelf.forget()


def choose(text: str = "Explain how a heat pump works", **asked: Any) -> Decision:
    return choose_model(text=text, max_completion_tokens=asked.pop("room", 2_000), **asked)


def test_a_model_is_chosen_from_the_catalogue() -> None:
    stock(info("acme/one"), info("umbra/two"))
    decision = choose()
    assert {decision.slug, *decision.fallbacks} == {"acme/one", "umbra/two"}
    assert decision.max_completion_tokens == 2_000
    assert not decision.pinned


def test_an_empty_catalogue_is_a_clear_refusal() -> None:
    for choice in ("", "acme/one"):
        with pytest.raises(NoCandidateFits, match="sync_models") as refusal:
            choose(choice=choice)
        assert refusal.value.constraint == "empty_catalogue"


def test_what_no_catalogue_should_choose_is_not_chosen_by_itself() -> None:
    stock(
        info("acme/one"),
        info("acme/one:batch"),
        info("acme/one:free"),
        info("~acme/one-latest", alias_target={"slug": "acme/one", "name": "One"}),
        info("openrouter/auto", pricing=DEPENDS),
        info("acme/unpriced", pricing=DEPENDS),
        info("acme/costs-nothing", pricing=FREE),
        info("acme/painter", architecture=Architecture(
            input_modalities=("text",), output_modalities=("image",))),
        info("acme/guard-8b"),
        info("acme/retired", expiration_date="2020-01-01"),
    )  # fmt: skip
    decision = choose()
    assert decision.models == ("acme/one",)
    assert decision.rejected == {
        "batch": 1, "free_tier": 2, "alias": 1, "router": 1, "unknown_price": 1,
        "no_text_output": 1, "special_purpose": 1, "expired": 1,
    }  # fmt: skip


def test_a_pinned_model_answers_alone() -> None:
    stock(info("acme/one"), info("umbra/two"))
    decision = choose(choice="umbra/two")
    assert decision.models == ("umbra/two",)
    assert decision.pinned
    assert decision.reason.startswith("You chose")
    assert decision.worst_case_usd is not None


@pytest.mark.parametrize("slug", ["acme/one:free", "~acme/one-latest", "acme/guard-8b"])
def test_a_person_may_pin_what_we_would_not_choose(slug: str) -> None:
    stock(info("acme/one"), info(slug))
    assert choose(choice=slug).slug == slug


def test_openrouter_auto_is_passed_through_and_its_price_depends() -> None:
    stock(info("acme/one"), info("openrouter/auto", name="Auto Router", pricing=DEPENDS))
    decision = choose(choice="openrouter/auto", budget_usd=Decimal("1"))
    assert decision.models == ("openrouter/auto",)
    assert decision.expected_usd is None
    assert decision.worst_case_usd is None
    assert "depends" in decision.reason
    assert Decision.from_json(decision.to_json()) == decision


def test_a_model_without_a_price_may_be_pinned_where_nothing_limits_the_cost() -> None:
    stock(info("local/model", pricing=DEPENDS))
    assert choose(choice="local/model").worst_case_usd is None
    with pytest.raises(NoCandidateFits, match="no published price") as refusal:
        choose(choice="local/model", budget_usd=Decimal(1))
    assert refusal.value.constraint == "unknown_price"


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "expired": ({"expiration_date": "2020-01-01"}, {}),
    "image": ({}, {"needs": frozenset({"image"})}),
    "tools": ({}, {"needs": frozenset({"tools"})}),
    "context": ({"context_length": 4_000}, {"history_tokens": 10_000}),
    "budget": ({}, {"budget_usd": Decimal("0.00000001")}),
    "no_text_output": (
        {"architecture": Architecture(input_modalities=("text",), output_modalities=("image",))},
        {},
    ),
}


@pytest.mark.parametrize("constraint", REFUSED)
def test_a_pinned_model_that_cannot_answer_is_refused_by_name(constraint: str) -> None:
    facts, asked = REFUSED[constraint]
    stock(info("acme/one", **facts))
    with pytest.raises(NoCandidateFits) as refusal:
        choose(choice="acme/one", **asked)
    assert refusal.value.constraint == constraint


def test_a_model_for_batches_cannot_be_pinned() -> None:
    stock(info("acme/one:batch"))
    with pytest.raises(NoCandidateFits) as refusal:
        choose(choice="acme/one:batch")
    assert refusal.value.constraint == "batch"


@pytest.mark.parametrize("slug", ["nobody/nothing", "x" * 5_000, "'; DROP TABLE", "\x00"])
def test_a_pin_that_is_no_model_is_refused(slug: str) -> None:
    stock(info("acme/one"))
    with pytest.raises(NoCandidateFits) as refusal:
        choose(choice=slug)
    assert refusal.value.constraint == "not_in_catalogue"
    assert len(refusal.value.message) < 200


def test_a_model_that_vanished_is_refused_by_that_name() -> None:
    stock(info("acme/one"), info("umbra/two"))
    stock(info("acme/one"))
    with pytest.raises(NoCandidateFits, match="no longer offered") as refusal:
        choose(choice="umbra/two")
    assert refusal.value.constraint == "unavailable"


@pytest.mark.parametrize("text", ["", "\x00" * 99, "🎉" * 50, "word " * 420_000])
def test_strange_texts_still_find_a_model(text: str) -> None:
    stock(info("acme/one", context_length=2_000_000, top_provider=TopProvider()))
    assert choose(text).slug == "acme/one"


def test_an_answer_without_room_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="room"):
        choose(room=0)


def test_an_image_needs_a_model_that_sees() -> None:
    stock(info("acme/blind"), info("umbra/sees", architecture=SEEING))
    assert choose(needs=frozenset({"image"})).models == ("umbra/sees",)


# --- The catalogue in memory ---


def test_most_calls_ask_the_database_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    stock(info("acme/one"))
    with django_assert_num_queries(3):  # has it changed, then the table; which policies
        catalogue()
        policy_for()
    with django_assert_num_queries(0):
        choose()
        catalogue()
        pickable_models()


def a_shelf() -> tuple[Shelf, list[float]]:
    now = [100.0]
    return Shelf(clock=lambda: now[0]), now


def test_a_change_is_seen_within_seconds_by_one_small_query() -> None:
    shelf, now = a_shelf()
    stock(info("acme/one"))
    first = shelf.snapshot()
    stock(info("acme/one"), info("umbra/two"))
    assert shelf.snapshot() is first
    now[0] += shelves.CHECK_EVERY_S
    assert len(shelf.snapshot().candidates) == 2
    now[0] += shelves.CHECK_EVERY_S
    with CaptureQueriesContext(connection) as queries:
        again = shelf.snapshot()
    assert len(queries) == 1
    assert len(again.candidates) == 2


def test_a_sync_in_this_process_is_seen_at_once(
    django_capture_on_commit_callbacks: Any,
) -> None:
    stock(info("acme/one"))
    assert len(catalogue()) == 1
    with django_capture_on_commit_callbacks(execute=True):
        store_catalogue([info("acme/one"), info("umbra/two")], now=timezone.now())
    assert len(catalogue()) == 2


def test_while_one_thread_renews_the_others_go_on_with_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stock(info("acme/one"))
    shelf, now = a_shelf()
    held = shelf.snapshot()
    now[0] += shelves.CHECK_EVERY_S
    entered, release = threading.Event(), threading.Event()

    def slow_stamp() -> tuple[object, ...]:
        entered.set()
        assert release.wait(10)
        return held.stamp

    monkeypatch.setattr(shelves, "read_stamp", slow_stamp)
    renewing = threading.Thread(target=shelf.snapshot)
    renewing.start()
    assert entered.wait(10)
    assert shelf.snapshot() is held  # would wait for ever, were it to wait
    release.set()
    renewing.join(10)
    assert not renewing.is_alive()


def test_a_failing_database_leaves_the_shelf_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    stock(info("acme/one"))
    shelf, now = a_shelf()
    shelf.snapshot()
    now[0] += shelves.CHECK_EVERY_S
    with monkeypatch.context() as broken:
        broken.setattr(shelves, "read_stamp", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shelf.snapshot()
    assert len(shelf.snapshot().candidates) == 1


# --- The list for the page ---


def test_the_list_to_pick_from_has_auto_first_and_only_what_can_answer() -> None:
    stock(
        info("umbra/two", name="Umbra: Two", context_length=64_000),
        info("acme/one", name="Acme: One", architecture=SEEING),
        info("acme/one:batch"),
        info("acme/gone", expiration_date="2020-01-01"),
        info("openrouter/auto", name="Auto Router", pricing=DEPENDS),
    )
    picks = pickable_models()
    assert [pick.slug for pick in picks] == ["openrouter/auto", "acme/one", "umbra/two"]
    assert [pick.price_text for pick in picks] == [
        "price depends",
        "$1.00 in, $4.00 out per million tokens",
        "$1.00 in, $4.00 out per million tokens",
    ]
    assert [pick.reads_images for pick in picks] == [False, True, False]
    assert picks[2].context_tokens == 64_000
