"""What Django and allauth tell of sign-ins and of people's own accounts, written down."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from django.contrib.auth import signals as auth
from django.dispatch import receiver

from accounts.audit import NOBODY, account_named, note
from accounts.audit_models import Action

STEPS_KEPT = 4


@receiver(auth.user_logged_in)
def signed_in(request: Any, user: Any, **_: Any) -> None:
    session = getattr(request, "session", None)
    records = session.get("account_authentication_methods", []) if session is not None else []
    steps = [str(each.get("type") or each.get("method", "")) for each in records[-STEPS_KEPT:]]
    detail = {"with": steps} if steps else {}
    note(Action.SIGNED_IN, subject=user, actor=user, request=request, detail=detail)


@receiver(auth.user_login_failed)
def sign_in_failed(credentials: dict[str, Any], request: Any = None, **_: Any) -> None:
    typed = [credentials.get(name) for name in ("username", "email", "login")]
    name = next((each for each in typed if isinstance(each, str)), "")
    account_of_it = account_named(name)
    subject = account_of_it if account_of_it is not None else "unknown"
    note(Action.SIGN_IN_FAILED, subject=subject, actor=NOBODY, request=request)


@receiver(auth.user_logged_out)
def signed_out(request: Any, user: Any, **_: Any) -> None:
    if user is not None and user.is_authenticated:
        note(Action.SIGNED_OUT, subject=user, actor=user, request=request)


@receiver(account.user_signed_up)
def signed_up(request: Any, user: Any, **_: Any) -> None:
    note(Action.SIGNED_UP, subject=user, actor=user, request=request)


@receiver([account.password_changed, account.password_set])
def password_changed(request: Any, user: Any, **_: Any) -> None:
    note(Action.PASSWORD_CHANGED, subject=user, actor=user, request=request)


@receiver(account.password_reset)
def password_reset(request: Any, user: Any, **_: Any) -> None:
    note(Action.PASSWORD_RESET, subject=user, actor=user, request=request)


@receiver([account.email_changed, account.email_added, account.email_removed])
def email_changed(request: Any, user: Any, **_: Any) -> None:
    note(Action.EMAIL_CHANGED, subject=user, actor=user, request=request)
