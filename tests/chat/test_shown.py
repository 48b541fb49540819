"""Long talks: a page begins with their newest messages, and the older ones can be had."""

from __future__ import annotations

import re

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from chat.models import Conversation, Message
from chat.shown import NEWEST, Branch
from tests.chat.test_consumers import tab

pytestmark = pytest.mark.django_db
SHOWN = re.compile(r'<article id="m(\d+)"')


def talk_of(ada: User, turns: int, *, state: str = "done") -> list[Message]:
    """So many questions, each with its answer."""
    conversation = Conversation.objects.create(user=ada, title="Long")
    messages: list[Message] = []
    for number in range(2 * turns):
        role = "assistant" if number % 2 else "user"
        messages.append(
            Message.objects.create(
                conversation=conversation,
                parent=messages[-1] if messages else None,
                role=role,
                text=f"Words {number}",
                html="<p>Words</p>" if role == "assistant" else "",
                state=state if role == "assistant" else "done",
            )
        )
    Conversation.objects.filter(pk=conversation.pk).update(head=messages[-1])
    return messages


def shown(html: bytes | str) -> list[int]:
    return [int(pk) for pk in SHOWN.findall(html.decode() if isinstance(html, bytes) else html)]


def keys(messages: list[Message]) -> list[int]:
    return [message.pk for message in messages]


@pytest.fixture
def mine(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def test_a_page_begins_with_the_newest_and_leads_to_the_rest(mine: Client, ada: User) -> None:
    messages = talk_of(ada, 60)
    page = mine.get(messages[0].conversation.get_absolute_url()).content.decode()
    assert shown(page) == keys(messages[-NEWEST:])
    assert f">{120 - NEWEST} earlier messages</a>" in page
    link = re.search(r'id="earlier"[^>]*href="([^"#]+)#m(\d+)"', page)
    assert link is not None
    assert int(link[2]) == messages[-NEWEST].pk
    without_script = mine.get(link[1])
    assert shown(without_script.content) == keys(messages[-2 * NEWEST :])


def test_a_short_talk_is_shown_whole(mine: Client, ada: User) -> None:
    messages = talk_of(ada, NEWEST // 2)
    page = mine.get(messages[0].conversation.get_absolute_url()).content.decode()
    assert shown(page) == keys(messages)
    assert 'id="earlier"' not in page


def test_older_messages_come_in_stretches_until_there_are_none(mine: Client, ada: User) -> None:
    messages = talk_of(ada, 60)
    address = reverse("chat:earlier", args=[messages[0].conversation_id])
    begin, seen = messages[-NEWEST].pk, keys(messages[-NEWEST:])
    while begin != messages[0].pk:
        html = mine.get(address, {"before": begin}).content.decode()
        come = shown(html)
        assert ('id="earlier"' in html) == (come[0] != messages[0].pk)
        begin, seen = come[0], come + seen
    assert seen == keys(messages)


def test_all_of_them_come_at_once_where_they_are_looked_through(mine: Client, ada: User) -> None:
    messages = talk_of(ada, 60)
    address = reverse("chat:earlier", args=[messages[0].conversation_id])
    asked = {"before": str(messages[-NEWEST].pk), "all": ""}
    html = mine.get(address, asked).content.decode()
    assert shown(html) == keys(messages[:-NEWEST])
    assert 'id="earlier"' not in html


def test_an_answer_comes_with_its_question(ada: User) -> None:
    messages = talk_of(ada, 60)
    branch = Branch(Conversation.objects.get())
    stretch = branch.before(messages[-1].pk)
    assert stretch is not None
    assert stretch.messages[0].role == "user"
    assert len(stretch.messages) == NEWEST + 1


def test_a_page_opened_at_a_message_begins_there(mine: Client, ada: User) -> None:
    messages = talk_of(ada, 60)
    found = mine.get(reverse("chat:at", args=[messages[10].pk]))
    page, _, place = found["Location"].partition("#")
    assert place == f"m{messages[10].pk}"
    assert shown(mine.get(page).content) == keys(messages[10:])


@pytest.mark.parametrize("asked", ["", "0", "-1", "x", "9" * 30, "99999", "١"])
def test_what_is_no_message_of_the_branch_is_no_place(mine: Client, ada: User, asked: str) -> None:
    messages = talk_of(ada, 30)
    conversation = messages[0].conversation
    page = mine.get(conversation.get_absolute_url(), {"from": asked})
    assert shown(page.content) == keys(messages[-NEWEST:])
    earlier = mine.get(reverse("chat:earlier", args=[conversation.pk]), {"before": asked})
    assert earlier.status_code == 204


def test_nobody_else_has_them(ada: User, eve: User, client: Client) -> None:
    messages = talk_of(ada, 60)
    client.force_login(eve)
    address = reverse("chat:earlier", args=[messages[0].conversation_id])
    assert client.get(address, {"before": messages[-1].pk}).status_code == 404


def test_a_longer_talk_takes_no_more_questions(mine: Client, ada: User) -> None:
    counts = []
    for turns in (25, 75):
        messages = talk_of(ada, turns)
        with CaptureQueriesContext(connection) as queries:
            mine.get(messages[0].conversation.get_absolute_url())
        counts.append(len(queries))
    assert counts[1] <= counts[0]


def test_arrows_know_branches_beside_what_is_shown(mine: Client, ada: User) -> None:
    messages = talk_of(ada, 60)
    last = messages[-1]
    beside = Message.objects.create(
        conversation=last.conversation, parent=last.parent, role="assistant", text="Or so"
    )
    stretch = Branch(Conversation.objects.get()).newest()
    assert stretch.messages[-1].place == (1, 2, None, beside.pk)


async def test_a_tab_without_anything_settled_is_begun_anew_with_the_newest(ada: User) -> None:
    messages = await sync_to_async(talk_of)(ada, 60, state="failed")
    communicator = tab(ada, messages[0].conversation_id)
    await communicator.connect()
    frame = await communicator.receive_from()
    await communicator.disconnect()
    assert frame.startswith('<div id="messages" hx-swap-oob="innerHTML"><div id="live">')
    assert shown(frame) == keys(messages[-NEWEST:])
    assert 'id="earlier"' in frame


async def test_a_tab_far_behind_is_begun_anew_with_the_newest(ada: User) -> None:
    messages = await sync_to_async(talk_of)(ada, 60)
    communicator = tab(ada, messages[0].conversation_id, f"?after={messages[3].pk}")
    await communicator.connect()
    frame = await communicator.receive_from()
    await communicator.disconnect()
    assert frame.startswith('<div id="messages" hx-swap-oob="innerHTML">')
    assert shown(frame) == keys(messages[-NEWEST:])


async def test_a_tab_that_is_not_far_behind_keeps_what_it_shows(ada: User) -> None:
    messages = await sync_to_async(talk_of)(ada, 60)
    communicator = tab(ada, messages[0].conversation_id, f"?after={messages[-3].pk}")
    await communicator.connect()
    frame = await communicator.receive_from()
    await communicator.disconnect()
    assert frame.startswith('<div id="live" hx-swap-oob="innerHTML">')
    assert shown(frame) == keys(messages[-2:])
