"""Sessions that are ended, by whomever, written down."""

from __future__ import annotations

from collections.abc import Iterable

from allauth.core import context
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession

from accounts.audit import note
from accounts.audit_models import Action


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    def end_sessions(self, sessions: Iterable[UserSession]) -> None:
        ended = list(sessions)
        who = getattr(context.request, "user", None)  # who ends their own is nobody afterwards
        super().end_sessions(ended)
        for session in ended:
            note(Action.SESSION_ENDED, subject=session.user, actor=who)
