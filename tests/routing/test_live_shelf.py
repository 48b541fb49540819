"""The figures of our own calls in memory: nobody waits for them, and no call counts twice."""

from __future__ import annotations

import logging
import threading

import pytest
from django.utils import timezone

from routing.live_figures import Observed
from routing.live_shelf import OVERLAP_S, RENEW_EVERY_S, LiveShelf
from routing.shelf import Snapshot, shelf
from routing.sync import store_catalogue
from tests.routing.factories import info

pytestmark = pytest.mark.django_db


@pytest.fixture
def snapshot() -> Snapshot:
    store_catalogue([info("acme/one"), info("umbra/two")], now=timezone.now())
    return shelf.snapshot()


def failed(model: str, at: float) -> Observed:
    return Observed(model, "Provider", at, failed=True)


class Books:
    """A source that holds calls by key, and a clock beside it."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.calls: dict[int, Observed] = {}
        self.asked: list[float] = []

    def __call__(self, since: float, most: int) -> list[tuple[int, Observed]]:
        self.asked.append(since)
        return [(key, call) for key, call in self.calls.items() if call.ended_at >= since][:most]


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def live(books: Books) -> LiveShelf:
    return LiveShelf(clock=lambda: books.now, source=books)


def test_what_calls_tell_is_put_to_the_model_under_whatever_name(
    snapshot: Snapshot, books: Books, live: LiveShelf
) -> None:
    books.calls = {
        number: failed("acme/one-20260501" if number % 2 else "acme/one", books.now)
        for number in range(10)
    }
    live.renew()
    shown = live.of(snapshot)
    one, two = shown.by_slug["acme/one"], shown.by_slug["umbra/two"]
    assert one.measured is not None
    assert one.measured.calls == pytest.approx(10)
    assert one.reliability < 0.7
    assert two is snapshot.by_slug["umbra/two"]
    assert shown.names["acme/one-20260501"] == "acme/one"


def test_no_call_counts_twice_however_looks_overlap(
    snapshot: Snapshot, books: Books, live: LiveShelf
) -> None:
    books.calls = {1: failed("acme/one", books.now)}
    live.renew()
    books.now += OVERLAP_S / 2
    live.renew()
    measured = live.of(snapshot).by_slug["acme/one"].measured
    assert measured is not None
    assert measured.calls == pytest.approx(1, abs=0.01)


def test_later_looks_ask_for_what_is_new_only(books: Books, live: LiveShelf) -> None:
    live.renew()
    books.now += RENEW_EVERY_S
    live.renew()
    assert books.asked[1] == books.now - RENEW_EVERY_S - OVERLAP_S


def test_the_catalogue_is_made_ready_once_for_the_same_figures(
    snapshot: Snapshot, books: Books, live: LiveShelf
) -> None:
    live.renew()
    first = live.of(snapshot)
    assert live.of(snapshot) is first
    assert first.candidates == snapshot.candidates


def test_nobody_waits_for_a_look_and_only_one_is_under_way(snapshot: Snapshot) -> None:
    began, go_on, looks = threading.Event(), threading.Event(), []

    def slow(since: float, most: int) -> list[tuple[int, Observed]]:
        looks.append(since)
        began.set()
        assert go_on.wait(10)
        return [(1, failed("acme/one", 0.0))]

    live = LiveShelf(clock=lambda: 1_000.0, source=slow)
    assert live.of(snapshot).by_slug["acme/one"].measured is None  # would hang, were it to wait
    assert began.wait(10)
    live.of(snapshot)
    go_on.set()
    live.close()
    assert len(looks) == 1
    assert live.of(snapshot).by_slug["acme/one"].measured is not None


def test_a_source_that_fails_leaves_the_figures_as_they_are(
    snapshot: Snapshot, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(since: float, most: int) -> list[tuple[int, Observed]]:
        raise OSError("the database is away")

    live = LiveShelf(clock=lambda: 1_000.0, source=broken)
    with caplog.at_level(logging.WARNING):
        live.of(snapshot)
        live.close()
    assert "stay as they are" in caplog.text
    assert live.of(snapshot).candidates == snapshot.candidates
