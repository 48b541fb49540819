"""What may happen to a conversation, and what is saved of it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.models import Call, CallState, UsageRecord
from chat.drafts import Draft
from chat.errors import EmptyPrompt, NotRetryable, PromptTooLong, StillAnswering, TooManyAnswers
from chat.models import Chunk, Conversation, Message, Part, State
from chat.services import Turn, branch, retry
from chat.settlement import Timing, checkpoint, checkpointed, interrupt, orphans, settle_reply
from openrouter.errors import PaymentRequired, StreamInterrupted
from openrouter.events import Usage
from routing.services import NoCandidateFits
from tests.chat.conftest import OWNER, Ask

TIMING = Timing(120, 900)
COST = Decimal("0.0000123456789012345678")


def settle(turn: Turn, draft: Draft, state: State = State.DONE) -> Message | None:
    return settle_reply(
        pk=turn.reply.pk, call_id=turn.reply.call_id, draft=draft, state=state, timing=TIMING
    )


def paid() -> Draft:
    return Draft(text=["It ", "scatters."], usage=Usage(12, 3, cost_usd=COST), model="acme/one-x")


def test_a_prompt_begins_a_conversation_a_reply_and_a_call(ask: Ask, ada: User) -> None:
    turn = ask("Why is the sky blue?")
    question, reply = turn.messages
    assert turn.conversation.user == ada
    assert turn.conversation.title == "Why is the sky blue?"
    assert (question.text, reply.state) == ("Why is the sky blue?", State.STREAMING)
    assert reply.call is not None
    reply.call.refresh_from_db()
    assert reply.call.state == CallState.RUNNING
    assert reply.call.message_ref == str(reply.pk)
    assert reply.decision is not None
    assert reply.decision["slug"] == reply.call.requested_model


def test_a_request_carries_the_conversation_so_far(ask: Ask) -> None:
    first = ask("One")
    settle(first, Draft(text=["Two"]))
    first.conversation.refresh_from_db()
    second = ask("Three", conversation=first.conversation)
    assert second.job is not None
    assert [(m["role"], m["content"]) for m in second.job.request.messages] == [
        ("user", "One"),
        ("assistant", "Two"),
        ("user", "Three"),
    ]
    assert second.job.request.session_id == str(first.conversation.pk)
    assert second.job.request.max_completion_tokens > 0


def test_the_same_nonce_gives_the_same_rows(ask: Ask) -> None:
    first, second = ask(nonce="n1"), ask(nonce="n1")
    assert second.reply == first.reply
    assert second.job is None
    assert Message.objects.count() == 2
    assert Call.objects.count() == 1


def test_a_nonce_belongs_to_one_person(ask: Ask, eve: User) -> None:
    assert ask(nonce="n1").conversation != ask(nonce="n1", user=eve).conversation


@pytest.mark.parametrize("prompt", ["", " ", "\n\t "])
def test_nothing_is_not_sent(ask: Ask, prompt: str) -> None:
    with pytest.raises(EmptyPrompt):
        ask(prompt)
    assert not Conversation.objects.exists()


def test_too_much_is_not_sent(ask: Ask, settings: Settings) -> None:
    settings.MAX_PROMPT_CHARS = 10
    with pytest.raises(PromptTooLong, match="11 characters; at most 10"):
        ask("x" * 11)
    assert not Conversation.objects.exists()


def test_one_reply_at_a_time(ask: Ask) -> None:
    turn = ask()
    with pytest.raises(StillAnswering):
        ask("And now?", conversation=turn.conversation)
    assert Message.objects.count() == 2


def test_one_person_leaves_room_for_others(ask: Ask, eve: User, settings: Settings) -> None:
    settings.MAX_STREAMS_PER_USER = 2
    for _ in range(2):
        ask()
    with pytest.raises(TooManyAnswers):
        ask()
    ask(user=eve)


def test_a_model_that_does_not_exist_saves_nothing(ask: Ask) -> None:
    with pytest.raises(NoCandidateFits):
        ask(choice="nobody/nothing")
    assert not Conversation.objects.exists()
    assert not Call.objects.exists()


def test_a_settled_reply_points_at_its_ledger_entry(ask: Ask) -> None:
    turn = ask()
    reply = settle(turn, paid())
    assert reply is not None
    assert (reply.state, reply.text, reply.served_model) == (
        State.DONE,
        "It scatters.",
        "acme/one-x",
    )
    assert "It scatters." in reply.html
    assert reply.usage is not None
    assert reply.usage.cost_usd == COST
    assert reply.usage.ttft_ms == 120
    assert reply.call is not None
    assert reply.call.state == CallState.SETTLED


def test_a_reply_is_settled_once(ask: Ask) -> None:
    turn = ask()
    settle(turn, paid())
    assert settle(turn, Draft(text=["something else"]), State.FAILED) is None
    turn.reply.refresh_from_db()
    assert turn.reply.text == "It scatters."
    assert UsageRecord.objects.count() == 1


def test_a_stopped_reply_keeps_its_text_and_waits_for_its_bill(ask: Ask) -> None:
    reply = settle(ask(), Draft(text=["It sc"]), State.STOPPED)
    assert reply is not None
    assert (reply.state, reply.text, reply.usage) == (State.STOPPED, "It sc", None)
    assert reply.call is not None
    assert reply.call.state == CallState.PENDING


def test_a_refusal_before_the_first_word_costs_nothing(ask: Ask) -> None:
    reply = settle(ask(), Draft(failure=PaymentRequired("no credits", status=402)), State.FAILED)
    assert reply is not None
    assert "credits" in reply.error_text
    assert reply.call is not None
    assert reply.call.state == CallState.RELEASED


def test_a_failure_that_told_its_usage_is_booked(ask: Ask) -> None:
    draft = paid()
    draft.failure = StreamInterrupted("cut")
    reply = settle(ask(), draft, State.FAILED)
    assert reply is not None
    assert reply.usage is not None
    assert reply.usage.cost_usd == COST


def test_retry_is_a_branch_beside_the_first_reply(ask: Ask, ada: User) -> None:
    turn = ask()
    settle(turn, Draft(text=["It sc"]), State.INTERRUPTED)
    again = retry(user=ada, failed=turn.reply, choice=None, nonce="r1", owner=OWNER)
    assert again.reply.parent_id == turn.reply.parent_id
    assert [message.pk for message in branch(again.conversation)] == [
        turn.messages[0].pk,
        again.reply.pk,
    ]
    assert again.job is not None
    assert [m["content"] for m in again.job.request.messages] == ["Why is the sky blue?"]


def test_what_ended_well_or_has_a_successor_is_not_retried(ask: Ask, ada: User) -> None:
    turn = ask()
    settle(turn, Draft(text=["It sc"]), State.STOPPED)
    turn.conversation.refresh_from_db()
    later = ask("Go on", conversation=turn.conversation)
    with pytest.raises(NotRetryable):
        retry(user=ada, failed=turn.reply, choice=None, nonce="r1", owner=OWNER)
    settle(later, Draft(text=["Well"]))
    with pytest.raises(NotRetryable):
        retry(user=ada, failed=later.reply, choice=None, nonce="r2", owner=OWNER)


def test_checkpoints_join_to_the_text_that_came(ask: Ask) -> None:
    pk = ask().reply.pk
    rows = [(Part.TEXT, 0, "It "), (Part.REASONING, 0, "hm"), (Part.TEXT, 3, "scatters")]
    checkpoint([Chunk(message_id=pk, part=p, offset=o, text=t) for p, o, t in rows])
    assert checkpointed(pk) == ("It scatters", "hm")


def test_a_settled_reply_takes_no_more_checkpoints(ask: Ask) -> None:
    turn = ask()
    settle(turn, paid())
    checkpoint([Chunk(message_id=turn.reply.pk, part=Part.TEXT, offset=0, text="late")])
    assert not Chunk.objects.exists()


def test_a_reply_whose_lease_ran_out_is_interrupted_with_its_checkpoints(ask: Ask) -> None:
    turn = ask()
    checkpoint([Chunk(message_id=turn.reply.pk, part=Part.TEXT, offset=0, text="It sc")])
    past = timezone.now() - dt.timedelta(seconds=1)
    Message.objects.filter(pk=turn.reply.pk).update(lease_until=past)
    [orphan] = orphans()
    settled = interrupt(orphan)
    assert settled is not None
    assert (settled.state, settled.text) == (State.INTERRUPTED, "It sc")
    assert settled.call is not None
    assert settled.call.state == CallState.PENDING
    assert not Chunk.objects.exists()


def test_a_reply_whose_writer_renewed_its_lease_is_left_alone(ask: Ask) -> None:
    turn = ask()
    [orphan] = orphans(dead_owners=[OWNER])
    Message.objects.filter(pk=turn.reply.pk).update(
        lease_until=timezone.now() + dt.timedelta(seconds=30)
    )
    assert interrupt(orphan) is None
    turn.reply.refresh_from_db()
    assert turn.reply.state == State.STREAMING


def test_a_living_reply_is_no_orphan(ask: Ask) -> None:
    ask()
    assert orphans() == []
