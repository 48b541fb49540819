"""What a person finds again: conversations by their names, and messages by their words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from chat.models import Conversation, Message
from chat.search_text import Term, excerpt, holds, read_terms

MOST_FOUND = 30
MOST_NAMES = 6
NAMES_READ = 3000  # of the newest conversations; they have no index


@dataclass(frozen=True, slots=True)
class Found:
    """One result. `excerpt` is our own HTML: text escaped, the words found marked."""

    url: str
    title: SafeString
    excerpt: SafeString
    when: dt.datetime
    role: str


@dataclass(frozen=True, slots=True)
class Results:
    names: list[Found]
    messages: list[Found]

    @property
    def is_empty(self) -> bool:
        return not self.names and not self.messages


def find(user: AbstractBaseUser | AnonymousUser, text: str) -> Results:
    """The newest that match; the archive is searched too, what is deleted is not."""
    terms = read_terms(text)
    return Results(_names(user, terms), _messages(user, text, terms)) if terms else Results([], [])


def _names(user: AbstractBaseUser | AnonymousUser, terms: list[Term]) -> list[Found]:
    mine = Conversation.objects.owned_by(user)
    rows = mine.values_list("pk", "title", "updated_at")[:NAMES_READ]
    found = [row for row in rows if holds(row[1], terms)][:MOST_NAMES]
    return [
        Found(
            reverse("chat:conversation", args=[pk]), _marked(title, terms), SafeString(), when, ""
        )
        for pk, title, when in found
    ]


def _messages(user: AbstractBaseUser | AnonymousUser, text: str, terms: list[Term]) -> list[Found]:
    rows = Message.objects.owned_by(user).matching(text).order_by("-pk")
    fields = ("pk", "conversation__title", "text", "created_at", "role")
    return [
        Found(reverse("chat:at", args=[pk]), _plain(title), _marked(body, terms), when, role)
        for pk, title, body, when, role in rows.values_list(*fields)[:MOST_FOUND]
    ]


def _marked(text: str, terms: list[Term]) -> SafeString:
    return mark_safe(excerpt(text, terms))  # noqa: S308  # nosec B308 # escaped piece by piece there


def _plain(text: str) -> SafeString:
    return mark_safe(excerpt(text, []))  # noqa: S308  # nosec B308 # escaped there
