"""What a refused key means, in words: whose it is, and what to do about it."""

from __future__ import annotations

from typing import Final

from billing.key_models import KeyKind
from billing.models import Call
from openrouter.errors import (
    ContentRefused,
    KeyRejected,
    OpenRouterError,
    PaymentRequired,
    Refused,
)

OWN_REFUSED: Final = (
    "The key of your own OpenRouter account was refused: it was disabled, deleted or has expired. "
    "Connect your account again, or disconnect it to use this installation's key."
)
OWN_UNPAID: Final = (
    "Your own OpenRouter account, or the limit of its key, does not cover this answer. "
    "Add credits there, or disconnect it to use this installation's key."
)
OWN_FORBIDDEN: Final = (
    "Your own OpenRouter account is not allowed to make this request. Look at its settings at "
    "OpenRouter, or disconnect it to use this installation's key."
)
PERSONAL_REFUSED: Final = (
    "The key that this installation holds for you was refused; an administrator must look at it."
)
PERSONAL_UNPAID: Final = (
    "The limit of the key that this installation holds for you, or its credits, do not cover this "
    "answer. An administrator can raise your budget."
)


def words_for(error: OpenRouterError, call_id: int | None) -> str:
    """What to tell the person whose call failed so."""
    return (_about_the_key(error, call_id) if _may_be_the_key(error) else "") or error.for_person


def _may_be_the_key(error: OpenRouterError) -> bool:
    if isinstance(error, ContentRefused):
        return False
    is_refusal = isinstance(error, KeyRejected | PaymentRequired)
    return is_refusal or (isinstance(error, Refused) and error.status == 403)


def _about_the_key(error: OpenRouterError, call_id: int | None) -> str:
    calls = Call.objects.filter(pk=call_id or 0)
    kind = calls.values_list("key_kind", flat=True).first()
    if kind == KeyKind.OWN:
        if isinstance(error, PaymentRequired):
            return OWN_UNPAID
        return OWN_REFUSED if error.status == 401 else OWN_FORBIDDEN
    if kind == KeyKind.PERSONAL:
        return PERSONAL_UNPAID if isinstance(error, PaymentRequired) else PERSONAL_REFUSED
    return ""


def about_management(error: OpenRouterError) -> str:
    """For an administrator: which key is wrong where keys are managed."""
    if isinstance(error, KeyRejected) and error.status == 403:
        return (
            "OpenRouter wants a management key here, and the one that was sent is none. Make one "
            f"in the settings of the account at openrouter.ai. ({error})"
        )
    if isinstance(error, KeyRejected):
        return f"OpenRouter does not know the management key that was sent. ({error})"
    return f"{error.for_person} ({error})"
