"""Erasing a person: all of it goes, the books stay, and a receipt says both."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.audit import note
from accounts.erasure import erase
from accounts.invitations import invite
from accounts.models import Action, AuditEntry, AuditOrigin, Invitation, User
from billing.key_models import KeyKind, UpstreamKey
from billing.keys import connect_own, keep
from billing.models import Budget, Call, CallState
from chat.attachments import attach
from chat.models import Conversation, Favourite, Message, SavedPrompt
from chat.organise import create_folder
from chat.sharing import share
from openrouter.events import Usage
from tests.accounts.people import noted
from tests.chat.conftest import Ask
from tests.chat.test_books_outlive_chats import books
from tests.chat.test_costs_shown import settled

pytestmark = pytest.mark.django_db
WORD = "plaintiff"


@pytest.fixture
def rich(ask: Ask, ada: User) -> Conversation:
    """A conversation of ada's, and one of everything else, `plaintiff` in all of it."""
    User.objects.filter(pk=ada.pk).update(first_name=WORD, email=f"{WORD}@example.org")
    ada.refresh_from_db()
    EmailAddress.objects.create(user=ada, email=ada.email, primary=True, verified=True)
    turn = ask(f"What of the {WORD}?")
    settled(turn, Usage(prompt_tokens=3, completion_tokens=2, cost_usd=Decimal("0.0000123")))
    Conversation.objects.filter(pk=turn.conversation.pk).update(title=WORD)
    turn.conversation.refresh_from_db()
    attach(user=ada, upload=SimpleUploadedFile(f"{WORD}.txt", WORD.encode()))
    create_folder(ada, WORD)
    SavedPrompt.objects.create(user=ada, name=WORD, text=WORD)
    Favourite.objects.create(user=ada, slug="acme/one")
    share(turn.conversation, days="", shown_name=WORD)
    Budget.objects.create(user=ada, per_month_usd=Decimal(5))
    return turn.conversation


def everything() -> str:
    """All that the database holds, in one text; the audit log and the ledger, too."""
    managers = [model._default_manager for model in apps.get_models()]
    with connection.cursor() as cursor:
        found = ""
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT count(*) FROM chat_message_search WHERE chat_message_search MATCH %s",
                [WORD],
            )
            found = WORD if cursor.fetchone()[0] else ""
    return found + "".join(str(list(manager.values())) for manager in managers)


def bytes_of_files(settings: Settings) -> list[Path]:
    return [it for it in Path(settings.ATTACHMENT_DIR).rglob("*") if it.is_file()]


