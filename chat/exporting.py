"""A person's conversations as files: Markdown to read, JSON to keep and to bring back."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from billing.visibility import money_is_shown
from chat.database import in_database
from chat.models import Conversation, Message, Role
from chat.services import branch

FORMAT: Final = "switchboard-conversations"
VERSION: Final = 1
NAME_CHARS: Final = 60


def file_name(conversation: Conversation, suffix: str) -> str:
    """Of letters, digits and dashes alone: no file system takes offence."""
    name = "-".join(re.findall(r"\w+", conversation.title))[:NAME_CHARS].strip("-_")
    return f"{name or 'conversation'}.{suffix}"


def as_markdown(conversation: Conversation) -> str:
    """The branch on show. What a model wrote stands as it wrote it."""
    pieces = [f"# {' '.join(conversation.title.split()) or 'Conversation'}\n"]
    if conversation.system_prompt:
        pieces.append(f"## Instructions\n\n{conversation.system_prompt.strip()}\n")
    for message in branch(conversation):
        if not (message.text or message.files):
            continue
        who = "You" if message.role == Role.USER else "Answer"
        by = f" ({message.served_model})" if message.served_model else ""
        said = [message.text.strip(), _files(message)]
        pieces.append(f"## {who}{by}\n\n" + "\n\n".join(filter(None, said)) + "\n")
    return "\n".join(pieces)


def _files(message: Message) -> str:
    """By name alone: their bytes are not in this file."""
    names = [str(file["name"]) for file in message.files or ()]
    what = "Pictures" if message.role == Role.ASSISTANT else "Files"
    return f"({what}: {', '.join(names)})" if names else ""


def as_json(conversation: Conversation) -> dict[str, Any]:
    """The whole tree. What it cost is told as well; an import never believes it."""
    messages = conversation.messages.with_books().order_by("pk")
    return {
        "id": str(conversation.pk),
        "title": conversation.title,
        "created_at": _time(conversation.created_at),
        "updated_at": _time(conversation.updated_at),
        "folder": conversation.folder.name if conversation.folder else None,
        "pinned": conversation.is_pinned,
        "archived": conversation.archived_at is not None,
        "model": conversation.choice,
        "instructions": conversation.system_prompt,
        "head": conversation.head_id,
        "messages": [_message(message) for message in messages if not message.is_running],
    }


def _message(message: Message) -> dict[str, Any]:
    usage = message.usage
    return {
        "id": message.pk,
        "parent": message.parent_id,
        "role": message.role,
        "state": message.state,
        "text": message.text,
        "reasoning": message.reasoning,
        "reasoning_details": message.reasoning_details,
        "annotations": message.annotations,
        "files": message.files or [],  # what they are; their bytes are elsewhere
        "model": message.served_model,
        "error": message.error_text,
        "created_at": _time(message.created_at),
        "ended_at": _time(message.ended_at),
        "cost_usd": format(usage.cost_usd, "f") if usage and money_is_shown() else None,
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "completion_tokens": usage.completion_tokens if usage else None,
    }


def _time(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def one_file(conversation: Conversation) -> str:
    return json.dumps(_head() | {"conversations": [as_json(conversation)]}, ensure_ascii=False)


async def all_in_one(user: AbstractBaseUser) -> AsyncIterator[str]:
    """The same file with every conversation of a person, a conversation at a time."""
    keys = await in_database(_keys_of, user)
    yield json.dumps(_head())[:-1] + ', "conversations": ['
    begun = False
    for key in keys:
        if text := await in_database(_one_of, user, key):
            yield f",\n{text}" if begun else text
            begun = True
    yield "]}\n"


def _keys_of(user: AbstractBaseUser) -> list[UUID]:
    mine = Conversation.objects.owned_by(user).order_by("created_at")
    return list(mine.values_list("pk", flat=True))


def _one_of(user: AbstractBaseUser, key: UUID) -> str:
    mine = Conversation.objects.owned_by(user).select_related("folder")
    conversation = mine.filter(pk=key).first()  # it may be gone meanwhile
    return json.dumps(as_json(conversation), ensure_ascii=False) if conversation else ""


def _head() -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, "exported_at": _time(timezone.now())}
