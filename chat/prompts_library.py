"""A person's own prompts, and the instructions that a conversation is answered with."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from chat.models import AUTO, Conversation, SavedPrompt

NAME_CHARS: Final = 60
TEXT_CHARS: Final = 20_000
MOST_PROMPTS: Final = 300


class CannotSave(Exception):
    """`for_person` says why."""

    def __init__(self, for_person: str) -> None:
        super().__init__(for_person)
        self.for_person = for_person


def save_prompt(user: AbstractBaseUser, known: SavedPrompt | None, *, name: str, text: str) -> None:
    """A new prompt, or a known one changed. Raises CannotSave."""
    name, text = " ".join(name.split())[:NAME_CHARS], text.replace("\r\n", "\n").strip()
    if not name or not text:
        raise CannotSave("A prompt needs a name and a text.")
    _require_short(text)
    prompt = known or SavedPrompt(user_id=user.pk)
    if known is None and SavedPrompt.objects.owned_by(user).count() >= MOST_PROMPTS:
        raise CannotSave(f"{MOST_PROMPTS} prompts are the most there can be.")
    prompt.name, prompt.text = name, text
    try:
        with transaction.atomic():
            prompt.save()
    except IntegrityError as error:
        raise CannotSave(f"There is a prompt named “{name}” already.") from error


def instruct(conversation: Conversation, text: str) -> None:
    """What every request of it begins with, from its next message on. Raises CannotSave."""
    text = text.replace("\r\n", "\n").strip()
    _require_short(text)
    conversation.system_prompt = text
    conversation.save(update_fields=["system_prompt"])


def instructions(conversation: Conversation) -> list[dict[str, str]]:
    """What a request of the conversation begins with, as the API takes it."""
    text = conversation.system_prompt
    return [{"role": "system", "content": text}] if text else []


def begin_with(user: AbstractBaseUser, text: str) -> Conversation:
    """An empty conversation that has instructions; its first prompt gives it a name."""
    _require_short(text)
    return Conversation.objects.create(
        user_id=user.pk, title="", choice=AUTO, system_prompt=text.strip()
    )


def _require_short(text: str) -> None:
    if len(text) > TEXT_CHARS:
        raise CannotSave(f"This is too long: at most {TEXT_CHARS:,} characters.")
