"""Erasing a person: what goes, what stays without a name, and a receipt that says both.

The account is closed first, so that nothing new begins; then replies that are being written are
stopped; then everything goes, conversation by conversation, the account last. Whatever breaks
it off, it can be begun again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from accounts.audit import Person, note
from accounts.models import Action, AuditEntry, AuditOrigin, Invitation, User
from billing.key_erasure import disable_personal_keys
from billing.key_models import KeyKind, UpstreamKey
from billing.models import Budget, Call, UsageRecord, user_ref
from chat.models import Attachment, Conversation, Folder, Message, SavedPrompt, Share
from chat.runner import runner
from chat.settlement import interrupt, note_stop
from routing.models import Evidence
from routing.votes import forget

PATIENCE_S: Final = 12.0  # for replies to stop: another process hears of it within 5 seconds
LOOK_S: Final = 0.1


class CannotErase(Exception):
    """Nothing was removed. `for_person` says why."""

    def __init__(self, for_person: str) -> None:
        super().__init__(for_person)
        self.for_person = for_person


@dataclass(frozen=True, slots=True)
class Line:
    """So much of something; `why` it stays, or what else is to be known of it."""

    what: str
    count: int
    why: str = ""


@dataclass(slots=True)
class Receipt:
    """What an erasure removes, and what stays. `ref`: the number the books know the person by."""

    ref: str
    removed: list[Line] = field(default_factory=list)
    stays: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan(user: User) -> Receipt:
    """What erasing them would do. Reads only."""
    ref = user_ref(user)
    keys = UpstreamKey.objects.live().of(user)
    rows: list[tuple[str, Any]] = [
        ("conversations", Conversation.objects.filter(user=user)),
        ("messages", Message.objects.filter(conversation__user=user)),
        ("attached files", Attachment.objects.filter(user=user)),
        ("folders", Folder.objects.filter(user=user)),
        ("shared links", Share.objects.filter(user=user)),
        ("saved prompts", SavedPrompt.objects.filter(user=user)),
        ("votes as the router knows them", Evidence.objects.of(user.pk)),
        ("e-mail addresses", EmailAddress.objects.filter(user=user)),
        ("budgets", Budget.objects.filter(user=user)),
        ("invitations with their address", _invitations(user)),
        ("keys of an own OpenRouter account", keys.filter(kind=KeyKind.OWN)),
        ("network addresses in the audit log", _origins(ref)),
    ]
    removed = [Line("the account, with its ways to sign in and its sessions", 1)]
    removed += [Line(what, rows_of_it.count()) for what, rows_of_it in rows]
    entries = AuditEntry.objects.filter(Q(actor_ref=ref) | Q(subject_ref=ref))
    stays = [
        Line(
            "entries of the ledger",
            UsageRecord.objects.of(user).count(),
            f"the books must close; they know “{ref}” and no name, and no text",
        ),
        Line("calls", Call.objects.of(user).count(), "what the entries belong to; as these"),
        Line("entries of the audit log", entries.count(), f"who did what; they know “{ref}”, too"),
    ]
    return Receipt(
        ref,
        [line for line in removed if line.count],
        [line for line in stays if line.count],
    )


def require_erasable(user: User) -> None:
    """Raises CannotErase for the last one who can look after this installation."""
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and not others.exists():
        raise CannotErase(
            "This is the last active superuser: without one nobody could look after this "
            "installation. Make somebody else one first."
        )


def erase(user: User, *, by: Person | None = None, patience_s: float = PATIENCE_S) -> Receipt:
    """Remove a person and all they have. Not in a transaction: it asks OpenRouter and waits.

    `by`: who does it, where it is not who is signed in. Raises CannotErase.
    """
    require_erasable(user)
    receipt = plan(user)
    _close(user)
    _stop_replies(user, patience_s)
    disabled, failed = disable_personal_keys(user)
    _say_of_keys(receipt, disabled, failed)
    for key in list(Conversation.objects.filter(user=user).values_list("pk", flat=True)):
        with transaction.atomic():  # one each: long ones keep nobody waiting for the database
            Conversation.objects.filter(pk=key).delete()
    with transaction.atomic():
        forget(user_id=user.pk)
        _take_names_away(user)
        counts = {line.what: line.count for line in receipt.removed}
        itself = by is not None and by.pk == user.pk
        entry = note(Action.ERASED, subject=receipt.ref, actor=by, detail=counts)
        kept = _origins(receipt.ref) if itself else _origins(receipt.ref).exclude(entry=entry)
        kept.delete()
        User.objects.get(pk=user.pk).delete()
    receipt.notes.append(
        "Backups made before hold all of it until they are deleted, and are to be restored with "
        "that in mind."
    )
    return receipt


def _close(user: User) -> None:
    """Nobody comes in any more, and who is in is out: sockets close within seconds."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    mine = str(user.pk)
    theirs = [
        session.pk
        for session in Session.objects.iterator(chunk_size=500)
        if session.get_decoded().get("_auth_user_id") == mine
    ]
    Session.objects.filter(pk__in=theirs).delete()


def _stop_replies(user: User, patience_s: float) -> None:
    """Each is stopped and booked by whoever writes it; what nobody ends in time is ended here."""
    running = Message.objects.running().filter(conversation__user=user)
    for reply in running:
        if runner.client is not None:
            runner.stop(reply)
        else:
            note_stop(reply.pk)
    deadline_s = time.monotonic() + patience_s
    while running.exists() and time.monotonic() < deadline_s:
        time.sleep(LOOK_S)
    for reply in running:
        interrupt(reply)


def _say_of_keys(receipt: Receipt, disabled: int, failed: int) -> None:
    if disabled:
        receipt.removed.append(Line("keys made for them, disabled at OpenRouter", disabled))
    if failed:
        receipt.notes.append(
            "The key made for them could not be disabled at OpenRouter just now. Nobody can use "
            "it from here; the next sync_keys disables it there."
        )
    if any(line.what.startswith("keys of an own") for line in receipt.removed):
        receipt.notes.append(
            "The key of their own OpenRouter account is deleted here. At OpenRouter it ends when "
            "they delete it in their account."
        )


def _invitations(user: User) -> Any:
    addresses = EmailAddress.objects.filter(user=user).values_list("email", flat=True)
    known = Q(used_by=user.pk)
    for address in {*addresses, user.email} - {""}:
        known |= Q(email__iexact=address)
    return Invitation.objects.filter(known)


def _origins(ref: str) -> Any:
    of_them = Q(entry__actor_ref=ref) | Q(entry__subject_ref=ref)
    return AuditOrigin.objects.filter(of_them)


def _take_names_away(user: User) -> None:
    """What names them without belonging to them."""
    _invitations(user).delete()
    people = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=people, object_id=str(user.pk)).delete()
    LogEntry.objects.filter(object_repr=user.get_username()).delete()


def in_words(receipt: Receipt) -> Iterable[str]:
    """A receipt as lines of text."""
    yield f"Person: {receipt.ref}"
    yield "Removed:"
    yield from (f"  {line.count:>6}  {line.what}" for line in receipt.removed)
    yield "Stays:"
    yield from (f"  {line.count:>6}  {line.what}: {line.why}" for line in receipt.stays)
    yield from receipt.notes
