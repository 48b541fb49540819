"""A second answer where the first failed a check: at most one, booked, and shown as one turn."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from accounts.models import User
from billing.models import Budget, Call, CallState, Purpose, UsageRecord
from chat.branches import edit, regenerate, show
from chat.cascade import follow_up
from chat.drafts import Draft
from chat.models import Conversation, Message, State
from chat.runner import Runner
from chat.services import Turn, branch, send
from chat.settlement import Timing, interrupt, settle_reply
from chat.shown import Branch
from openrouter.errors import OpenRouterError
from openrouter.events import Finished, Identified, StreamEvent, TextDelta, Usage, UsageReported
from openrouter.testing import HANG, ScriptedClient, ScriptLine
from tests.chat.conftest import OWNER, Ask
from tests.chat.test_runner import begin, opened

REFUSAL = "I'm sorry, but I can't help with that."
GOOD = "Because air scatters blue light more than red light."
BROKEN = "```python\ndef f(:\n    return 1\n```"
COST = Decimal("0.0002")


def bill(tokens: int = 5) -> Usage:
    return Usage(prompt_tokens=20, completion_tokens=tokens, cost_usd=COST)


def answers(text: str, generation: str) -> list[StreamEvent]:
    """A whole stream."""
    return [
        Identified(generation, "acme/one"),
        TextDelta(text),
        Finished("stop"),
        UsageReported(bill()),
    ]


def settle(
    turn: Turn, text: str = REFUSAL, state: State = State.DONE, finish_reason: str = "stop"
) -> Message:
    call = turn.reply.call
    draft = Draft([text], usage=bill(), model=call.requested_model if call else None)
    draft.finish_reason = finish_reason
    reply = settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=draft,
        state=state,
        timing=Timing(None, 1),
    )
    assert reply is not None
    return reply


def second_to(turn: Turn, text: str = REFUSAL) -> Turn:
    """A first answer that failed a check, and the second, begun."""
    first = settle(turn, text)
    second = follow_up(first.pk, owner=OWNER)
    assert second is not None
    assert second.job is not None
    return second


def fresh(conversation: Conversation) -> Conversation:
    return Conversation.objects.get(pk=conversation.pk)


def shown(conversation: Conversation) -> list[str]:
    return [message.text for message in branch(fresh(conversation))]


def test_a_refusal_is_asked_for_once_more_of_another_model(ask: Ask) -> None:
    turn = ask()
    second = second_to(turn)
    assert second.job is not None
    assert second.job.request.model != turn.job.request.model if turn.job else False
    assert second.job.request.messages == (turn.job.request.messages if turn.job else None)
    assert fresh(turn.conversation).head_id == second.reply.pk
    assert fresh(turn.conversation).choice == "", "the conversation stays with Auto"
    assert second.reply.siblings == [turn.reply.pk, second.reply.pk], "the arrows lead back"


@pytest.mark.parametrize(
    ("text", "finish_reason", "words"),
    [
        (REFUSAL, "stop", "the model declined to answer"),
        (BROKEN, "stop", "python that does not parse"),
        ("Because", "length", "the answer was cut off by its length"),
        ("", "stop", "the answer is empty"),
    ],
)
def test_the_receipt_says_why(ask: Ask, text: str, finish_reason: str, words: str) -> None:
    turn = ask()
    settle(turn, text, finish_reason=finish_reason)
    second = follow_up(turn.reply.pk, owner=OWNER)
    assert second is not None
    receipt = settle(second, GOOD).receipt
    assert receipt is not None
    assert receipt.line.startswith("The first answer, by ")
    assert words in receipt.line
    assert receipt.line.endswith("was asked once more.")


def test_a_good_answer_stays_the_only_one(ask: Ask) -> None:
    turn = ask()
    settle(turn, GOOD)
    assert follow_up(turn.reply.pk, owner=OWNER) is None
    assert Call.objects.count() == 1


@pytest.mark.parametrize("state", [State.STOPPED, State.INTERRUPTED, State.FAILED])
def test_what_did_not_end_well_is_the_persons_to_retry(ask: Ask, state: State) -> None:
    turn = ask()
    settle(turn, REFUSAL, state)
    assert follow_up(turn.reply.pk, owner=OWNER) is None


def test_a_model_that_the_person_chose_is_not_checked(ask: Ask) -> None:
    turn = ask(choice="acme/one")
    settle(turn)
    assert follow_up(turn.reply.pk, owner=OWNER) is None


def test_neither_are_answers_to_compare_nor_a_retry(ask: Ask, ada: User) -> None:
    pair = send(
        user=ada, conversation=None, prompt="Why?", choice="", nonce="p", owner=OWNER, against=""
    )
    settle(pair)
    assert follow_up(pair.reply.pk, owner=OWNER) is None
    turn = ask(nonce="t")
    first = settle(turn)
    again = regenerate(user=ada, reply=first, choice="", nonce="r", owner=OWNER)
    settle(again)
    assert follow_up(again.reply.pk, owner=OWNER) is None
    assert follow_up(first.pk, owner=OWNER) is None


def test_a_prompt_that_was_edited_is_a_turn_of_its_own(ask: Ask, ada: User) -> None:
    settle(ask(), GOOD)
    prompt = Message.objects.get(role="user")
    turn = edit(user=ada, prompt=prompt, text="And the sea?", nonce="e", owner=OWNER)
    assert second_to(turn).reply.parent_id == turn.reply.parent_id


def test_who_has_gone_on_is_left_alone(ask: Ask) -> None:
    turn = ask(nonce="1")
    settle(turn)
    ask("And now?", conversation=turn.conversation, nonce="2")
    assert follow_up(turn.reply.pk, owner=OWNER) is None


def test_it_is_asked_for_once_by_the_process_that_wrote_the_first(ask: Ask) -> None:
    turn = ask()
    settle(turn)
    assert follow_up(turn.reply.pk, owner="there:2:other") is None
    second = follow_up(turn.reply.pk, owner=OWNER)
    assert second is not None
    assert follow_up(turn.reply.pk, owner=OWNER) is None
    settle(second)
    assert follow_up(turn.reply.pk, owner=OWNER) is None
    assert follow_up(second.reply.pk, owner=OWNER) is None, "a second that is no better is the last"
    assert Call.objects.count() == 2


def test_a_budget_that_is_spent_leaves_the_first_answer(ask: Ask, ada: User) -> None:
    turn = ask()
    settle(turn)
    Budget.objects.create(user=ada, per_day_usd=COST)
    assert follow_up(turn.reply.pk, owner=OWNER) is None
    assert shown(turn.conversation)[-1] == REFUSAL
    assert Call.objects.count() == 1


def test_both_calls_are_booked_and_stand_as_one_turn(ask: Ask) -> None:
    turn = ask()
    second = second_to(turn)
    call = Call.objects.get(purpose=Purpose.ESCALATION)
    assert (call.state, call.message_ref) == (CallState.RUNNING, str(turn.reply.pk))
    assert call.reserved_usd is not None
    settle(second, GOOD)
    assert [entry.cost_usd for entry in UsageRecord.objects.all()] == [COST, COST]
    *_, head = Branch(fresh(turn.conversation)).newest().messages
    cost = head.turn_cost
    assert cost is not None
    assert (head.text, cost.cost_usd) == (GOOD, 2 * COST)
    assert [part.words for part in cost.parts] == ["the first answer", "second answer"]
    alone = Message.objects.get(pk=second.reply.pk)
    assert alone.turn_cost == cost, "asked for one message, too"


@pytest.mark.parametrize(
    ("state", "text", "on_show"),
    [
        (State.FAILED, "", REFUSAL),
        (State.STOPPED, "", REFUSAL),
        (State.STOPPED, "Because air", "Because air"),
        (State.DONE, GOOD, GOOD),
    ],
)
def test_a_second_that_comes_to_nothing_gives_way_to_the_first(
    ask: Ask, state: State, text: str, on_show: str
) -> None:
    turn = ask()
    second = second_to(turn)
    settle(second, text, state)
    follow_up(second.reply.pk, owner=OWNER)
    assert shown(turn.conversation)[-1] == on_show
    assert Message.objects.get(pk=turn.reply.pk).text == REFUSAL


def test_a_crash_while_the_second_is_written_leaves_the_first_on_show(ask: Ask) -> None:
    turn = ask()
    second = second_to(turn)
    orphan = Message.objects.get(pk=second.reply.pk)
    assert interrupt(orphan) is not None
    back = follow_up(orphan.pk, owner="there:2:other")
    assert back is not None
    assert back.job is None
    assert shown(turn.conversation)[-1] == REFUSAL


def test_what_the_person_has_put_on_show_since_stays(ask: Ask) -> None:
    turn = ask()
    second = second_to(turn)
    settle(second, "", State.FAILED)
    show(turn.reply)
    assert follow_up(second.reply.pk, owner=OWNER) is None


# --- With the runner ---


async def ended(runner: Runner) -> None:
    """Until nothing is written any more, and nothing follows."""
    while tasks := [
        *(writer.task for writer in runner.writers.values() if writer.task),
        *(duty for duty in runner._duties if duty.get_name().startswith("after")),
    ]:
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("is_on", "first", "questions"), [(True, REFUSAL, 2), (True, GOOD, 1), (False, REFUSAL, 1)]
)
async def test_the_runner_asks_once_more_where_it_is_switched_on(
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    is_on: bool,
    first: str,
    questions: int,
) -> None:
    settings.CASCADE = is_on
    client = ScriptedClient(*answers(first, "gen-1"), then=[answers(GOOD, "gen-2")])
    async with opened(monkeypatch, settings, client) as runner:
        turn = await sync_to_async(ask)()
        await owned(turn, runner)
        tab = runner.feed.follow(turn.conversation.pk)
        begin(runner, turn)
        await asyncio.sleep(0)
        await ended(runner)
        assert len(client.requests) == questions
        assert tab.lost_track is (questions == 2), "every tab is drawn anew"
    texts = await sync_to_async(shown)(turn.conversation)
    assert texts[-1] == (GOOD if questions == 2 else first)
    assert await UsageRecord.objects.acount() == questions


async def test_a_second_that_fails_upstream_puts_the_first_back(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.CASCADE = True
    broken = OpenRouterError(may_have_cost=False)
    client = ScriptedClient(*answers(REFUSAL, "gen-1"), then=[[broken]])
    async with opened(monkeypatch, settings, client) as runner:
        turn = await sync_to_async(ask)()
        await owned(turn, runner)
        begin(runner, turn)
        await asyncio.sleep(0)
        await ended(runner)
    assert (await sync_to_async(shown)(turn.conversation))[-1] == REFUSAL
    assert len(client.requests) == 2


async def test_stop_ends_the_second_and_keeps_what_came(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.CASCADE = True
    script: list[ScriptLine] = [Identified("gen-2", "umbra/two"), TextDelta("Because"), HANG]
    client = ScriptedClient(*answers(REFUSAL, "gen-1"), then=[script])
    async with opened(monkeypatch, settings, client) as runner:
        turn = await sync_to_async(ask)()
        await owned(turn, runner)
        begin(runner, turn)
        await client.hanging.wait()
        second = await Message.objects.aget(nonce=f"second-to-{turn.reply.pk}")
        await sync_to_async(runner.stop)(second)
        await ended(runner)
    assert (await Message.objects.aget(pk=second.pk)).state == State.STOPPED
    assert (await sync_to_async(shown)(turn.conversation))[-1] == "Because"


async def owned(turn: Turn, runner: Runner) -> None:
    """The turn is this runner's to write."""
    await Message.objects.filter(pk=turn.reply.pk).aupdate(owner=runner.owner)
