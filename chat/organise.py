"""How a person's conversations are listed and kept in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from billing.audited import note
from chat.models import Conversation, ConversationQuerySet, Folder, Message, TitledBy

SHOWN = 100  # conversations in the list, until older ones are asked for
MOST_SHOWN = 5000
IN_FOLDER = 50  # of each folder; the rest is on its page
TITLE_CHARS = 120
FOLDER_NAME_CHARS = 60
MOST_FOLDERS = 200
PURGED_AT_ONCE = 200

Person = AbstractBaseUser | AnonymousUser


class CannotKeep(Exception):
    """A name or a place that cannot be. `for_person` says why."""

    def __init__(self, for_person: str) -> None:
        super().__init__(for_person)
        self.for_person = for_person


# --- The list


@dataclass(slots=True)
class Entry:
    """One conversation in the list."""

    pk: UUID
    title: str
    updated_at: dt.datetime
    is_pinned: bool
    folder_id: int | None
    url: str = ""
    is_answering: bool = False


@dataclass(slots=True)
class Period:
    """Conversations that were last touched within one stretch of days."""

    name: str
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class FolderGroup:
    """A folder with its newest conversations. `more`: it has others."""

    pk: int
    name: str
    entries: list[Entry] = field(default_factory=list)
    more: bool = False


@dataclass(slots=True)
class Sidebar:
    """All that the list shows. `older`: how many to ask for to see older ones; 0: there are none.

    Each conversation stands in one place: among the pinned, in its folder, or under its date.
    """

    pinned: list[Entry]
    folders: list[FolderGroup]
    periods: list[Period]
    shown: int
    older: int
    is_answering: bool


def sidebar_of(user: Person, *, shown: int = SHOWN) -> Sidebar:
    """In four queries, however many folders there are."""
    shown = max(SHOWN, min(shown, MOST_SHOWN))
    kept = Conversation.objects.owned_by(user).filter(archived_at=None)
    running = Message.objects.running().filter(requested_by_id=user.pk).order_by()
    answering = set(running.values_list("conversation_id", flat=True))
    loose = _entries(kept.filter(folder=None, is_pinned=False)[: shown + 1], answering)
    placed = kept.filter(Q(is_pinned=True) | Q(folder__isnull=False))
    placed_entries = _entries(placed[:MOST_SHOWN], answering)
    return Sidebar(
        pinned=[entry for entry in placed_entries if entry.is_pinned],
        folders=_folders(user, placed_entries),
        periods=by_date(loose[:shown], today=timezone.localdate()),
        shown=shown,
        older=min(shown + SHOWN, MOST_SHOWN) if len(loose) > shown else 0,
        is_answering=bool(answering),
    )


def _folders(user: Person, entries: Iterable[Entry]) -> list[FolderGroup]:
    """Every folder, an empty one too, with its newest conversations."""
    rows = Folder.objects.owned_by(user).values_list("pk", "name")
    groups = {pk: FolderGroup(pk, name) for pk, name in rows}
    for entry in entries:
        group = groups.get(entry.folder_id or 0)
        if entry.is_pinned or group is None:
            continue
        if len(group.entries) < IN_FOLDER:
            group.entries.append(entry)
        else:
            group.more = True
    return list(groups.values())


def _entries(conversations: ConversationQuerySet, answering: Collection[UUID]) -> list[Entry]:
    """As plain values: a hundred of them are drawn with every page."""
    nobody = UUID(int=0)
    url = reverse("chat:conversation", args=[nobody])
    rows = conversations.values_list("pk", "title", "updated_at", "is_pinned", "folder_id")
    return [
        Entry(*row, url=url.replace(str(nobody), str(row[0])), is_answering=row[0] in answering)
        for row in rows
    ]


def by_date(entries: Iterable[Entry], *, today: dt.date) -> list[Period]:
    """Newest first, as periods: Today, Yesterday, the last 7 and 30 days, then month by month."""
    periods: dict[str, Period] = {}
    for entry in entries:
        day = timezone.localtime(entry.updated_at).date()
        name = _period(day, today)
        periods.setdefault(name, Period(name)).entries.append(entry)
    return list(periods.values())


def _period(day: dt.date, today: dt.date) -> str:
    days_ago = (today - day).days
    if days_ago <= 0:
        return "Today"
    if days_ago == 1:
        return "Yesterday"
    if days_ago <= 7:
        return "Previous 7 days"
    if days_ago <= 30:
        return "Previous 30 days"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"


# --- Keeping it in order: each is one transaction, on a conversation that its caller may change


def rename(conversation: Conversation, title: str) -> None:
    """Raises CannotKeep for a name of nothing."""
    title = " ".join(title.split())[:TITLE_CHARS]
    if not title:
        raise CannotKeep("A conversation needs a name.")
    _change(conversation, title=title, titled_by=TitledBy.PERSON)


def pin(conversation: Conversation, *, is_pinned: bool) -> None:
    _change(conversation, is_pinned=is_pinned)


def archive(conversation: Conversation, *, is_archived: bool) -> None:
    """Out of the list, and found again in the archive. What is pinned is so no longer."""
    if is_archived:
        _change(conversation, archived_at=timezone.now(), is_pinned=False)
    else:
        _change(conversation, archived_at=None)


def move(conversation: Conversation, folder: Folder | None) -> None:
    _change(conversation, folder=folder)


@transaction.atomic
def delete(conversation: Conversation) -> None:
    """Gone for everybody at once, and for good after DELETED_KEPT_MINUTES. The books stay."""
    _change(conversation, deleted_at=timezone.now())
    note("chat-deleted", subject=f"conversation-{conversation.pk}")


def restore(conversation: Conversation) -> None:
    """As it was: nothing of it had been touched."""
    _change(conversation, deleted_at=None)


def _change(conversation: Conversation, **fields: Any) -> None:
    """Not `updated_at`: a conversation that is only put elsewhere is no newer."""
    for name, value in fields.items():
        setattr(conversation, name, value)
    conversation.save(update_fields=list(fields))


def purge_deleted(*, now: dt.datetime | None = None) -> int:
    """Remove for good what was deleted long enough ago. How many conversations went."""
    kept = dt.timedelta(minutes=settings.DELETED_KEPT_MINUTES)
    due = Conversation.objects.filter(deleted_at__lt=(now or timezone.now()) - kept)
    gone = 0
    for pk in due.order_by("deleted_at").values_list("pk", flat=True)[:PURGED_AT_ONCE]:
        gone += remove_for_good(due, pk)  # not one restored meanwhile
    return gone


def remove_for_good(due: ConversationQuerySet, pk: UUID) -> bool:
    """Remove one of those that are due, if it still is. The books stay."""
    with transaction.atomic():  # one each: long ones keep nobody waiting for the database
        conversation = Conversation.objects.select_for_update().filter(pk=pk).first()
        if conversation is None or not due.filter(pk=pk).exists():
            return False
        conversation.delete()
        return True


# --- Folders


def create_folder(user: AbstractBaseUser, name: str) -> Folder:
    """The folder of this name, which may be there already. Raises CannotKeep."""
    name = _folder_name(name)
    theirs = Folder.objects.owned_by(user)
    if known := theirs.filter(name__iexact=name).first():
        return known
    if theirs.count() >= MOST_FOLDERS:
        raise CannotKeep(f"{MOST_FOLDERS} folders are the most there can be.")
    try:
        with transaction.atomic():
            return Folder.objects.create(user_id=user.pk, name=name)
    except IntegrityError:  # a double click: the other one has made it
        return theirs.get(name__iexact=name)


def rename_folder(folder: Folder, name: str) -> None:
    folder.name = _folder_name(name)
    try:
        with transaction.atomic():
            folder.save(update_fields=["name"])
    except IntegrityError as error:
        raise CannotKeep(f"There is a folder named “{folder.name}” already.") from error


def _folder_name(name: str) -> str:
    name = " ".join(name.split())[:FOLDER_NAME_CHARS]
    if not name:
        raise CannotKeep("A folder needs a name.")
    return name
