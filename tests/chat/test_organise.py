"""The list of conversations, and what is done to one: nothing lost, nobody else's touched."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.models import Call, UsageRecord
from chat.drafts import Draft
from chat.models import Conversation, Folder, Message, State, TitledBy
from chat.organise import (
    Entry,
    archive,
    by_date,
    create_folder,
    delete,
    move,
    pin,
    purge_deleted,
    rename,
    sidebar_of,
)
from chat.settlement import Timing, settle_reply
from openrouter.events import Usage
from tests.chat.conftest import Ask

HTMX = {"HX-Request": "true"}
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def entry(title: str, days_ago: int) -> Entry:
    return Entry(UUID(int=days_ago + 9), title, NOON - dt.timedelta(days=days_ago), False, None)


def talk(user: User, title: str, **fields: Any) -> Conversation:
    return Conversation.objects.create(user=user, title=title, **fields)


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def act(
    page: Client, command: str, conversation: Conversation, *, htmx: bool = True, **fields: str
) -> Any:
    url = reverse(f"chat:{command}", args=[conversation.pk])
    return page.post(url, fields, headers=HTMX if htmx else {})


def titles(entries: list[Entry]) -> list[str]:
    return [entry.title for entry in entries]


# --- The list


def test_conversations_are_grouped_by_the_day_they_were_last_touched() -> None:
    days = {"ahead": -1, "now": 0, "one": 1, "two": 2, "seven": 7, "eight": 8, "thirty": 30}
    days |= {"month": 31, "same": 45, "autumn": 70, "old": 400}
    periods = by_date([entry(title, ago) for title, ago in days.items()], today=NOON.date())
    assert {period.name: titles(period.entries) for period in periods} == {
        "Today": ["ahead", "now"],
        "Yesterday": ["one"],
        "Previous 7 days": ["two", "seven"],
        "Previous 30 days": ["eight", "thirty"],
        "October": ["month", "same"],
        "September": ["autumn"],
        "October 2025": ["old"],
    }


def test_each_conversation_stands_in_one_place(ada: User) -> None:
    folder = create_folder(ada, "Work")
    talk(ada, "loose")
    talk(ada, "kept", folder=folder)
    talk(ada, "both", folder=folder, is_pinned=True)
    talk(ada, "put away", archived_at=timezone.now())
    talk(ada, "thrown away", deleted_at=timezone.now())
    sidebar = sidebar_of(ada)
    assert titles(sidebar.pinned) == ["both"]
    assert [titles(folder.entries) for folder in sidebar.folders] == [["kept"]]
    assert [titles(period.entries) for period in sidebar.periods] == [["loose"]]


def test_older_conversations_come_on_demand_and_none_twice(ada: User) -> None:
    when = timezone.now() - dt.timedelta(days=40)
    Conversation.objects.bulk_create(
        Conversation(user=ada, title=f"{n}", updated_at=when - dt.timedelta(minutes=n))
        for n in range(150)
    )
    first = sidebar_of(ada)
    assert sum(len(period.entries) for period in first.periods) == 100
    assert first.older == 200
    second = sidebar_of(ada, shown=first.older)
    found = [entry.title for period in second.periods for entry in period.entries]
    assert found == [str(n) for n in range(150)]
    assert second.older == 0


def test_the_list_takes_no_more_queries_for_more_folders(ada: User) -> None:
    counts = []
    for number in range(2):
        for inner in range(3):
            folder = create_folder(ada, f"Folder {number} {inner}")
            talk(ada, "kept", folder=folder)
        with CaptureQueriesContext(connection) as queries:
            sidebar_of(ada)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 4


def test_one_that_is_still_answering_is_marked(page: Client, ask: Ask) -> None:
    turn = ask("Still thinking")
    assert sidebar_of(turn.conversation.user).is_answering
    html = page.get(reverse("chat:sidebar")).content.decode()
    assert "still answering" in html
    assert "data-answering" in html
    Message.objects.running().update(state=State.DONE, lease_until=None)
    assert "still answering" not in page.get(reverse("chat:sidebar")).content.decode()


def test_anothers_conversations_are_not_listed(ada: User, eve: User) -> None:
    talk(ada, "Ada's")
    create_folder(ada, "Ada's folder")
    assert sidebar_of(eve).periods == []
    assert sidebar_of(eve).folders == []


# --- What is done to one


def test_what_is_put_elsewhere_is_no_newer(ada: User) -> None:
    conversation = talk(ada, "Old", updated_at=NOON)
    rename(conversation, "  Another \n name ")
    pin(conversation, is_pinned=True)
    move(conversation, create_folder(ada, "Work"))
    archive(conversation, is_archived=True)
    conversation.refresh_from_db()
    assert conversation.updated_at == NOON
    assert conversation.title == "Another name"
    assert conversation.titled_by == TitledBy.PERSON
    assert not conversation.is_pinned


def test_a_new_name_is_shown_where_the_conversation_is_open(page: Client, ada: User) -> None:
    conversation = talk(ada, "Before")
    url = reverse("chat:rename", args=[conversation.pk])
    here = HTMX | {"HX-Current-URL": f"http://testserver{conversation.get_absolute_url()}"}
    html = page.post(url, {"title": "<b>After</b>"}, headers=here).content.decode()
    assert '<h1 id="title" hx-swap-oob="innerHTML">&lt;b&gt;After&lt;/b&gt;</h1>' in html
    elsewhere = page.post(url, {"title": "Again"}, headers=HTMX).content.decode()
    assert 'id="title"' not in elsewhere
    assert "Again" in elsewhere


@pytest.mark.parametrize("htmx", [True, False])
def test_a_name_of_nothing_is_refused(page: Client, ada: User, *, htmx: bool) -> None:
    conversation = talk(ada, "Before")
    response = act(page, "rename", conversation, htmx=htmx, title="   ")
    assert "needs a name" in response.content.decode()
    assert Conversation.objects.get().title == "Before"


def test_a_deleted_conversation_does_not_exist_until_it_is_restored(
    page: Client, ask: Ask, started: None
) -> None:
    turn = ask("Precious")
    conversation = turn.conversation
    before = list(conversation.messages.values())
    html = act(page, "delete", conversation).content.decode()
    assert "Conversation deleted." in html
    assert reverse("chat:restore", args=[conversation.pk]) in html
    assert page.get(conversation.get_absolute_url()).status_code == 404
    assert not Message.objects.owned_by(conversation.user).exists()
    for command in ("rename", "pin", "archive", "move", "send_to"):
        assert act(page, command, conversation, title="x", prompt="x").status_code == 404
    act(page, "restore", conversation)
    assert page.get(conversation.get_absolute_url()).status_code == 200
    assert list(conversation.messages.values()) == before


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.runner.runner.start", lambda *_: None)


def test_deleting_what_is_on_show_leads_to_a_new_chat_and_undo_back(
    page: Client, ada: User
) -> None:
    conversation = talk(ada, "On show")
    here = HTMX | {"HX-Current-URL": f"http://testserver{conversation.get_absolute_url()}"}
    response = page.post(reverse("chat:delete", args=[conversation.pk]), headers=here)
    assert response["HX-Push-Url"] == "/"
    assert 'id="empty"' in response.content.decode()
    undone = page.post(
        reverse("chat:restore", args=[conversation.pk]), {"undo": "1", "open": "1"}, headers=HTMX
    )
    assert undone["HX-Redirect"] == conversation.get_absolute_url()


def test_what_was_deleted_goes_when_its_time_is_over_and_the_books_stay(
    ask: Ask, settings: Settings
) -> None:
    settings.DELETED_KEPT_MINUTES = 60
    kept, gone = ask("Kept", nonce="1"), ask("Gone", nonce="2")
    usage = Usage(prompt_tokens=1, completion_tokens=1, cost_usd=None)
    for turn in (kept, gone):
        settle_reply(
            pk=turn.reply.pk,
            call_id=turn.reply.call_id,
            draft=Draft(["x"], usage=usage),
            state=State.DONE,
            timing=Timing(None, 1),
        )
        delete(turn.conversation)
    books = list(UsageRecord.objects.values()), list(Call.objects.values())
    Conversation.objects.filter(pk=gone.conversation.pk).update(
        deleted_at=timezone.now() - dt.timedelta(minutes=61)
    )
    assert purge_deleted() == 1
    assert [it.pk for it in Conversation.objects.all()] == [kept.conversation.pk]
    assert (list(UsageRecord.objects.values()), list(Call.objects.values())) == books
    assert purge_deleted() == 0


def test_the_command_purges_too(ada: User, capsys: pytest.CaptureFixture[str]) -> None:
    talk(ada, "Gone", deleted_at=NOON - dt.timedelta(days=9))
    call_command("purge_deleted")
    assert "1 conversations" in capsys.readouterr().out
    assert not Conversation.objects.exists()


# --- Folders


def test_a_folder_is_made_by_moving_into_it_and_once(page: Client, ada: User) -> None:
    one, two = talk(ada, "One"), talk(ada, "Two")
    act(page, "move", one, name="Work")
    act(page, "move", two, name=" work ")
    folder = Folder.objects.get()
    assert {it.folder_id for it in Conversation.objects.all()} == {folder.pk}
    act(page, "move", one)
    assert Conversation.objects.get(pk=one.pk).folder_id is None


def test_a_folder_that_is_deleted_takes_nothing_with_it(page: Client, ada: User) -> None:
    folder = create_folder(ada, "Work")
    conversation = talk(ada, "Kept", folder=folder)
    page.post(reverse("chat:delete_folder", args=[folder.pk]))
    assert not Folder.objects.exists()
    assert titles(sidebar_of(ada).periods[0].entries) == [conversation.title]


def test_two_folders_of_one_name_are_refused(page: Client, ada: User) -> None:
    create_folder(ada, "Work")
    other = create_folder(ada, "Home")
    response = page.post(reverse("chat:rename_folder", args=[other.pk]), {"name": "WORK"})
    assert response.status_code == 400
    assert "already" in response.content.decode()
    other.refresh_from_db()
    assert other.name == "Home"


# --- Whose it is


@pytest.mark.parametrize(
    "command", ["rename", "pin", "move", "archive", "delete", "restore", "options"]
)
def test_what_is_anothers_does_not_exist(
    client: Client, ada: User, eve: User, command: str
) -> None:
    conversation = talk(ada, "Ada's")
    before = Conversation.objects.filter(pk=conversation.pk).values().get()
    client.force_login(eve)
    url = reverse(f"chat:{command}", args=[conversation.pk])
    ask = client.get if command == "options" else client.post
    assert ask(url, {"title": "Eve's", "name": "Eve's"}).status_code == 404
    assert Conversation.objects.filter(pk=conversation.pk).values().get() == before


def test_anothers_folder_is_no_place(client: Client, ada: User, eve: User) -> None:
    folder = create_folder(ada, "Ada's")
    mine = talk(eve, "Eve's")
    client.force_login(eve)
    assert act(client, "move", mine, folder=str(folder.pk)).status_code == 404
    for command in ("rename_folder", "delete_folder"):
        url = reverse(f"chat:{command}", args=[folder.pk])
        assert client.post(url, {"name": "Mine"}).status_code == 404
    assert client.get(reverse("chat:library"), {"which": folder.pk}).status_code == 404
    assert Folder.objects.get() == folder


@pytest.mark.parametrize("which", ["all", "archived", "deleted"])
def test_the_library_has_a_page_for_each_and_works_without_javascript(
    page: Client, ada: User, which: str
) -> None:
    talk(ada, "Plain")
    talk(ada, "Put away", archived_at=timezone.now())
    talk(ada, "Thrown away", deleted_at=timezone.now())
    html = page.get(reverse("chat:library"), {"which": which}).content.decode()
    shown = [name for name in ("Plain", "Put away", "Thrown away") if name in html]
    assert shown == [{"all": "Plain", "archived": "Put away", "deleted": "Thrown away"}[which]]


@pytest.mark.parametrize("which", ["x", "-1", "9" * 40, "²"])
def test_a_folder_that_cannot_be_is_not_found(page: Client, which: str) -> None:
    assert page.get(reverse("chat:library"), {"which": which}).status_code == 404


def test_without_javascript_a_deleted_one_is_shown_with_its_way_back(
    page: Client, ada: User
) -> None:
    response = act(page, "delete", talk(ada, "Oops"), htmx=False)
    html = page.get(response["Location"]).content.decode()
    assert "Oops" in html
    assert "Restore" in html
