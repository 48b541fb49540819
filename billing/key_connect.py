"""Connecting an OpenRouter account: OAuth with PKCE, S256.

What is to be kept secret stays here: the verifier and the state live in the session, and what goes
through the browser is worth nothing without them. OpenRouter documents no `state`, so ours is in
the address that it comes back to. Source: OpenRouter documentation, "OAuth PKCE".
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

from asgiref.sync import async_to_sync
from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string

from billing.key_crypto import KeysNotEncrypted
from billing.keys import connect_own, is_emulated
from openrouter.errors import KeyRejected, OpenRouterError, Refused
from openrouter.pkce import authorize_address, new_verifier

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from django.contrib.auth.models import AbstractBaseUser

    from openrouter.results import ExchangedKey, KeyInfo

PENDING: Final = "openrouter_connect"  # in the session: at most one attempt at a time
LIFETIME_S: Final = 600  # of a code, and so of an attempt
PATIENCE_S: Final = 20


class ConnectError(Exception):
    """No key was kept. `for_person` says why and what to do."""

    def __init__(self, for_person: str) -> None:
        self.for_person = for_person
        super().__init__(for_person)


class Exchanger(Protocol):
    async def exchange_code(self, *, code: str, verifier: str) -> ExchangedKey: ...

    async def key(self, *, api_key: str = "") -> KeyInfo: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was begun, and by whom: not for another session, nor for another person in it."""

    state: str
    verifier: str
    user_id: int
    began_s: float


def authorize_url() -> str:
    """The page where people grant a key: of OpenRouter, of what speaks as it does, or our own
    window on the emulator."""
    if is_emulated():
        return reverse("emulated_grant")
    address = urlsplit(settings.OPENROUTER_BASE_URL)
    return f"{address.scheme}://{address.netloc}/auth"


def begin(session: MutableMapping[str, Any], user: AbstractBaseUser, callback_url: str) -> str:
    """Where to send the browser; what it comes back with is good for this session only."""
    state, verifier = secrets.token_urlsafe(32), new_verifier()
    session[PENDING] = {
        "state": state,
        "verifier": verifier,
        "user_id": user.pk,
        "began_s": time.time(),
    }
    return authorize_address(
        callback_url=f"{callback_url}?{urlencode({'state': state})}",
        verifier=verifier,
        key_label=settings.OPENROUTER_APP_TITLE,
        authorize_url=authorize_url(),
    )


def complete(
    session: MutableMapping[str, Any], user: AbstractBaseUser, *, state: str, code: str
) -> None:
    """Exchange the code and keep the key. Raises ConnectError; then an older key stays.

    An attempt ends here whichever way: neither its state nor its verifier is good twice.
    """
    attempt = _attempt_of(session, user, state)
    if not code:
        raise ConnectError("OpenRouter granted no key. Nothing was changed.")
    client: Exchanger = import_string(settings.OPENROUTER_CLIENT)()
    secret = async_to_sync(_exchange)(client, code, attempt.verifier)
    try:
        connect_own(user=user, secret=secret)
    except KeysNotEncrypted as error:
        raise ConnectError(
            "This installation cannot keep keys; an administrator must look at it."
        ) from error


def _attempt_of(session: MutableMapping[str, Any], user: AbstractBaseUser, state: str) -> Attempt:
    kept = session.pop(PENDING, None)
    if kept is None:
        raise ConnectError("No connection was begun here. Begin it with the button below.")
    attempt = Attempt(**kept)
    is_ours = secrets.compare_digest(attempt.state.encode(), state.encode())
    if not is_ours or attempt.user_id != user.pk:
        raise ConnectError("This answer belongs to another attempt. Begin again, in one tab.")
    if not 0 <= time.time() - attempt.began_s <= LIFETIME_S:
        raise ConnectError("That took more than ten minutes. Begin again.")
    return attempt


async def _exchange(client: Exchanger, code: str, verifier: str) -> str:
    """The secret, once OpenRouter has taken it as a key."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            granted = await client.exchange_code(code=code, verifier=verifier)
            await client.key(api_key=granted.key)
    except TimeoutError as error:
        raise ConnectError("OpenRouter did not answer in time. Begin again.") from error
    except KeyRejected as error:
        raise ConnectError("OpenRouter refused the key that it granted. Begin again.") from error
    except Refused as error:
        raise ConnectError(
            "OpenRouter did not take the code: it was used already, or is too old. Begin again."
            if error.status in (400, 403)
            else f"{error.for_person} Begin again later."
        ) from error
    except OpenRouterError as error:
        raise ConnectError(f"{error.for_person} Begin again later.") from error
    finally:
        await client.aclose()
    return granted.key
