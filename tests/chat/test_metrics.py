"""What is counted of a reply: its text, its end, its waits; and nothing that it says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from chat.feed import Feed, View
from chat.metrics import Distribution, Metrics, metrics
from chat.models import Part, State
from openrouter.events import Finished, TextDelta, Usage, UsageReported
from openrouter.testing import HANG, ScriptedClient
from tests.chat.conftest import Ask
from tests.chat.test_replies import BEGUN, Desk


@pytest.fixture(autouse=True)
def _from_zero(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = vars(metrics).copy()
    metrics.__init__()  # type: ignore[misc]
    yield
    vars(metrics).update(before)


def test_a_distribution_counts_a_value_on_its_bound_and_all_above() -> None:
    waits = Distribution(0.1, 1)
    for value in (0.05, 0.1, 0.5, 7):
        waits.add(value)
    assert waits.cumulative() == [("0.1", 2), ("1", 3), ("+Inf", 4)]
    assert waits.total == pytest.approx(7.65)


def test_every_way_a_reply_can_end_is_there_before_the_first_one_ends() -> None:
    assert set(Metrics().replies) == set(State) - {State.QUEUED, State.STREAMING}


async def test_a_reply_that_ends_well_is_counted_with_its_letters_and_tokens(ask: Ask) -> None:
    usage = UsageReported(Usage(9, 2))
    desk = Desk(ask, ScriptedClient(BEGUN, TextDelta("Hello "), TextDelta("you"), usage))
    await desk.open()
    ended = await desk.ended()
    assert {state: n for state, n in metrics.replies.items() if n} == {State(ended.state): 1}
    assert (metrics.text_chars, metrics.completion_tokens) == (9, 2)
    assert sum(metrics.first_token_s.counts) == 1


async def test_a_stop_is_counted_as_one_and_without_text_there_is_no_first_token(ask: Ask) -> None:
    client = ScriptedClient(BEGUN, Finished("stop"), HANG)
    desk = Desk(ask, client)
    await desk.open()
    await client.hanging.wait()
    desk.writer.end(State.STOPPED)
    await desk.ended()
    assert metrics.replies[State.STOPPED] == 1
    assert sum(metrics.first_token_s.counts) == 0


async def test_the_lag_of_a_frame_runs_from_its_oldest_text_to_the_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = [100.0]
    monkeypatch.setattr("chat.feed.time.monotonic", lambda: now_s[0])
    feed, conversation = Feed(), uuid4()
    frames = feed.follow(conversation).frames()
    view = feed.open(1, conversation)
    for text in ("Hello ", "there "):
        view.append(Part.TEXT, text)
        now_s[0] += 0.03
    view.take()
    view.append(Part.TEXT, "again ")  # while a log makes the rest durable
    feed.show(view)
    assert "there" in await anext(frames)
    now_s[0] += 0.01
    await asyncio.gather(_next(frames), _show(feed, view))
    assert metrics.frame_lag_s.total == pytest.approx(0.07)
    assert view.drawn_since_s() == 0
    assert sum(metrics.frame_lag_s.counts) == 1


async def _next(frames: object) -> str:
    frame: str = await anext(frames)  # type: ignore[call-overload]
    return frame


async def _show(feed: Feed, view: View) -> None:
    view.take()
    feed.show(view)


async def test_a_frame_that_shows_no_new_text_has_no_lag() -> None:
    feed, conversation = Feed(), UUID(int=1)
    frames = feed.follow(conversation).frames()
    feed.publish_change(conversation, "<p>settled</p>")
    await anext(frames)
    feed.publish_change(conversation, "<p>again</p>")
    await anext(frames)
    assert sum(metrics.frame_lag_s.counts) == 0
