"""An administrator reads a chat: not by default, never without a trace, and nothing in it acts."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from accounts.models import Action, AuditEntry, User
from accounts.takeout import write_zip
from chat.models import Conversation, Message
from tests.accounts.people import noted
from tests.chat.conftest import Ask

pytestmark = pytest.mark.django_db
WORD = "plaintiff-7f3a"
WHY = {"reason": "A complaint of 3 March"}
HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)"> [x](javascript:alert(3))'


@pytest.fixture
def talk(ask: Ask) -> Conversation:
    turn = ask(f"What of {WORD}?")
    Message.objects.filter(pk=turn.reply.pk).update(
        text=f"{WORD} {HOSTILE}", html="<script>stored()</script>", state="done", lease_until=None
    )
    Conversation.objects.filter(pk=turn.conversation.pk).update(title=f"About {WORD}")
    return turn.conversation


def clerk(*permissions: str) -> User:
    user = User.objects.create_user("clerk", password="engine", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return user


def page_of(talk: Conversation) -> str:
    return f"/admin/chat/conversation/{talk.pk}"


def test_nobody_reads_by_default(talk: Conversation, root: User, client: Client) -> None:
    client.force_login(root)
    base = "/admin/chat/conversation/"
    asked = client.get(f"{page_of(talk)}/change/")
    assert b"ADMIN_READS_CHATS is false" in asked.content
    for url in (base, f"{base}?q=ada", f"{base}?q={talk.pk}"):
        listed = client.get(url).content.decode()
        assert str(talk.pk) in listed
        assert WORD not in listed
    assert WORD not in asked.content.decode()
    answer = client.post(f"{page_of(talk)}/read/", WHY)
    assert answer.status_code == 403
    assert WORD not in answer.content.decode()


def test_who_may_read_leaves_a_trace_each_time(
    talk: Conversation, client: Client, settings: Settings
) -> None:
    settings.ADMIN_READS_CHATS = True
    reader = clerk("view_conversation", "read_conversation")
    client.force_login(reader)
    for times in (1, 2):
        answer = client.post(f"{page_of(talk)}/read/", WHY)
        assert f"What of {WORD}?" in answer.content.decode()
        assert f"About {WORD}" in answer.content.decode()
        assert "no-store" in answer.headers["Cache-Control"]
        entries = noted(Action.CHAT_READ)
        assert len(entries) == times
    assert entries[0].actor_ref == f"user-{reader.pk}"
    assert entries[0].subject_ref == f"conversation-{talk.pk}"
    assert entries[0].detail == {"of": f"user-{talk.user_id}", "why": WHY["reason"]}
    assert WORD not in str(list(AuditEntry.objects.values()))


def test_no_trace_no_text(
    talk: Conversation, root: User, client: Client, settings: Settings
) -> None:
    """The entry comes first: where it cannot be written, nothing is shown."""
    settings.ADMIN_READS_CHATS = True
    settings.AUDIT_LOG = "tests.accounts.test_reading.broken"
    client.force_login(root)
    client.raise_request_exception = False
    answer = client.post(f"{page_of(talk)}/read/", WHY)
    assert answer.status_code == 500
    assert WORD not in answer.content.decode()


def broken(*_: object, **__: object) -> None:
    raise OSError("the log cannot be written")


@pytest.mark.parametrize("reason", ["", "   ", "x", "y" * 201])
def test_without_a_reason_nothing_is_shown(
    talk: Conversation, root: User, client: Client, settings: Settings, reason: str
) -> None:
    settings.ADMIN_READS_CHATS = True
    client.force_login(root)
    answer = client.post(f"{page_of(talk)}/read/", {"reason": reason})
    assert answer.status_code == 400
    assert WORD not in answer.content.decode()
    assert client.get(f"{page_of(talk)}/read/").status_code == 302
    assert not noted(Action.CHAT_READ)


@pytest.mark.parametrize(
    "permissions", [(), ("view_conversation",), ("read_conversation",), ("view_user",)]
)
def test_it_takes_both_permissions(
    talk: Conversation, client: Client, settings: Settings, permissions: tuple[str, ...]
) -> None:
    settings.ADMIN_READS_CHATS = True
    client.force_login(clerk(*permissions))
    answer = client.post(f"{page_of(talk)}/read/", WHY)
    assert answer.status_code == 403
    assert WORD not in answer.content.decode()
    assert not noted(Action.CHAT_READ)


def test_nothing_in_it_acts(
    talk: Conversation, root: User, client: Client, settings: Settings
) -> None:
    settings.ADMIN_READS_CHATS = True
    client.force_login(root)
    answer = client.post(f"{page_of(talk)}/read/", WHY)
    page = answer.content.decode()
    body = page.partition("<main")[2]
    for active in ("<script", "<img", 'href="javascript:', "stored()"):
        assert active not in body, active
    assert "&lt;script&gt;" in body
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_what_its_owner_deleted_is_gone_for_a_reader_too(
    talk: Conversation, root: User, client: Client, settings: Settings
) -> None:
    settings.ADMIN_READS_CHATS = True
    client.force_login(root)
    client.force_login(talk.user)
    client.post(f"/c/{talk.pk}/delete/")
    client.force_login(root)
    assert client.post(f"{page_of(talk)}/read/", WHY).status_code == 404
    assert str(talk.pk) not in client.get("/admin/chat/conversation/").content.decode()


@pytest.mark.parametrize("key", ["1", "x", "0" * 36, "00000000-0000-0000-0000-000000000000"])
def test_an_id_of_nothing_is_none(root: User, client: Client, settings: Settings, key: str) -> None:
    settings.ADMIN_READS_CHATS = True
    client.force_login(root)
    for rest in ("change/", "read/"):
        assert client.get(f"/admin/chat/conversation/{key}/{rest}").status_code == 404
    assert client.get("/admin/chat/conversation/", {"q": key}).status_code == 200


def test_nobody_changes_or_deletes_one_there(
    talk: Conversation, root: User, client: Client
) -> None:
    client.force_login(root)
    assert client.get("/admin/chat/conversation/add/").status_code == 403
    assert client.post(f"{page_of(talk)}/delete/", {"post": "yes"}).status_code == 403
    client.post(f"{page_of(talk)}/change/", {"title": "mine"})
    sent = {"action": "delete_selected", "_selected_action": [str(talk.pk)], "post": "yes"}
    client.post("/admin/chat/conversation/", sent)
    assert Conversation.objects.get(pk=talk.pk).title == f"About {WORD}"


def test_a_person_finds_it_among_their_data(
    talk: Conversation, root: User, ada: User, client: Client, settings: Settings
) -> None:
    file = io.BytesIO()
    settings.ADMIN_READS_CHATS = True
    client.force_login(root)
    client.post(f"{page_of(talk)}/read/", WHY)
    write_zip(ada, file)
    told = zipfile.ZipFile(file).read("audit.json").decode()
    assert WHY["reason"] in told
    assert f'"by": "user-{root.pk}"' in told
    assert "127.0.0.1" not in told
