"""What the chaos run found, each as small as it can be."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import OperationalError
from django.utils import timezone

from billing.models import Call
from billing.services import note_generation_id
from chat import consumers
from chat.drafts import Draft
from chat.feed import Feed, Follower
from chat.models import Conversation, Message, State
from chat.redis_relay import RedisRelay
from chat.runner import runner
from chat.settlement import ask_again, renew_leases, settle_reply
from openrouter.errors import Unavailable
from openrouter.events import Retrying
from openrouter.testing import HANG, ScriptedClient
from tests.chat.conftest import OWNER, Ask
from tests.chat.test_replies import BEGUN, WELL, Desk

AGAIN = Retrying(Unavailable(may_have_cost=True), 0.0, 1)


def breaking(times: int, function: Callable[..., Any], *, late: bool) -> Callable[..., Any]:
    """The function, with a database that breaks: before it, or when it is done already."""
    left = [times]

    def broken(*args: Any, **kwargs: Any) -> Any:
        answer = function(*args, **kwargs) if late else None
        if left[0]:
            left[0] -= 1
            raise OperationalError("the server closed the connection")
        return answer if late else function(*args, **kwargs)

    return broken


@pytest.fixture(autouse=True)
def _no_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.replies.LONGEST_REST_S", 0)


async def test_a_database_that_restarts_before_the_first_word_fails_no_reply(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    noting = breaking(2, note_generation_id, late=False)
    monkeypatch.setattr("chat.replies.note_generation_id", noting)
    desk = Desk(ask, ScriptedClient(*WELL))
    await desk.open()
    reply = await desk.ended()
    assert (reply.state, reply.text) == (State.DONE, "Hello there")


async def test_an_end_whose_commit_was_not_confirmed_is_shown_all_the_same(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.replies.settle_reply", breaking(1, settle_reply, late=True))
    desk = Desk(ask, ScriptedClient(*WELL))
    await desk.open()
    await desk.ended()
    assert 'data-state="done"' in desk.follower.pending[-1]


def test_a_reply_that_no_task_writes_keeps_no_lease(ask: Ask) -> None:
    written, left_alone = ask().reply.pk, ask().reply.pk
    Message.objects.update(lease_until=timezone.now())
    renew_leases(OWNER, [written])
    later = Message.objects.running().filter(lease_until__gt=timezone.now())
    assert list(later.values_list("pk", flat=True)) == [written]
    assert left_alone in Message.objects.running().values_list("pk", flat=True)


def test_a_server_may_send_the_codes_that_sockets_are_closed_with() -> None:
    """daphne takes 1000 and 3000 to 4999, and raises for all others."""
    codes = [value for name, value in vars(consumers).items() if name.isupper()]
    assert codes
    assert all(4000 <= code <= 4999 for code in codes)


async def test_a_stop_while_a_request_is_made_again_leaves_no_call_open(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(ask, ScriptedClient(BEGUN, AGAIN, HANG))

    def stopped_meanwhile(**asked: Any) -> int:
        loop.call_soon_threadsafe(desk.writer.end, State.STOPPED)
        loop.call_soon_threadsafe(told.set)
        told_by.wait()
        return ask_again(**asked)

    loop, told, told_by = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    monkeypatch.setattr("chat.replies.ask_again", stopped_meanwhile)
    await desk.open()
    await told.wait()
    told_by.set()
    reply = await desk.ended()
    assert reply.state == State.STOPPED
    assert not await Call.objects.open().aexists()


def test_to_ask_again_twice_begins_one_call(ask: Ask) -> None:
    job = ask().job
    assert job is not None
    asked: dict[str, Any] = {"job": job, "call": job.call, "draft": Draft(), "error": AGAIN.error}
    assert ask_again(**asked) == ask_again(**asked) != job.call


async def test_a_consumer_that_is_cancelled_leaves_no_follower(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def killed(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(AsyncWebsocketConsumer, "__call__", killed)
    consumer, place = consumers.ConversationConsumer(), uuid.uuid4()
    consumer.follower = runner.feed.follow(place)
    with pytest.raises(asyncio.CancelledError):
        await consumer({}, None, None)
    assert not runner.feed.is_followed(place)


async def test_a_tab_that_leaves_while_it_is_sent_to_is_no_fault(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise ConnectionResetError  # uvicorn's ClientDisconnected is an OSError, as ASGI says

    consumer = consumers.ConversationConsumer()
    monkeypatch.setattr(consumer, "forward_frames", gone)
    await consumer.forward(Conversation(), Follower(uuid.uuid4()))
    assert not caplog.records


async def test_a_relay_closes_although_a_cancellation_was_swallowed() -> None:
    async def deaf() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:  # as wait_for of Python 3.11 does where both come at once
            await asyncio.sleep(3600)

    relay = RedisRelay(Feed(), url="redis://127.0.0.1:1/0", owner="here", stop=lambda _: None)
    await relay.open()
    relay._tasks.append(asyncio.create_task(deaf()))
    await asyncio.sleep(0)
    await asyncio.wait_for(relay.close(), 10)
