"""Bringing conversations in from a file: all of it, or nothing."""

from __future__ import annotations

import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from chat.import_formats import CannotImport, Note, Talk, read_file
from chat.models import Conversation, Message, Role, State, TitledBy
from chat.organise import CannotKeep, create_folder

BATCH: Final = 500
# What zipfile raises for a spoiled file; ValueError for a name that is in no encoding.
SPOILED: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError),
)
IN_ZIP: Final = re.compile(r"(?:^|/)conversations(?:-\d+)?\.json$")


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in, and how many conversations were here already."""

    conversations: int
    messages: int
    known: int


def import_file(user: AbstractBaseUser, file: IO[bytes], *, most_bytes: int) -> Imported:
    """A JSON file, or the zip that ChatGPT sends. Raises CannotImport; then nothing came in."""
    talks = [talk for data in _contents(file, most_bytes) for talk in read_file(data)]
    if not talks:
        raise CannotImport("There is no conversation in this file.")
    try:
        return _store(user, talks)
    except CannotKeep as error:
        raise CannotImport(error.for_person) from error


def _contents(file: IO[bytes], most_bytes: int) -> list[bytes]:
    """The JSON in it. What a zip says of its sizes is not believed."""
    too_large = CannotImport(f"This is too large: at most {most_bytes // 1_000_000} MB are read.")
    data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise too_large
    if not data.startswith(b"PK\x03\x04"):
        return [data]
    contents, left = [], most_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in sorted(filter(IN_ZIP.search, archive.namelist())):
                with archive.open(name) as inner:
                    content = inner.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise too_large
                contents.append(content)
    except SPOILED as error:
        raise CannotImport("This zip file cannot be read.") from error
    if not contents:
        raise CannotImport("There is no conversations.json in this zip file.")
    return contents


@transaction.atomic
def _store(user: AbstractBaseUser, talks: Sequence[Talk]) -> Imported:
    refs = {talk.source_ref for talk in talks if talk.source_ref}
    mine = Conversation.objects.owned_by(user)
    known = set(mine.exclude(source_ref="").values_list("source_ref", flat=True)) & refs
    known |= {f"switchboard:{pk}" for pk in mine.values_list("pk", flat=True)} & refs
    new: list[Talk] = []
    for talk in talks:
        if talk.source_ref not in known:
            new.append(talk)
            known |= {talk.source_ref} - {""}  # the same may be in a file twice
    folders = {
        name: create_folder(user, name) for name in {talk.folder for talk in new} if name.strip()
    }
    rows = []
    for talk in new:
        row = _conversation(user, talk)
        row.folder = folders.get(talk.folder)
        rows.append(row)
    Conversation.objects.bulk_create(rows, batch_size=BATCH)
    _store_messages(list(zip(rows, new, strict=True)))
    return Imported(len(new), sum(len(talk.notes) for talk in new), len(talks) - len(new))


def _conversation(user: AbstractBaseUser, talk: Talk) -> Conversation:
    now = timezone.now()
    created_at = talk.created_at or talk.updated_at or now
    return Conversation(
        user_id=user.pk,
        title=talk.title,
        titled_by=TitledBy.PERSON,
        created_at=created_at,
        updated_at=max(talk.updated_at or created_at, created_at),
        archived_at=now if talk.is_archived else None,
        is_pinned=talk.is_pinned and not talk.is_archived,
        system_prompt=talk.instructions,
        source_ref=talk.source_ref,
    )


def _store_messages(pairs: Sequence[tuple[Conversation, Talk]]) -> None:
    """All at once, and then who follows whom: a chain may be as long as the file."""
    rows = [[_message(conversation, note) for note in talk.notes] for conversation, talk in pairs]
    Message.objects.bulk_create([row for talk in rows for row in talk], batch_size=BATCH)
    children = []
    for (conversation, talk), messages in zip(pairs, rows, strict=True):
        conversation.head = messages[talk.head]
        for note, message in zip(talk.notes, messages, strict=True):
            if note.parent is not None:
                message.parent = messages[note.parent]
                children.append(message)
    Message.objects.bulk_update(children, ["parent"], batch_size=BATCH)
    Conversation.objects.bulk_update([row for row, _ in pairs], ["head"], batch_size=BATCH)


def _message(conversation: Conversation, note: Note) -> Message:
    """Its drawing is made when it is first looked at. What it cost elsewhere is not our books'."""
    when = note.when or conversation.created_at
    return Message(
        conversation=conversation,
        role=Role(note.role),
        state=State.DONE,
        text=note.text,
        reasoning=note.reasoning,
        served_model=note.model,
        created_at=when,
        ended_at=when,
    )
