"""What allauth tells of second factors, written down."""

from __future__ import annotations

from typing import Any

from allauth.mfa import signals as mfa
from django.dispatch import receiver

from accounts.audit import NOBODY, note
from accounts.audit_models import Action


@receiver(mfa.authenticator_added)
def added(request: Any, user: Any, authenticator: Any, **_: Any) -> None:
    note(Action.FACTOR_ADDED, subject=user, actor=user, request=request, detail=_of(authenticator))


@receiver(mfa.authenticator_removed)
def removed(request: Any, user: Any, authenticator: Any, **_: Any) -> None:
    note(
        Action.FACTOR_REMOVED, subject=user, actor=user, request=request, detail=_of(authenticator)
    )


@receiver(mfa.authenticator_reset)
def renewed(request: Any, user: Any, authenticator: Any, **_: Any) -> None:
    note(
        Action.FACTOR_RENEWED, subject=user, actor=user, request=request, detail=_of(authenticator)
    )


@receiver(mfa.authentication_failed)
def failed(request: Any, user: Any, authenticator: Any = None, **_: Any) -> None:
    note(
        Action.FACTOR_FAILED, subject=user, actor=NOBODY, request=request, detail=_of(authenticator)
    )


def _of(authenticator: Any) -> dict[str, str]:
    return {"factor": str(authenticator.type)} if authenticator is not None else {}
