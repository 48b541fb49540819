"""All that a person has here, as one zip: to read, to keep, and to bring in again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.models import Action, AuditEntry, User
from billing.models import UsageRecord, user_ref
from billing.usage_export import csv_pieces
from billing.visibility import money_is_shown
from chat.exporting import FORMAT, VERSION, as_json, as_markdown, file_name
from chat.models import Attachment, Conversation, Message, SavedPrompt, Share
from routing.models import Evidence

FILL: Final = 0.8  # of what an import takes, that one file of conversations may be

README: Final = """\
What {name} has at {site}, as of {when:%Y-%m-%d %H:%M} UTC.

account.json           the account itself
conversations.json     every conversation with all its branches; "Import and export" in
                       Switchboard brings it in again. Where it would be too large for that, there
                       are several: conversations-2.json and so on, each to be brought in by itself.
conversations/         the same to read, as Markdown: the branch on show of each
files/                 what was attached, as it was
prompts.json           the library of prompts
votes.json             thumbs under answers, and what the router learned from them
links.json             links by which conversations are shared
audit.json             what the audit log says of what they did, and of who read their chats
usage.csv              what their calls used and cost{no_usage}

Conversations that were deleted are not in it.
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """How much was put into a zip."""

    conversations: int
    files: int
    missing_files: int = 0


def write_zip(user: User, target: IO[bytes], *, with_usage: bool | None = None) -> Contents:
    """Write the zip to `target`. `with_usage`: None for what people see here (SHOW_MONEY).

    One conversation and one file at a time: it takes no more memory than the largest of them.
    """
    usage = money_is_shown() if with_usage is None else with_usage
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        names = _markdown(archive, user)
        _conversations(archive, user)
        files, missing = _files(archive, user)
        _write_json(archive, "account.json", account_of(user))
        _write_json(archive, "prompts.json", _prompts(user))
        _write_json(archive, "votes.json", _votes(user))
        _write_json(archive, "links.json", _links(user))
        _write_json(archive, "audit.json", _audit(user))
        if usage:
            with archive.open("usage.csv", "w", force_zip64=True) as out:
                for piece in csv_pieces(UsageRecord.objects.of(user)):
                    out.write(piece.encode())
        note = "" if usage else " (left out: this installation shows no amounts)"
        text = README.format(
            name=user.get_username(), site=settings.SITE_URL, when=timezone.now(), no_usage=note
        )
        archive.writestr("README.txt", text)
    return Contents(len(names), files, missing)


def account_of(user: User) -> dict[str, Any]:
    return {
        "username": user.get_username(),
        "number": user_ref(user),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "joined": _time(user.date_joined),
        "last_sign_in": _time(user.last_login),
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
        "groups": list(user.groups.order_by("name").values_list("name", flat=True)),
        "signed_in": [
            {"address": it.ip, "with": it.user_agent, "since": _time(it.created_at)}
            for it in UserSession.objects.filter(user=user).order_by("pk")
        ],
        "favourite_models": list(user.favourites.values_list("slug", flat=True)),
    }


# --- Conversations


def _theirs(user: User) -> Iterator[Conversation]:
    """One at a time; one that goes meanwhile is left out."""
    mine = Conversation.objects.owned_by(user).order_by("created_at", "pk")
    for key in list(mine.values_list("pk", flat=True)):
        if conversation := mine.select_related("folder").filter(pk=key).first():
            yield conversation


def _conversations(archive: zipfile.ZipFile, user: User) -> None:
    """In as many files as it takes for an import to take each."""
    most_bytes = int(settings.MAX_IMPORT_MB * 1_000_000 * FILL)
    waiting: list[str] = []
    size, number = 0, 1
    for conversation in _theirs(user):
        text = json.dumps(as_json(conversation), ensure_ascii=False)
        length = len(text.encode("utf-8", "replace"))
        if waiting and size + length > most_bytes:
            _write_part(archive, number, waiting)
            waiting, size, number = [], 0, number + 1
        waiting.append(text)
        size += length
    _write_part(archive, number, waiting)


def _write_part(archive: zipfile.ZipFile, number: int, texts: Iterable[str]) -> None:
    name = "conversations.json" if number == 1 else f"conversations-{number}.json"
    head = {"format": FORMAT, "version": VERSION, "exported_at": _time(timezone.now())}
    whole = json.dumps(head)[:-1] + ', "conversations": [' + ",\n".join(texts) + "]}\n"
    archive.writestr(name, whole.encode("utf-8", "replace"))


def _markdown(archive: zipfile.ZipFile, user: User) -> list[str]:
    names = []
    for number, conversation in enumerate(_theirs(user), 1):
        name = f"conversations/{number:04d}-{file_name(conversation, 'md')}"
        archive.writestr(name, as_markdown(conversation).encode("utf-8", "replace"))
        names.append(name)
    return names


def _files(archive: zipfile.ZipFile, user: User) -> tuple[int, int]:
    """How many are in it, and how many were not where they should be."""
    found = missing = 0
    for attachment in Attachment.objects.filter(user=user).order_by("created_at", "pk"):
        try:
            archive.write(attachment.path, f"files/{attachment.pk}-{_plain(attachment.name)}")
            found += 1
        except FileNotFoundError:
            missing += 1
    return found, missing


def _plain(name: str) -> str:
    """No part of a path, and nothing that an unpacker might take for one."""
    kept = "".join(letter if letter.isalnum() or letter in "._- " else "_" for letter in name)
    return kept.strip(". ") or "file"


# --- Lists


def _prompts(user: User) -> list[dict[str, Any]]:
    rows = SavedPrompt.objects.owned_by(user).order_by("created_at")
    return [{"name": it.name, "text": it.text, "created_at": _time(it.created_at)} for it in rows]


def _votes(user: User) -> dict[str, Any]:
    thumbs = Message.objects.owned_by(user).exclude(thumb=None).order_by("pk")
    learned = Evidence.objects.of(user.pk)
    return {
        "thumbs": [
            {"conversation": str(talk), "message": pk, "thumb": "up" if thumb == 1 else "down"}
            for talk, pk, thumb in thumbs.values_list("conversation_id", "pk", "thumb")
        ],
        "learned": list(learned.values("demand", "model", "successes", "failures")),
    }


def _links(user: User) -> list[dict[str, Any]]:
    return [
        {
            "title": it.title,
            "address": f"{settings.SITE_URL}/s/{it.token}/",
            "conversation": str(it.conversation_id),
            "shown_name": it.shown_name,
            "created_at": _time(it.created_at),
            "expires_at": _time(it.expires_at),
            "ended_at": _time(it.revoked_at),
        }
        for it in Share.objects.owned_by(user).defer("messages")
    ]


def _audit(user: User) -> list[dict[str, Any]]:
    """What they did, and who read what is theirs: by number, and without where that one was."""
    me = user_ref(user)
    read = Q(action=Action.CHAT_READ, detail__of=me)
    entries = AuditEntry.objects.filter(Q(actor_ref=me) | read).select_related("origin")
    return [
        {
            "time": _time(it.created_at),
            "action": it.action,
            "by": it.actor_ref,
            "to": it.subject_ref,
            "facts": it.detail,
            "address": it.origin.address if it.actor_ref == me and hasattr(it, "origin") else None,
        }
        for it in entries.order_by("pk")
    ]


def _time(moment: Any) -> str | None:
    return moment.isoformat() if moment else None


def _write_json(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    archive.writestr(name, text.encode("utf-8", "replace"))
