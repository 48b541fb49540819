"""Where a person is signed in, and ending it there.

An ended session is gone at once; the sockets that it opened are closed by chat.rights within
seconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from allauth.usersessions.internal.flows.sessions import end_other_sessions, end_sessions
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.devices import device_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@login_required
@require_safe
@never_cache
def sessions(request: HttpRequest) -> HttpResponse:
    """This session first, then the others, the last one seen first."""
    found = living(request)
    found.sort(key=lambda it: (it.is_current(), it.last_seen_at), reverse=True)
    rows = [{"session": it, "device": device_of(it.user_agent)} for it in found]
    return render(request, "usersessions/sessions.html", {"rows": rows})


def living(request: HttpRequest) -> list[UserSession]:
    """The person's sessions that sign somebody in; this one always, though it be of before."""
    found = [it for it in UserSession.objects.filter(user=request.user) if _is_alive(it)]
    if not any(it.is_current() for it in found):
        found.append(
            UserSession(
                user=request.user,
                session_key=request.session.session_key,
                ip=request.META.get("REMOTE_ADDR", ""),
                user_agent=request.headers.get("User-Agent", ""),
            )
        )
    return found


def _is_alive(session: UserSession) -> bool:
    """Not ended, run out, or begun with a password that is another by now."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(session.session_key)
    bearer = HttpRequest()
    bearer.session = store
    return get_user(bearer).is_authenticated


@login_required
@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the person's own sessions; ending this one signs out."""
    ended = get_object_or_404(UserSession, pk=pk, user=request.user)
    end_sessions(request, [ended])
    if request.user.is_authenticated:
        messages.success(request, "That session is ended.")
    return redirect("account_sessions")


@login_required
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    end_other_sessions(request, cast("AbstractBaseUser", request.user))
    messages.success(request, "You are signed out everywhere else.")
    return redirect("account_sessions")
