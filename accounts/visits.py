"""When a session was last seen: noted every few minutes, after the page was made.

A process remembers when it noted each session. One that it does not know yet was noted when it
was begun, or will be in a few minutes, so that no first page pays for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]

EVERY_S: Final = 300.0
KEPT: Final = 20_000  # sessions that a process remembers


class Visits:
    """The sessions that this process has seen, and when it last wrote so down."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}

    def is_due(self, session_key: str, now: float) -> bool:
        """Whether this visit is to be noted; `now` is seconds of a clock that only goes forward."""
        last = self._noted.get(session_key)
        if last is not None and now - last < EVERY_S:
            return False
        if len(self._noted) >= KEPT:
            self._noted.clear()  # they are noted a few minutes later than they could be
        self._noted[session_key] = now
        return last is not None


visits = Visits()


def note_visits(get_response: GetResponse) -> GetResponse:
    """Of those whom the page had to know anyway; who is signed out by it is not noted."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if getattr(request, "_cached_user", None) is not None and request.user.is_authenticated:
            key = request.session.session_key
            if key and visits.is_due(key, time.monotonic()):
                _note(request, key)
        return response

    return answer


def _note(request: HttpRequest, session_key: str) -> None:
    try:
        address = get_adapter().get_client_ip(request)
        mine = UserSession.objects.filter(session_key=session_key)
        if not mine.update(last_seen_at=timezone.now(), ip=address):
            UserSession.objects.create_from_request(request)
    except PermissionDenied:  # no address is known, and a session is listed with one
        return
    except DatabaseError:  # the page is made; what it is worth to know can wait
        logger.warning("A visit could not be noted")
