"""The retention policy, applied: what is too old is removed, wherever it lies."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.audit import note
from accounts.erasure import Line
from accounts.models import Action, AuditOrigin, Invitation
from chat.models import Share
from chat.retention import ended_links, remove_ended_links, remove_resting, resting_since
from routing.models import ShadowDecision

OVER_KEPT: Final = dt.timedelta(days=30)  # that an invitation is listed after its end
AT_ONCE: Final = 1_000
CHATS: Final = "conversations that rested for longer than RETENTION_DAYS"
SHADOWS: Final = "decisions of shadow policies of before"
LINKS: Final = "shared links that ended a month ago"


def due(now: dt.datetime | None = None) -> list[Line]:
    """What would be removed, counted. Reads only."""
    now = now or timezone.now()
    lines = [Line(LINKS, Share.objects.filter(ended_links(now)).count())]
    if before := _before(now, settings.RETENTION_DAYS):
        shadows = ShadowDecision.objects.filter(created_at__lt=before).count()
        lines += [Line(CHATS, resting_since(before).count()), Line(SHADOWS, shadows)]
    return lines + [Line(what, rows.count()) for what, rows in _plain(now).items()]


def apply(now: dt.datetime | None = None) -> list[Line]:
    """Remove it, in small transactions. What is broken off goes on with the next call."""
    now = now or timezone.now()
    lines = [Line(LINKS, remove_ended_links(now))]
    if before := _before(now, settings.RETENTION_DAYS):
        shadows = ShadowDecision.objects.filter(created_at__lt=before)
        lines += [Line(CHATS, remove_resting(before)), Line(SHADOWS, _empty(shadows))]
    lines += [Line(what, _empty(rows)) for what, rows in _plain(now).items()]
    if removed := {line.what: line.count for line in lines if line.count}:
        note(Action.RETENTION_APPLIED, detail=removed)
    call_command("purge_deleted")  # the rest: what people deleted, and files that hang on nothing
    return lines


def _before(now: dt.datetime, days: int) -> dt.datetime | None:
    return now - dt.timedelta(days=days) if days > 0 else None


def _plain(now: dt.datetime) -> dict[str, QuerySet[Any]]:
    """Rows that go without further ado."""
    over = Q(used_at__lt=now - OVER_KEPT) | Q(ended_at__lt=now - OVER_KEPT)
    over |= Q(expires_at__lt=now - OVER_KEPT)
    rows: dict[str, QuerySet[Any]] = {
        "invitations that ended a month ago": Invitation.objects.filter(over),
        "sessions that have run out": Session.objects.filter(expire_date__lt=now),
        "places where somebody was signed in": UserSession.objects.exclude(
            session_key__in=Session.objects.filter(expire_date__gte=now).values("session_key")
        ),
    }
    if before := _before(now, settings.AUDIT_ADDRESS_DAYS):
        addresses = AuditOrigin.objects.filter(entry__created_at__lt=before)
        rows["network addresses in the audit log of before"] = addresses
    return rows


def _empty(rows: QuerySet[Any]) -> int:
    """A thousand at a time: nobody waits long for the database."""
    gone = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        rows.model._default_manager.filter(pk__in=keys).delete()  # noqa: SLF001 (Django's own name)
        gone += len(keys)
    return gone
