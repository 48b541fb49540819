"""A stopped answer says "pending", and then what it cost: on the open page, and after a reload."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Call, CallState, UsageRecord
from billing.settlement import settle_due
from chat.database import in_database
from chat.models import Conversation, Message, State
from chat.relay import Change
from chat.runner import Runner
from chat.services import Turn, send
from openrouter.client import ClientConfig, OpenRouterClient
from openrouter.emulator.app import Emulator
from openrouter.emulator.settings import DEMO_KEY, instant
from openrouter.emulator.transport import EmulatorTransport
from routing.shelf import shelf
from routing.sync import store_catalogue
from tests.routing.factories import info

pytestmark = pytest.mark.django_db
MODEL = "openai/gpt-5-mini"
SAID = "[[say: one two three four five six seven eight nine ten]]"


@pytest.fixture(autouse=True)
def _catalogue(db: None) -> Iterator[None]:
    shelf.forget()
    store_catalogue([info(MODEL)], now=timezone.now())
    yield
    shelf.forget()


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(instant())


def make_client(emulator: Emulator) -> OpenRouterClient:
    config = ClientConfig(api_key=DEMO_KEY, base_url="http://upstream/api/v1")

    async def at_once(_delay_s: float) -> None: ...

    return OpenRouterClient(config, EmulatorTransport(emulator), sleep=at_once)


@asynccontextmanager
async def running(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runner]:
    monkeypatch.setattr(in_database, "open", lambda: None)  # the ORM stays on this connection
    monkeypatch.setattr("chat.runner.import_string", lambda _: lambda: make_client(emulator))
    monkeypatch.setattr("chat.runner.SETTLE_S", 3600.0)  # bills are asked for where a test says so
    runner = Runner()
    await runner.open()
    try:
        yield runner
    finally:
        await runner.close()


def ask(user: User, order: str, owner: str) -> Turn:
    return send(
        user=user,
        conversation=None,
        prompt=f"Say something. {order} {SAID}",
        choice="",
        nonce="",
        owner=owner,
    )


async def answered(user: User, order: str, runner: Runner, *, stop: bool = False) -> Message:
    """A reply that was written by the runner to its end, or stopped after its first words."""
    turn = await sync_to_async(ask)(user, order, runner.owner)
    assert turn.job
    runner.start(turn.job, Change("turn", turn.conversation.pk, turn.reply.pk), "")
    await asyncio.sleep(0)
    writer = runner.writers[turn.job.reply]
    assert writer.task
    while stop and not writer.draft.text:  # noqa: ASYNC110 (as a person looks)
        await asyncio.sleep(0)
    if stop:
        writer.end(State.STOPPED)
    await writer.task
    return await Message.objects.with_books().aget(pk=turn.reply.pk)


def page(user: User, conversation: Conversation) -> str:
    client = Client()
    client.force_login(user)
    return client.get(conversation.get_absolute_url()).content.decode()


async def test_the_figure_of_a_stopped_answer_comes_to_the_open_page_and_stays(
    person: User, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(emulator, monkeypatch) as runner:
        reply = await answered(person, "[[fault: stall after=4]]", runner, stop=True)
        assert reply.call
        assert (reply.state, reply.usage, reply.call.state) == (
            State.STOPPED, None, CallState.PENDING,
        )  # fmt: skip
        conversation = await Conversation.objects.aget(pk=reply.conversation_id)
        assert "cost pending" in await sync_to_async(page)(person, conversation)
        follower = runner.feed.follow(reply.conversation_id)
        await Call.objects.aupdate(next_try_at=None)
        await runner._settle_bills()
        frames = "".join(follower.pending)
    entry = await UsageRecord.objects.aget()
    assert entry.cost_usd == emulator.bill.total() > 0
    assert f'id="m{reply.pk}"' in frames
    assert "cost pending" not in frames
    assert "Cost of this answer" in await sync_to_async(page)(person, conversation)


async def test_a_request_that_failed_early_and_was_made_again_is_paid_for_twice(
    person: User, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(emulator, monkeypatch) as runner:
        order = "[[fault: error-empty-choices billed=1 times=1]]"
        reply = await answered(person, order, runner)
        assert reply.state == State.DONE
        assert await Call.objects.acount() == 2
        await settle_due(make_client(emulator), at_once=True)
    total = await sync_to_async(UsageRecord.objects.total_usd)()
    assert total == emulator.bill.total()
    assert len(emulator.bill) == await UsageRecord.objects.acount() == 2
    assert reply.usage
    assert reply.usage.generation_id == list(emulator.bill)[1].generation_id


async def test_a_refusal_that_cost_nothing_is_no_call_of_its_own(
    person: User, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(emulator, monkeypatch) as runner:
        reply = await answered(person, "[[fault: 429 times=1]]", runner)
    assert reply.state == State.DONE
    assert await Call.objects.acount() == 1


async def test_a_fallback_is_booked_under_the_model_that_answered(
    person: User, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = "anthropic/claude-haiku-4.5"
    await sync_to_async(store_catalogue)([info(MODEL), info(spare)], now=timezone.now())
    async with running(emulator, monkeypatch) as runner:
        await answered(person, "[[fault: 503 on=first]]", runner)
    entry = await UsageRecord.objects.aget()
    (billed,) = emulator.bill
    assert entry.requested_model != billed.model.id
    assert (entry.served_model, entry.cost_usd) == (billed.model.served_slug, billed.cost)


def test_a_bill_for_a_deleted_conversation_is_booked_all_the_same(
    person: User, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop_and_leave() -> None:
        async with running(emulator, monkeypatch) as runner:
            await answered(person, "[[fault: stall after=4]]", runner, stop=True)

    async_to_sync(stop_and_leave)()
    Conversation.objects.all().delete()
    person.delete()
    async_to_sync(settle_due)(make_client(emulator), at_once=True)
    assert UsageRecord.objects.total_usd() == emulator.bill.total() > 0
