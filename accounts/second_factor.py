"""The second step of signing in: its secrets at rest, and codes that count once.

Source: RFC 6238 (TOTP), section 5.2: a code is accepted a step early or late, and never twice.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
import struct
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django import forms
from django.conf import settings
from django.core.cache import cache

logger = logging.getLogger(__name__)

SECRET_FIELDS: Final = ("secret", "seed")  # of an authenticator's data
NO_PASSKEY: Final = (  # how fido2 says that something is none
    *(ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError),
    *(struct.error, InvalidSignature, UnsupportedAlgorithm),
)
PURPOSE: Final = b"switchboard second factor\n"


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets are kept encrypted, so that a copy of the database signs nobody in."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That is not right, or it was used already.",
    }

    def encrypt(self, text: str) -> str:
        return ring().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The secret; one that no code fits, where none of our keys reads it any more."""
        try:
            return ring().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            logger.warning("A second factor cannot be decrypted: was a key dropped from .env?")
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:  # noqa: A002 (allauth's)
        """`Passkey`, `Passkey 2`, ...; a person may call it otherwise."""
        before = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {before + 1}" if before else "Passkey"

    def get_totp_label(self, user: object) -> str:
        """The name under which the app lists us: the one that a person signs in with."""
        return str(getattr(user, "username", user))


def ring() -> MultiFernet:
    """KEY_ENCRYPTION_KEYS, of which the first encrypts; without them, a key of SECRET_KEY's."""
    return MultiFernet([Fernet(key) for key in _keys()])


def _keys() -> Iterator[str | bytes]:
    yield from settings.KEY_ENCRYPTION_KEYS
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        digest = hashlib.sha256(PURPOSE + secret.encode()).digest()
        yield base64.urlsafe_b64encode(digest)


def rotate() -> tuple[int, list[str]]:
    """Encrypt all of them with the first key. Returns how many, and which none could read."""
    done, unreadable = 0, []
    for kept in Authenticator.objects.select_related("user").iterator():
        data = dict(kept.data)
        try:
            for field in SECRET_FIELDS:
                if field in data:
                    data[field] = ring().rotate(data[field].encode()).decode()
        except InvalidToken:
            unreadable.append(f"second factor of {kept.user}")
            continue
        if data != kept.data:
            done += Authenticator.objects.filter(pk=kept.pk, data=kept.data).update(data=data)
    return done, unreadable


class _Once:
    """allauth remembers a code for one step of 30 s, and here it is good for three."""

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        authenticator = self.authenticator  # type: ignore[attr-defined]
        if authenticator.type == Authenticator.Type.TOTP:
            steps = 2 * app_settings.TOTP_TOLERANCE + 1
            key = f"totp-once:{authenticator.pk}:{normalize_user_code(code)}"
            if not cache.add(key, value=True, timeout=steps * app_settings.TOTP_PERIOD):
                raise SecondFactorAdapter().validation_error("incorrect_code")
        return code


class CodeForm(_Once, AuthenticateForm):  # type: ignore[misc]
    """The code at sign-in."""


class CodeAgainForm(_Once, ReauthenticateForm):  # type: ignore[misc]
    """The code before a change of the account."""


class _Legible:
    """allauth lets what is no passkey through to its library, which fails in its own ways."""

    def full_clean(self) -> None:
        try:
            super().full_clean()  # type: ignore[misc]
        except NO_PASSKEY as error:
            logger.info("What came for a passkey is none: %s", type(error).__name__)
            problem = SecondFactorAdapter().validation_error("incorrect_code")
            self.add_error("credential", problem)  # type: ignore[attr-defined]


class PasskeyLoginForm(_Legible, LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey instead of the password; anybody may post it."""


class PasskeyStepForm(_Legible, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey after the password."""


class PasskeyAgainForm(_Legible, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey before a change of the account."""


class PasskeyForm(_Legible, AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey; unless it is unticked, it signs in alone."""

    name = forms.CharField(label="Name", required=False, max_length=80)
    passwordless = forms.BooleanField(
        label="Sign in with it alone, without the password",
        required=False,
        initial=True,
        help_text="It then asks for your fingerprint, your face or its PIN.",
    )
