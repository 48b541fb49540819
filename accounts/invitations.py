"""Making, finding, using and ending invitations. A token is told once, to who makes it."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, Group
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.adapter import OFF
from accounts.audit import note
from accounts.models import Action, Invitation

if TYPE_CHECKING:
    from accounts.models import User

TOKEN_BYTES: Final = 32
TOKEN_CHARS: Final = 100  # more is no token of ours
MOST_DAYS: Final = 365


class CannotInvite(Exception):
    """Nobody was invited. `for_person` says why."""

    def __init__(self, for_person: str) -> None:
        super().__init__(for_person)
        self.for_person = for_person


class CannotUse(Exception):
    """An invitation that makes no account. `for_person` says why and what to do; `status`: HTTP."""

    def __init__(self, for_person: str, status: int = 410) -> None:
        super().__init__(for_person)
        self.for_person = for_person
        self.status = status


@transaction.atomic
def invite(
    *,
    by: AbstractBaseUser | None,
    email: str = "",
    groups: Iterable[Group] = (),
    days: int = 7,
) -> tuple[Invitation, str]:
    """A new invitation and its token, which is kept nowhere. `by` is None for a command.

    Raises CannotInvite where nobody may sign up, or for days that cannot be.
    """
    if settings.SIGN_UP == OFF:
        raise CannotInvite("Nobody can be invited: SIGN_UP is off. Set it to invitation or open.")
    if not 1 <= days <= MOST_DAYS:
        raise CannotInvite(f"An invitation lasts from 1 to {MOST_DAYS} days.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    invitation = Invitation.objects.create(
        token_hash=_hash(token),
        email=email.strip(),
        expires_at=timezone.now() + dt.timedelta(days=days),
        invited_by_id=by.pk if by else None,
    )
    chosen = list(groups)
    invitation.groups.set(chosen)
    facts = {"for an address": bool(email), "groups": [it.name for it in chosen], "days": days}
    note(Action.INVITED, subject=f"invitation-{invitation.pk}", detail=facts)
    return invitation, token


def path_of(token: str) -> str:
    return reverse("account_invitation", args=[token])


def mail(invitation: Invitation, link: str) -> None:
    """Send the link to the address that it is for, which is thereby confirmed by who uses it.

    Raises OSError (smtplib's errors are such) where the mail server takes nothing.
    """
    context = {
        "link": link,
        "site": settings.SITE_URL,
        "expires_at": invitation.expires_at,
        "by": invitation.invited_by.get_username() if invitation.invited_by else "",
    }
    subject = render_to_string("account/email/invitation_subject.txt", context).strip()
    text = render_to_string("account/email/invitation_message.txt", context)
    send_mail(subject, text, None, [invitation.email])
    Invitation.objects.filter(pk=invitation.pk).update(was_mailed=True)


def find(token: str) -> Invitation:
    """The open invitation of a token. Raises CannotUse."""
    if settings.SIGN_UP == OFF:
        raise CannotUse("Nobody can sign up here at the moment, not with an invitation either.")
    known = Invitation.objects.filter(token_hash=_hash(token[:TOKEN_CHARS])).first()
    if known is None:
        unknown = "There is no such invitation. Was the link cut in two? Ask for a new one."
        raise CannotUse(unknown, 404)
    _require_open(known)
    return known


def _require_open(invitation: Invitation) -> None:
    if invitation.used_at:
        raise CannotUse("This invitation was used already: each makes one account, once.")
    if invitation.ended_at:
        raise CannotUse("This invitation was taken back. Ask whoever sent it to you.")
    if invitation.expires_at <= timezone.now():
        day = f"{invitation.expires_at:%d %B %Y}".lstrip("0")
        raise CannotUse(f"This invitation ended on {day}. Ask for a new one.")


def claim(invitation: Invitation) -> None:
    """Take it, so that nobody else can. In the transaction that makes the account.

    Raises CannotUse where somebody was faster: of two at once, one gets it.
    """
    if not Invitation.objects.open().filter(pk=invitation.pk).update(used_at=timezone.now()):
        _require_open(Invitation.objects.get(pk=invitation.pk))


def welcome(invitation: Invitation, user: User) -> None:
    """Whoever used it becomes a member of its groups."""
    user.groups.add(*invitation.groups.all())
    Invitation.objects.filter(pk=invitation.pk).update(used_by=user.pk)
    groups = list(invitation.groups.values_list("name", flat=True))
    subject = f"invitation-{invitation.pk}"
    note(Action.INVITATION_USED, subject=subject, actor=user, detail={"groups": groups})


@transaction.atomic
def take_back(invitation: Invitation) -> bool:
    """End it before it is used. False: it was used, or ended, already."""
    if not Invitation.objects.open().filter(pk=invitation.pk).update(ended_at=timezone.now()):
        return False
    note(Action.INVITATION_ENDED, subject=f"invitation-{invitation.pk}")
    return True


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
