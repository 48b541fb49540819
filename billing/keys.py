"""Which key asks, and the only place where a stored one is read.

The order: the key of the person's own account, the one that we made for them, the shared one. A
key that was entered in the admin comes before one of the environment. A secret leaves here only
in a `Credential`, which does not show it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.audited import note
from billing.emptiness import Emptiness
from billing.key_crypto import KeyUnreadable, decrypt, encrypt
from billing.key_models import KeyKind, UpstreamKey, hash_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from billing.key_models import UpstreamKeyQuerySet
    from billing.models import Call

PREFERRED: Final = (KeyKind.OWN, KeyKind.PERSONAL, KeyKind.SHARED)


no_keys = Emptiness(UpstreamKey)


@dataclass(frozen=True, slots=True)
class Credential:
    """The key that a call is made with. An empty secret: the client's own, of the environment."""

    kind: KeyKind = KeyKind.SHARED
    key_id: int | None = None
    key_hash: str = ""
    secret: str = field(default="", repr=False)

    @property
    def is_own(self) -> bool:
        """Whether the person pays, and not this installation."""
        return self.kind == KeyKind.OWN


class NoUsableKey(KeyUnreadable):
    """The key that would have to ask cannot be read. `for_person` says whose it is."""

    def __init__(self, kind: KeyKind) -> None:
        super().__init__()
        self.for_person = (
            "The key of your OpenRouter account cannot be read here any more. "
            "Connect your account again, or disconnect it to use this installation's key."
            if kind == KeyKind.OWN
            else "The key of this installation cannot be read; an administrator must look at it."
        )


def key_for(user: AbstractBaseUser | AnonymousUser) -> Credential:
    """The key that serves this person's calls. Raises NoUsableKey: no other one steps in."""
    if no_keys:
        return _credential(None)
    switched_on = {KeyKind.OWN: settings.OWN_KEYS, KeyKind.PERSONAL: settings.PER_USER_KEYS}
    kinds = [kind for kind, is_on in switched_on.items() if is_on]
    theirs = Q(user_id=user.pk, kind__in=kinds)
    found = list(UpstreamKey.objects.usable().filter(theirs | Q(kind=KeyKind.SHARED)))
    if not found:
        no_keys.look()
    return _credential(min(found, key=lambda key: PREFERRED.index(KeyKind(key.kind)), default=None))


def key_of_call(call: Call) -> Credential | None:
    """The key that may ask for a call's bill; None: it was given up, and nobody else may."""
    kind = KeyKind(call.key_kind)
    if call.key is not None and call.key.token:
        try:
            return _credential(call.key)
        except NoUsableKey:
            return None
    return None if kind == KeyKind.OWN else shared_key()


def shared_key() -> Credential:
    """The key of the installation itself."""
    return _credential(UpstreamKey.objects.usable().filter(kind=KeyKind.SHARED).first())


def management_key() -> str:
    """The secret that looks after the account; empty where there is none."""
    stored = UpstreamKey.objects.usable().filter(kind=KeyKind.MANAGEMENT).first()
    return _credential(stored).secret if stored else settings.OPENROUTER_MANAGEMENT_KEY


def is_emulated() -> bool:
    """Whether the built-in emulator answers in place of OpenRouter."""
    return not settings.OPENROUTER_API_KEY and settings.EMULATE_WITHOUT_KEY


def own_key(user: AbstractBaseUser | AnonymousUser) -> UpstreamKey | None:
    """The key of the account that a person has connected."""
    return UpstreamKey.objects.usable().of(user).filter(kind=KeyKind.OWN).first()


@transaction.atomic
def keep(key: UpstreamKey, secret: str) -> UpstreamKey:
    """Store a key with this secret, in place of the one it had. Raises KeysNotEncrypted."""
    key.token = encrypt(secret)
    key.hash = hash_of(secret)
    key.last_four = secret[-4:]
    key.claimed_at = None
    key.save()
    facts = {"kind": key.kind, "of": key.user_id and f"user-{key.user_id}", "ends": key.last_four}
    note("key-kept", subject=f"key-{key.pk}", detail=facts)
    return key


@transaction.atomic
def connect_own(*, user: AbstractBaseUser, secret: str) -> UpstreamKey:
    """Keep the key that a person granted, in place of an earlier one. Raises KeysNotEncrypted."""
    disconnect_own(user=user)
    return keep(UpstreamKey(kind=KeyKind.OWN, user_id=user.pk, label="OpenRouter account"), secret)


@transaction.atomic
def disconnect_own(*, user: AbstractBaseUser) -> bool:
    """Forget the key of a person's own account. False: there was none."""
    return bool(give_up(UpstreamKey.objects.of(user).filter(kind=KeyKind.OWN)))


@transaction.atomic
def give_up(keys: UpstreamKeyQuerySet) -> int:
    """Forget secrets; what the books know of these keys, their hashes, stays."""
    told = list(keys.live().values_list("pk", "kind"))
    for pk, kind in told:
        note("key-given-up", subject=f"key-{pk}", detail={"kind": kind})
    ended = keys.live().filter(pk__in=[pk for pk, _ in told])
    return ended.update(token="", ended_at=timezone.now(), claimed_at=None)


def _credential(key: UpstreamKey | None) -> Credential:
    if key is None:
        usual = settings.OPENROUTER_API_KEY
        return Credential(key_hash=hash_of(usual) if usual else "")
    kind = KeyKind(key.kind)
    try:
        return Credential(kind, key.pk, key.hash, decrypt(key.token))
    except KeyUnreadable as error:
        raise NoUsableKey(kind) from error
