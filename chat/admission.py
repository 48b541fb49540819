"""Who opens a socket, and what they may watch: one trip to the database for all of it.

Channels' own middleware makes three, all on one thread of the process, which is what a thousand
tabs that come back at once would wait for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.http import parse_cookie

from chat.models import Conversation

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Admission:
    """`conversation` is None where there is none of this person's."""

    is_signed_in: bool
    conversation: Conversation | None = None


def admit(headers: Headers, pk: UUID) -> Admission:
    """Whose session the handshake carries, and the conversation if it is theirs."""
    user = person_of(headers)
    if not user.is_authenticated:
        return Admission(is_signed_in=False)
    return Admission(
        is_signed_in=True, conversation=Conversation.objects.owned_by(user).filter(pk=pk).first()
    )


def person_of(headers: Headers) -> Any:
    """The user of the session, or AnonymousUser: as Django's middleware finds it."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key_of(headers) or None)
    return auth.get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]


def session_key_of(headers: Headers) -> str:
    """The key in the handshake's cookie; "" where there is none."""
    cookies = b"; ".join(value for name, value in headers if name == b"cookie")
    return parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")
