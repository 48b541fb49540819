"""An answer that was cut, and the one that goes on from it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from billing.models import CallState
from chat.branches import go_on
from chat.drafts import Draft
from chat.errors import NotRetryable
from chat.feed import Feed, stored_view
from chat.models import Message, State
from chat.relay import LocalRelay
from chat.replies import Writer
from chat.services import Turn, branch
from chat.settlement import Timing, settle_reply
from openrouter.errors import PaymentRequired
from openrouter.events import Finished, ReasoningDelta, TextDelta, Usage, UsageReported
from openrouter.testing import ScriptedClient
from tests.chat.conftest import OWNER, Ask
from tests.chat.test_branches import fresh


def settle(turn: Turn, draft: Draft, state: State = State.DONE) -> Message:
    reply = settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=draft,
        state=state,
        timing=Timing(None, 1),
    )
    assert reply is not None
    return reply


def cut(turn: Turn, reason: str = "length") -> Message:
    usage = Usage(9, 2, cost_usd=Decimal("0.001"))
    return settle(turn, Draft(["Once upon \n"], usage=usage, finish_reason=reason))


def more(user: User, reply: Message, nonce: str = "g") -> Turn:
    return go_on(user=user, reply=reply, nonce=nonce, owner=OWNER)


def test_a_cut_answer_is_sent_back_as_the_beginning_of_the_next(ask: Ask, ada: User) -> None:
    turn = more(ada, cut(ask("Tell.", nonce="1")))
    assert turn.job is not None
    assert [(m["role"], m["content"]) for m in turn.job.request.messages] == [
        ("user", "Tell."),
        ("assistant", "Once upon"),
    ]
    assert turn.job.prefix == "Once upon"
    assert [m.pk for m in branch(fresh(turn.conversation))][-1] == turn.reply.pk


def test_the_same_model_goes_on(ask: Ask, ada: User) -> None:
    first = ask("Tell.", nonce="1", choice="umbra/two")
    turn = more(ada, cut(first))
    assert turn.job is not None
    assert turn.job.request.model == "umbra/two"


@pytest.mark.parametrize("state", [State.STOPPED, State.INTERRUPTED])
def test_what_was_stopped_can_go_on_too(ask: Ask, ada: User, state: State) -> None:
    more(ada, settle(ask("Tell.", nonce="1"), Draft(["Once"]), state))


def test_what_ended_well_cannot(ask: Ask, ada: User) -> None:
    reply = cut(ask("Tell.", nonce="1"), reason="stop")
    with pytest.raises(NotRetryable):
        more(ada, reply)
    failed = settle(ask("Tell.", nonce="2"), Draft([]), State.STOPPED)
    with pytest.raises(NotRetryable):
        more(ada, failed, nonce="h")


async def written(turn: Turn, client: Any) -> Message:
    """The reply as the task writes it, from where the earlier one ended."""
    assert turn.job is not None
    relay = LocalRelay(Feed())
    job = turn.job
    relay.feed.views[job.reply] = stored_view(job.reply, job.conversation, job.prefix, "")
    writer = Writer(turn.job, client, relay)
    writer.task = asyncio.ensure_future(writer.write())
    await writer.task
    return await Message.objects.with_books().aget(pk=turn.reply.pk)


async def test_the_whole_answer_is_one_text(ask: Ask, ada: User) -> None:
    def begin() -> Turn:
        return more(ada, cut(ask("Tell.", nonce="1")))

    turn = await sync_to_async(begin)()
    script = (TextDelta(" a time."), Finished("stop"), UsageReported(Usage(5, 3, cost_usd=None)))
    reply = await written(turn, ScriptedClient(*script))
    assert (reply.state, reply.text) == (State.DONE, "Once upon a time.")


async def test_a_refusal_before_a_new_word_costs_nothing(ask: Ask, ada: User) -> None:
    def begin() -> Turn:
        return more(ada, cut(ask("Tell.", nonce="1")))

    turn = await sync_to_async(begin)()
    reply = await written(turn, ScriptedClient(PaymentRequired("no credits", status=402)))
    assert reply.state == State.FAILED
    assert reply.text == "Once upon", "what was there is kept"
    assert reply.call is not None
    assert reply.call.state == CallState.RELEASED


async def test_how_long_it_thought_is_kept(ask: Ask) -> None:
    turn = await sync_to_async(ask)("Think.")
    assert turn.job is not None
    script = (ReasoningDelta("Hm."), TextDelta("Yes."), Finished("stop"))
    writer = Writer(turn.job, ScriptedClient(*script), LocalRelay(Feed()))
    writer.task = asyncio.ensure_future(writer.write())
    await writer.task
    reply = await Message.objects.aget(pk=turn.reply.pk)
    assert reply.reasoning_ms is not None
    assert reply.reasoning_ms < 60_000


async def test_what_did_not_think_has_no_time(ask: Ask) -> None:
    turn = await sync_to_async(ask)("Think.")
    assert turn.job is not None
    writer = Writer(turn.job, ScriptedClient(TextDelta("Yes.")), LocalRelay(Feed()))
    writer.task = asyncio.ensure_future(writer.write())
    await writer.task
    assert (await Message.objects.aget(pk=turn.reply.pk)).reasoning_ms is None
