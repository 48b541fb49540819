"""Keys at rest: Fernet tokens, made with the first of KEY_ENCRYPTION_KEYS, read with any of them.

Source: cryptography's documentation, "Fernet (symmetric encryption)": AES-128-CBC and HMAC-SHA256;
MultiFernet encrypts with its first key and decrypts with all, which is what a rotation needs.
"""

from __future__ import annotations

import re
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.checks import Error, register

from billing.models import BooksError

HOW_TO_MAKE_ONE = "Fernet.generate_key(), see .env.example"
LONGEST_KEY = 500
A_KEY = re.compile(r"[!-~]{8,500}")  # what a header can hold, without blanks


class KeysNotEncrypted(BooksError):
    """KEY_ENCRYPTION_KEYS is empty or holds what is no key, so nothing can be kept."""

    def __init__(self) -> None:
        super().__init__("Set KEY_ENCRYPTION_KEYS first (see .env.example).")


class KeyUnreadable(BooksError):
    """What is kept was encrypted with a key that KEY_ENCRYPTION_KEYS does not hold any more."""

    def __init__(self) -> None:
        super().__init__("None of KEY_ENCRYPTION_KEYS decrypts this key.")


def can_keep_keys() -> bool:
    """Whether this installation may hold keys at all."""
    try:
        _ring()
    except KeysNotEncrypted:
        return False
    return True


def encrypt(secret: str) -> str:
    """The token to store. Raises KeysNotEncrypted."""
    return _ring().encrypt(secret.encode()).decode()


def decrypt(token: str) -> str:
    """The secret of a stored token. Raises KeysNotEncrypted, KeyUnreadable."""
    try:
        return _ring().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise KeyUnreadable from error


def rotated(token: str) -> str:
    """The same secret under the first key. Raises KeysNotEncrypted, KeyUnreadable."""
    try:
        return _ring().rotate(token.encode()).decode()
    except InvalidToken as error:
        raise KeyUnreadable from error


def _ring() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.KEY_ENCRYPTION_KEYS])
    except ValueError as error:
        raise KeysNotEncrypted from error


@register()
def encryption_keys_are_keys(**_: Any) -> list[Error]:
    """`manage.py check`: a mistyped key is told at the start, not with the first key that comes."""
    if not settings.KEY_ENCRYPTION_KEYS or can_keep_keys():
        return []
    problem = "KEY_ENCRYPTION_KEYS holds something that is no Fernet key."
    return [Error(problem, hint=f"Make one: {HOW_TO_MAKE_ONE}.", id="billing.E001")]
