"""Whether those who watch still may: all sockets of a process are looked after together.

A socket outlives what let it in: the session may end, the password change, the person be
deactivated, the conversation be deleted. Every few seconds four questions to the database tell
for which sockets any of that has changed; they alone are admitted anew, or closed. Who is promoted,
demoted, or comes into or out of a group is always asked to come again: nothing that was open under
one role stays open under another.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.utils import timezone

from chat.admission import Admission, Headers, admit, session_key_of
from chat.database import in_database
from chat.models import Conversation

logger = logging.getLogger(__name__)

LOOK_S: Final = 5.0
AT_ONCE: Final = 500  # sockets that one question asks for

Marks: TypeAlias = tuple[Any, ...]  # of all that a right rests on; equal marks, equal rights
ROLE: Final = 3  # which of the marks says what somebody is


@dataclass(eq=False, slots=True)
class Watched:
    """One socket. `lose` closes it; `marks` are None until it has been looked at."""

    headers: Headers
    conversation: UUID
    user_id: int
    session_key: str
    lose: Callable[[Admission], Awaitable[None]]
    marks: Marks | None = None


class Rights:
    """The sockets of this process, and the task that looks after them while there are any."""

    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._task: asyncio.Task[None] | None = None

    def watch(
        self,
        headers: Headers,
        conversation: Conversation,
        lose: Callable[[Admission], Awaitable[None]],
    ) -> Watched:
        """From the admission of a socket until `forget`."""
        key, user_id = session_key_of(headers), conversation.user_id
        watched = Watched(headers, conversation.pk, user_id, key, lose)
        self._watched.add(watched)
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._look_again_and_again())
        return watched

    def forget(self, watched: Watched) -> None:
        self._watched.discard(watched)

    async def _look_again_and_again(self) -> None:
        while self._watched:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except DatabaseError:  # who is there stays; the next look may be possible
                logger.warning("The rights of open sockets could not be looked at")

    async def look(self) -> None:
        """Close the sockets whose right to watch is gone."""
        everybody = list(self._watched)
        for start in range(0, len(everybody), AT_ONCE):
            some = everybody[start : start + AT_ONCE]
            marks = await in_database(marks_of, some)
            for watched, found in zip(some, marks, strict=True):
                if found != watched.marks and watched in self._watched:
                    await self._admit_again(watched, found)

    async def _admit_again(self, watched: Watched, marks: Marks) -> None:
        admission = await in_database(admit, watched.headers, watched.conversation)
        is_same = watched.marks is None or watched.marks[ROLE] == marks[ROLE]
        if admission.conversation is not None and is_same:
            watched.marks = marks
            return
        self.forget(watched)
        with suppress(OSError, RuntimeError):  # it has left by itself
            await watched.lose(admission)


def marks_of(some: Sequence[Watched]) -> list[Marks]:
    """What their rights rest on: session, person, conversation and role, as they are now."""
    now = timezone.now()
    sessions = _rows(
        Session.objects.filter(pk__in={it.session_key for it in some}, expire_date__gt=now),
        "session_data",
    )
    ids = {it.user_id for it in some}
    users = get_user_model().objects.filter(pk__in=ids)
    people = _rows(users, "password", "is_active", "is_staff", "is_superuser")
    groups: dict[int, list[int]] = defaultdict(list)
    for user, group in users.filter(groups__gt=0).order_by("groups").values_list("pk", "groups"):
        groups[user].append(group)
    conversations = Conversation.objects.filter(pk__in={it.conversation for it in some})
    talks = _rows(conversations, "user_id", "deleted_at")
    return [
        (
            sessions.get(it.session_key),
            people.get(it.user_id, ())[:2],
            talks.get(it.conversation),
            (*people.get(it.user_id, ())[2:], *groups[it.user_id]),
        )
        for it in some
    ]


def _rows(rows: Any, *names: str) -> dict[Any, Marks]:
    found: Iterable[Marks] = rows.values_list("pk", *names)
    return {row[0]: row[1:] for row in found}


rights = Rights()