def test_nothing_that_names_or_quotes_a_person_is_left(
    rich: Conversation, ada: User, root: User, settings: Settings
) -> None:
    settings.SIGN_UP = "invitation"
    invite(by=root, email=ada.email)
    LogEntry.objects.log_actions(root.pk, [ada], 2, "changed")
    assert WORD in everything()
    assert bytes_of_files(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.transaction.on_commit", lambda do, **_: do())
        receipt = erase(ada, patience_s=0)
    assert WORD not in everything()
    assert not bytes_of_files(settings)
    assert not Invitation.objects.exists()
    assert not LogEntry.objects.filter(object_repr="ada").exists()
    assert not User.objects.filter(username="ada").exists()
    told = {line.what: line.count for line in receipt.removed}
    assert (told["conversations"], told["messages"], told["attached files"]) == (1, 2, 1)
    assert told["budgets"] == told["shared links"] == told["saved prompts"] == 1


def test_the_books_and_their_sums_stay(rich: Conversation, ada: User) -> None:
    ref = f"user-{ada.pk}"
    before = books(rich, ref)
    assert before["person"] == Decimal("0.0000123")
    receipt = erase(ada, patience_s=0)
    assert books(rich, ref) == before
    assert [line.count for line in receipt.stays[:2]] == [1, 1]


def test_the_audit_log_stays_without_addresses(ada: User, root: User, client: Client) -> None:
    client.post("/accounts/login/", {"login": "ada", "password": "engine"})
    assert AuditOrigin.objects.count() == 1
    erase(ada, by=root, patience_s=0)
    assert [entry.subject_ref for entry in noted(Action.SIGNED_IN)] == [f"user-{ada.pk}"]
    assert not AuditOrigin.objects.exists()
    (entry,) = noted(Action.ERASED)
    assert (entry.actor_ref, entry.subject_ref) == (f"user-{root.pk}", f"user-{ada.pk}")


def test_a_running_reply_is_stopped_and_booked(ask: Ask, ada: User) -> None:
    turn = ask()
    assert turn.reply.is_running
    erase(ada, patience_s=0)
    assert not Message.objects.exists()
    call = Call.objects.get()
    assert call.state in (CallState.PENDING, CallState.RELEASED)
    assert call.user is None


def test_every_session_ends(ada: User, eve: User) -> None:
    hers, others = Client(), Client()
    hers.force_login(ada)
    others.force_login(eve)
    erase(ada, patience_s=0)
    assert hers.get("/usage/").status_code == 302
    assert others.get("/usage/").status_code == 200


class Management:
    """Stands for OpenRouter's key management."""

    asked: list[tuple[str, dict[str, Any]]] = []
    fails = False

    async def update_key(self, key_hash: str, **changes: Any) -> None:
        if self.fails:
            raise TimeoutError
        self.asked.append((key_hash, changes))

    async def aclose(self) -> None: ...


@pytest.mark.parametrize("fails", [False, True])
def test_the_key_made_for_them_is_disabled(
    ada: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    monkeypatch.setattr(Management, "asked", [])
    monkeypatch.setattr(Management, "fails", fails)
    settings.OPENROUTER_MANAGEMENT_CLIENT = "tests.accounts.test_erasure.Management"
    made = keep(UpstreamKey(kind=KeyKind.PERSONAL, user=ada, label="x"), "sk-or-v1-made-for-ada")
    own = connect_own(user=ada, secret="sk-or-v1-her-own")
    receipt = erase(ada, patience_s=0)
    told = " ".join(receipt.notes)
    made.refresh_from_db()
    assert (made.token, made.user_id) == ("", None)
    assert made.ended_at
    assert not UpstreamKey.objects.filter(pk=own.pk).exists()
    assert Management.asked == ([] if fails else [(made.hash, {"disabled": True})])
    assert ("could not be disabled" in told) == fails
    assert "they delete it in their account" in told


def test_the_last_superuser_stays(root: User, ada: User) -> None:
    with pytest.raises(CommandError, match="last active superuser"):
        call_command("erase_user", "root")
    User.objects.filter(pk=ada.pk).update(is_superuser=True, is_active=False)
    with pytest.raises(CommandError, match="last active superuser"):
        call_command("erase_user", "root")
    assert User.objects.filter(username="root", is_active=True).exists()


def test_the_command_says_what_it_would_do_and_does_it(
    rich: Conversation, ada: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("erase_user", "ada", "--dry-run")
    dry = capsys.readouterr().out
    assert "Nothing was removed" in dry
    assert User.objects.filter(pk=ada.pk, is_active=True).exists()
    call_command("erase_user", f"user-{ada.pk}")
    done = capsys.readouterr().out
    assert "     1  conversations" in dry
    assert "     1  conversations" in done
    assert "entries of the ledger: the books must close" in done
    assert not User.objects.filter(pk=ada.pk).exists()


def test_the_command_knows_nobody_of_that_name(ada: User) -> None:
    for name in ("adam", "user-999", "user-x", "7"):
        with pytest.raises(CommandError, match="nobody named"):
            call_command("erase_user", name)


# --- By the person, on the page


DATA, ERASE = "/accounts/data/", "/accounts/data/erase/"


@pytest.fixture
def hers(ada: User, client: Client) -> Client:
    """Ada, who has just shown once more that it is she."""
    client.post("/accounts/login/", {"login": "ada", "password": "engine"})
    client.post("/accounts/reauthenticate/", {"password": "engine"})
    return client


def test_a_person_erases_themself(rich: Conversation, ada: User, hers: Client) -> None:
    assert b"Erase my account" in hers.get(DATA).content
    answer = hers.post(ERASE, {"name": "ada"})
    assert b"Your account is erased" in answer.content
    assert f"user-{ada.pk}".encode() in answer.content
    assert not User.objects.filter(pk=ada.pk).exists()
    assert not AuditOrigin.objects.exists()
    assert hers.get("/usage/").status_code == 302
    (entry,) = noted(Action.ERASED)
    assert entry.actor_ref == entry.subject_ref == f"user-{ada.pk}"


@pytest.mark.parametrize("name", ["", "Ada", "eve"])
def test_without_their_name_typed_nothing_goes(ada: User, hers: Client, name: str) -> None:
    answer = hers.post(ERASE, {"name": name})
    assert answer.status_code == 400
    assert b"Nothing was erased" in answer.content
    assert User.objects.filter(pk=ada.pk, is_active=True).exists()


def test_who_is_only_signed_in_is_asked_for_the_password_first(ada: User, client: Client) -> None:
    client.post("/accounts/login/", {"login": "ada", "password": "engine"})
    for url in (DATA, ERASE, "/accounts/data/export/"):
        method = client.get if url == DATA else client.post
        answer = method(url, {"name": "ada"})
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/"), url
    assert User.objects.filter(pk=ada.pk, is_active=True).exists()
    assert not AuditEntry.objects.filter(action=Action.EXPORTED).exists()


def test_the_last_superuser_is_told_why_not(root: User, client: Client) -> None:
    client.post("/accounts/login/", {"login": "root", "password": "engine"})
    client.post("/accounts/reauthenticate/", {"password": "engine"})
    page = client.get(DATA).content
    assert b"last active superuser" in page
    assert b"Erase my account" not in page
    assert client.post(ERASE, {"name": "root"}).status_code == 400
    assert User.objects.filter(pk=root.pk, is_active=True).exists()


# --- In the admin, where to delete an account is to erase its person


def test_an_administrator_deletes_an_account(
    rich: Conversation, ada: User, root: User, client: Client
) -> None:
    connect_own(user=ada, secret="sk-or-v1-her-own")
    client.force_login(root)
    page = f"/admin/accounts/user/{ada.pk}/delete/"
    assert b"1 conversations" in client.get(page).content
    assert client.post(page, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=ada.pk).exists()
    assert WORD not in everything()
    assert not LogEntry.objects.filter(object_repr="ada").exists()
    assert [entry.actor_ref for entry in noted(Action.ERASED)] == [f"user-{root.pk}"]


def test_an_administrator_deletes_many_but_not_the_last_superuser(
    ada: User, eve: User, root: User, client: Client
) -> None:
    client.force_login(root)
    sent = {"action": "delete_selected", "post": "yes"}
    everybody = [ada.pk, eve.pk, root.pk]
    client.post("/admin/accounts/user/", {**sent, "_selected_action": everybody})
    assert User.objects.count() == 3
    client.post("/admin/accounts/user/", {**sent, "_selected_action": [ada.pk, eve.pk]})
    assert list(User.objects.all()) == [root]


def test_what_is_erased_is_not_given_to_the_next(ada: User) -> None:
    """A number is never used again: nobody inherits another's entries."""
    note(Action.EXPORTED, subject=ada, actor=ada)
    last = User.objects.order_by("-pk")[0].pk
    erase(User.objects.get(pk=last), patience_s=0)
    assert User.objects.create_user("new").pk > last
    assert timezone.now()
