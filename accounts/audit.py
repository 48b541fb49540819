"""Writing the audit log: the one function that every app calls, by the setting AUDIT_LOG.

It takes part in the transaction it is called in: what is rolled back was not done, and is not
told. Who acts and from where it reads from the request that is being answered.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from allauth.account.adapter import get_adapter
from allauth.core import context
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest

from accounts.audit_models import REF_CHARS, SERVER, Action, AuditEntry, AuditOrigin
from billing.models import user_ref

DETAIL_CHARS: Final = 200  # of one value
MOST_VALUES: Final = 50  # of one list
NOBODY: Final = AnonymousUser()

Person = AbstractBaseUser | AnonymousUser


def note(
    action: str,
    *,
    subject: Person | str = "",
    detail: Mapping[str, Any] | None = None,
    actor: Person | None = None,
    request: HttpRequest | None = None,
) -> AuditEntry:
    """Add an entry. `actor` where it is not the one who is signed in (NOBODY: a stranger).

    `detail`: names, numbers and yes or no; what is longer is cut. Raises ValueError for an action
    that is not known.
    """
    request = request or context.request
    entry = AuditEntry(
        action=Action(action),
        actor_ref=_actor_ref(actor, request),
        subject_ref=_ref(subject)[:REF_CHARS],
        detail=_short(dict(detail or {})),
    )
    entry.save()
    if address := address_of(request):
        AuditOrigin.objects.create(entry=entry, address=address)
    return entry


def address_of(request: HttpRequest | None) -> str | None:
    """Where a request came from, as the limits on sign-ins see it. None: that is not known."""
    if request is None:
        return None
    try:
        told = get_adapter().get_client_ip(request)
        return str(ipaddress.ip_address(told)) if told else None
    except (ValueError, ImproperlyConfigured, PermissionDenied):
        return None  # PermissionDenied: allauth's word for a request without an address


def account_named(name: str) -> AbstractBaseUser | None:
    """Whose account a sign-in named. The name itself is not kept: it may be a password."""
    if not name or "\0" in name:
        return None
    people = get_user_model().objects
    return people.filter(username=name).first() or people.filter(email__iexact=name).first()


def _actor_ref(actor: Person | None, request: HttpRequest | None) -> str:
    if actor is not None:
        return _ref(actor)
    if request is None:
        return SERVER
    return _ref(getattr(request, "user", NOBODY))


def _ref(of: Person | str) -> str:
    if isinstance(of, str):
        return of
    return user_ref(of) if of.pk else ""


def _short(value: Any) -> Any:
    """The same, without anything long: the log holds facts, and no texts."""
    if isinstance(value, Mapping):
        return {str(key)[:DETAIL_CHARS]: _short(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_short(each) for each in list(value)[:MOST_VALUES]]
    if value is None or isinstance(value, bool | int):
        return value
    return str(value)[:DETAIL_CHARS]
