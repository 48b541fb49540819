"""What is too old is removed, wherever it lies; what is not, and the books, stay."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.audit import note
from accounts.invitations import invite
from accounts.models import Action, AuditEntry, AuditOrigin, Invitation, User
from billing.models import UsageRecord
from chat.models import Conversation, Message, Share
from chat.sharing import share
from openrouter.events import Usage
from routing.models import PolicyVersion, ShadowDecision
from tests.accounts.people import noted
from tests.chat.conftest import Ask
from tests.chat.test_costs_shown import settled

pytestmark = pytest.mark.django_db


def days_ago(days: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(days=days)


def age(conversation: Conversation, *, begun: float, last: float) -> Conversation:
    """Begun and last written in so many days ago."""
    Conversation.objects.filter(pk=conversation.pk).update(
        created_at=days_ago(begun), updated_at=days_ago(begun)
    )
    Message.objects.filter(conversation=conversation).update(created_at=days_ago(last))
    return conversation


def applied() -> None:
    call_command("apply_retention", verbosity=0)


def test_a_conversation_goes_by_its_last_message(ask: Ask, settings: Settings) -> None:
    settings.RETENTION_DAYS = 30
    old = age(ask("old").conversation, begun=90, last=31)
    pinned = age(ask("pinned").conversation, begun=90, last=31)
    Conversation.objects.filter(pk=pinned.pk).update(is_pinned=True, archived_at=days_ago(40))
    lively = age(ask("lively").conversation, begun=90, last=29)
    empty = Conversation.objects.create(user=old.user, title="empty")
    age(empty, begun=31, last=31)
    young = ask("young").conversation
    applied()
    assert set(Conversation.objects.all()) == {lively, young}
    (entry,) = noted(Action.RETENTION_APPLIED)
    assert entry.actor_ref == "server"
    assert list(entry.detail.values()) == [3]


def test_without_a_policy_nothing_of_a_person_goes(ask: Ask, settings: Settings) -> None:
    settings.RETENTION_DAYS = 0
    age(ask("old").conversation, begun=4_000, last=4_000)
    applied()
    assert Conversation.objects.count() == 1
    assert not noted(Action.RETENTION_APPLIED)


def test_the_books_stay(ask: Ask, settings: Settings) -> None:
    settings.RETENTION_DAYS = 30
    turn = ask()
    settled(turn, Usage(prompt_tokens=3, completion_tokens=2, cost_usd=Decimal("0.5")))
    age(turn.conversation, begun=40, last=40)
    applied()
    assert not Message.objects.exists()
    assert UsageRecord.objects.total_usd() == Decimal("0.5")


def test_a_dry_run_counts_and_keeps(
    ask: Ask, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.RETENTION_DAYS = 30
    age(ask().conversation, begun=40, last=40)
    call_command("apply_retention", "--dry-run")
    told = capsys.readouterr().out
    assert "Nothing was removed" in told
    assert "1  conversations that rested" in told
    assert Conversation.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_what_has_ended_goes_a_month_later(ask: Ask, root: User, settings: Settings) -> None:
    settings.SIGN_UP = "invitation"
    talk = ask("Why?").conversation
    links = [share(talk, days="7", shown_name="") for _ in range(4)]
    ends: list[dict[str, Any]] = [
        {"expires_at": days_ago(31)},
        {"revoked_at": days_ago(31)},
        {"revoked_at": days_ago(29)},
        {"expires_at": None},
    ]
    for link, fields in zip(links, ends, strict=True):
        Share.objects.filter(pk=link.pk).update(**fields)
    invitations = [invite(by=root)[0] for _ in range(4)]
    for invitation, changed in zip(
        invitations,
        (
            {"expires_at": days_ago(31)},
            {"used_at": days_ago(31)},
            {"ended_at": days_ago(31)},
            {"expires_at": days_ago(29)},
        ),
        strict=True,
    ):
        Invitation.objects.filter(pk=invitation.pk).update(**changed)
    applied()
    assert set(Share.objects.all()) == set(links[2:])
    assert list(Invitation.objects.all()) == invitations[3:]


def test_shadows_sessions_and_addresses_go_too(ada: User, settings: Settings) -> None:
    settings.RETENTION_DAYS, settings.AUDIT_ADDRESS_DAYS = 30, 60
    version = PolicyVersion.objects.create(name="shadow", number=1)
    for days in (31, 29):
        ShadowDecision.objects.create(
            version=version,
            message_ref=str(days),
            live_policy="p",
            live_model="m",
            created_at=days_ago(days),
        )
    for key, ends in (("over", days_ago(1)), ("open", timezone.now() + dt.timedelta(days=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=ends)
    for days in (61, 59):
        entry = AuditEntry.objects.create(action=Action.SIGNED_IN, created_at=days_ago(days))
        AuditOrigin.objects.create(entry=entry, address="192.0.2.1")
    applied()
    assert [it.message_ref for it in ShadowDecision.objects.all()] == ["29"]
    assert [it.pk for it in Session.objects.all()] == ["open"]
    assert AuditOrigin.objects.count() == 1
    assert AuditEntry.objects.filter(action=Action.SIGNED_IN).count() == 2


def test_what_people_deleted_goes_by_the_same_command(ask: Ask) -> None:
    talk = ask().conversation
    Conversation.objects.filter(pk=talk.pk).update(deleted_at=days_ago(2))
    applied()
    assert not Conversation.objects.exists()


def test_an_entry_that_is_kept_is_one_that_was_made(ada: User) -> None:
    note(Action.EXPORTED, subject=ada, actor=ada)
    applied()
    assert AuditEntry.objects.count() == 1
