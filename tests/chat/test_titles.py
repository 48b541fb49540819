"""A name by a cheap model: after the first answer, booked for itself, and never in the way."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from accounts.models import User
from billing.models import Call, CallState, Purpose, UsageRecord
from chat.drafts import Draft
from chat.feed import Feed
from chat.models import Conversation, State, TitledBy
from chat.organise import delete, rename
from chat.relay import Change, LocalRelay
from chat.settlement import Timing, settle_reply
from chat.titles import TitleJob, begin_title, entitle, read_title, write_title
from openrouter.errors import OpenRouterError
from openrouter.events import Identified, StreamEvent, TextDelta, Usage, UsageReported
from openrouter.testing import ScriptedClient
from tests.chat.conftest import Ask

USAGE = UsageReported(Usage(prompt_tokens=90, completion_tokens=6, cost_usd=Decimal("0.00002")))
SCRIPT: list[StreamEvent] = [
    Identified("gen-title"),
    TextDelta('**"Why Skies'),
    TextDelta(' Are Blue."**\n'),
    USAGE,
]


@pytest.fixture
def talk(ask: Ask, settings: Settings) -> Conversation:
    settings.TITLES = "model"
    turn = ask("Why is the sky blue?")
    answered(turn)
    return turn.conversation


def answered(turn: Any, state: State = State.DONE) -> None:
    settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=Draft(["Scattering."]),
        state=state,
        timing=Timing(None, 1),
    )


def job_for(talk: Conversation) -> TitleJob:
    job = begin_title(talk.pk)
    assert job is not None
    return job


async def written(job: TitleJob, *script: Any) -> str:
    return await write_title(job, ScriptedClient(*script))


def test_the_call_is_reserved_as_a_title(talk: Conversation) -> None:
    job = job_for(talk)
    call = Call.objects.get(pk=job.call)
    assert (call.purpose, call.state) == (Purpose.TITLE, CallState.RUNNING)
    assert call.reserved_usd is not None
    assert call.conversation_ref == str(talk.pk)
    assert "Why is the sky blue?" in str(job.request.messages)
    assert job.request.max_completion_tokens <= 200


async def test_the_name_is_kept_and_its_cost_booked(talk: Conversation) -> None:
    job = await in_sync(job_for, talk)
    assert await written(job, *SCRIPT) == "Why Skies Are Blue"
    await talk.arefresh_from_db()
    assert (talk.title, talk.titled_by) == ("Why Skies Are Blue", TitledBy.MODEL)
    entry = await UsageRecord.objects.aget(purpose=Purpose.TITLE)
    assert (entry.cost_usd, entry.generation_id) == (Decimal("0.00002"), "gen-title")
    assert await in_sync(begin_title, talk.pk) is None, "it has a name now"


async def test_every_tab_is_told(talk: Conversation) -> None:
    relay = LocalRelay(Feed())
    follower = relay.feed.follow(talk.pk)
    await entitle(talk.pk, ScriptedClient(*SCRIPT), relay)
    frame = '<h1 id="title" hx-swap-oob="innerHTML">Why Skies Are Blue</h1>'
    assert follower.pending == [frame]
    assert await in_sync(Change("titled", talk.pk).draw) == frame


async def test_a_name_that_a_person_gave_meanwhile_stays(talk: Conversation) -> None:
    job = await in_sync(job_for, talk)
    await in_sync(rename, talk, "Mine")
    assert await written(job, *SCRIPT) == ""
    await talk.arefresh_from_db()
    assert talk.title == "Mine"
    assert await UsageRecord.objects.filter(purpose=Purpose.TITLE).acount() == 1


async def test_what_fails_leaves_the_first_words_and_is_settled(talk: Conversation) -> None:
    job = await in_sync(job_for, talk)
    assert await written(job, OpenRouterError(may_have_cost=False)) == ""
    await talk.arefresh_from_db()
    assert talk.title == "Why is the sky blue?"
    assert (await Call.objects.aget(pk=job.call)).state == CallState.RELEASED


async def test_a_bill_that_did_not_come_is_asked_for_later(talk: Conversation) -> None:
    job = await in_sync(job_for, talk)
    await written(job, Identified("gen-title"), TextDelta("Sky"))
    call = await Call.objects.aget(pk=job.call)
    assert (call.state, call.generation_id) == (CallState.PENDING, "gen-title")


async def test_a_process_that_ends_meanwhile_leaves_no_call_open(talk: Conversation) -> None:
    task = asyncio.create_task(entitle(talk.pk, ScriptedClient(*SCRIPT), LocalRelay(Feed())))
    await asyncio.sleep(0)  # it has begun, and its call is being reserved
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    call = await Call.objects.aget(purpose=Purpose.TITLE)
    assert call.state == CallState.RELEASED


def test_it_is_not_due_without_the_setting(talk: Conversation, settings: Settings) -> None:
    settings.TITLES = "prompt"
    assert begin_title(talk.pk) is None


def test_it_is_due_once_after_the_first_answer_that_ended_well(
    ask: Ask, ada: User, settings: Settings
) -> None:
    settings.TITLES = "model"
    running = ask("One", nonce="1")
    assert begin_title(running.conversation.pk) is None
    answered(running, State.STOPPED)
    assert begin_title(running.conversation.pk) is None
    longer = ask("Two", nonce="2")
    answered(longer)
    answered(ask("And?", conversation=longer.conversation, nonce="3"))
    assert begin_title(longer.conversation.pk) is None
    gone = ask("Three", nonce="4")
    answered(gone)
    delete(gone.conversation)
    assert begin_title(gone.conversation.pk) is None


def test_a_model_that_is_not_there_costs_nothing(talk: Conversation, settings: Settings) -> None:
    settings.TITLE_MODEL = "nobody/nothing"
    assert begin_title(talk.pk) is None
    assert not Call.objects.filter(purpose=Purpose.TITLE).exists()


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Blue Skies", "Blue Skies"),
        ('Title: "Blue Skies."', "Blue Skies"),
        ("\n\n# **Blue Skies**\n\nMore about it.", "Blue Skies"),
        ("„Blauer Himmel“", "Blauer Himmel"),
        ("", ""),
        ("\n ** \n", ""),
        ("x" * 500, "x" * 79 + "…"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),  # escaped where it is shown
    ],
)
def test_a_name_is_read_from_what_a_model_says(said: str, title: str) -> None:
    assert read_title(said) == title


async def in_sync(function: Any, *args: Any) -> Any:
    return await sync_to_async(function)(*args)


async def test_its_cost_stands_under_the_first_answer(talk: Conversation) -> None:
    await written(await sync_to_async(job_for)(talk), *SCRIPT)
    reply = await sync_to_async(lambda: talk.messages.get(role="assistant"))()
    cost = await sync_to_async(lambda: reply.turn_cost)()
    assert cost is not None
    assert (cost.cost_usd, cost.parts[-1].words) == (Decimal("0.00002"), "title")
