"""Clearing away files that nothing refers to: never sent, or gone with their conversations.

A file is looked at when it has not been put with a message for ATTACHMENTS_UNSENT_HOURS, so one
that is being uploaded or sent right now never is: `attachments.taken` marks it before a message
names it. What a message still names is marked, too, and not looked at again for as long.
Branches and copies name the same file; the last of them keeps it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from chat.attachment_models import Attachment
from chat.models import Message

AT_ONCE = 200  # files, each time


@transaction.atomic
def clear_attachments(*, now: dt.datetime | None = None) -> tuple[int, int]:
    """Look at the files that are due, AT_ONCE at most: how many were looked at, how many went.

    Whoever takes one of them for a message meanwhile waits, and finds it or not.
    """
    now = now or timezone.now()
    due = Attachment.objects.select_for_update().filter(used_at__lt=_cutoff(now))
    found = list(due.order_by("used_at", "pk")[:AT_ONCE])
    named = _named_by({each.user_id for each in found})
    loose = [each for each in found if each.pk not in named]
    for attachment in loose:
        attachment.delete()  # one by one: each takes its bytes along once that is certain
    kept = [each.pk for each in found if each.pk in named]
    Attachment.objects.filter(pk__in=kept).update(used_at=now)
    return len(found), len(loose)


def _cutoff(now: dt.datetime) -> dt.datetime:
    return now - dt.timedelta(hours=settings.ATTACHMENTS_UNSENT_HOURS)


def _named_by(people: Iterable[int]) -> set[UUID]:
    """The files that hang on messages of these people; another's cannot hang there."""
    hanging = Message.objects.filter(files__isnull=False, conversation__user_id__in=people)
    rows = hanging.order_by().values_list("files", flat=True)
    return {UUID(file["id"]) for files in rows.iterator() for file in files or ()}


def sweep_strays(*, now: dt.datetime | None = None) -> int:
    """Remove bytes that no row knows, left by a crash between the two. How many files went."""
    before_s = _cutoff(now or timezone.now()).timestamp()
    root = Path(settings.ATTACHMENT_DIR)
    gone = 0
    every = root.glob("??/*")
    while paths := list(islice(every, AT_ONCE)):
        old = {key: path for path in paths if (key := _key_of(path, before_s))}
        known = set(Attachment.objects.filter(pk__in=old).values_list("pk", flat=True))
        for key in old.keys() - known:
            old[key].unlink(missing_ok=True)
            gone += 1
    return gone


def _key_of(path: Path, before_s: float) -> UUID | None:
    """The key under which the bytes lie. None: they are not ours, or too young to be strays."""
    with suppress(ValueError, OSError):
        key = UUID(path.name)
        if path.stat().st_mtime < before_s:
            return key
    return None
