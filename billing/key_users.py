"""Keys that we make for people: one each, on our account, limited at OpenRouter too.

The row comes first, then the request, then the secret: a crash in between leaves a row without a
secret and, at OpenRouter, a key of the same name that nobody can use. `sync_keys` disables it.
Source: OpenRouter API reference, "Create a new API key": the secret is told once.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Final, Protocol

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.module_loading import import_string

from billing.budgets import limits_of
from billing.key_crypto import can_keep_keys
from billing.key_models import TEXT_CHARS, KeyKind, UpstreamKey
from billing.keys import keep
from billing.limits import Period
from billing.models import user_ref
from billing.money import EXACT
from openrouter.errors import OpenRouterError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from openrouter.results import ManagedKey, NewKey

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 5.0  # that a first message waits for its key; it then goes with the shared one
CLAIM: Final = dt.timedelta(minutes=3)  # how long one process has to make a key
DAYS_OF_A_MONTH: Final = 31
SMALLEST: Final = Decimal("0.000001")
RESETS: Final = {Period.DAY: "daily", Period.MONTH: "monthly"}


class KeyMaker(Protocol):
    async def create_key(
        self, *, name: str, limit_usd: Decimal | None, limit_reset: str | None
    ) -> NewKey: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ProviderLimit:
    """What OpenRouter is asked to hold a key to; None: nothing. `reset` as on the wire, or ""."""

    usd: Decimal | None = None
    reset: str = ""


def provider_limit(user: AbstractBaseUser) -> ProviderLimit:
    """The tightest budget of a person, and the margin. OpenRouter takes one limit a key: of a day
    and a month the one that allows less in a month, since the other is held here anyway."""
    times = {Period.DAY: DAYS_OF_A_MONTH, Period.MONTH: 1}
    budgets = [
        (limit.usd * times[limit.period], limit.usd, limit.period)
        for limit in limits_of(user)
        if limit.usd is not None
    ]
    if not budgets:
        return ProviderLimit()
    _, usd, period = min(budgets)
    with_margin = EXACT.multiply(usd, Decimal(100 + settings.PER_USER_KEY_MARGIN_PERCENT)) / 100
    return ProviderLimit(with_margin.quantize(SMALLEST, ROUND_UP), RESETS[period])


def ensure_key(user: AbstractBaseUser) -> None:
    """Make the key of a person who has none yet, before their first message: not in a transaction.

    Where that fails, the shared key serves them, and it is tried again later.
    """
    if not settings.PER_USER_KEYS or _has_key(user) or not can_keep_keys():
        return
    if key := claim(user):
        client: KeyMaker = import_string(settings.OPENROUTER_MANAGEMENT_CLIENT)()
        try:
            made = async_to_sync(_make_in_time)(client, key, provider_limit(user))
        except (OpenRouterError, TimeoutError) as error:
            logger.warning("No key was made for %s: %s", user_ref(user), type(error).__name__)
            return
        store(key, made)


def _has_key(user: AbstractBaseUser) -> bool:
    """Also where the person has connected an account of their own: that one serves them."""
    kinds = (KeyKind.PERSONAL, KeyKind.OWN)
    return UpstreamKey.objects.usable().of(user).filter(kind__in=kinds).exists()


def claim(user: AbstractBaseUser) -> UpstreamKey | None:
    """The row of the key to be made for a person, if nobody else is just making it."""
    mine = UpstreamKey.objects.live().of(user).filter(kind=KeyKind.PERSONAL)
    if not mine.exists():
        label = f"{settings.OPENROUTER_APP_TITLE} {user_ref(user)} {secrets.token_hex(4)}"
        try:
            with transaction.atomic():
                mine.create(kind=KeyKind.PERSONAL, user_id=user.pk, label=label[-TEXT_CHARS:])
        except IntegrityError:
            pass  # another process was faster
    now = timezone.now()
    free = mine.filter(Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM), token="")
    return mine.first() if free.update(claimed_at=now) else None


async def make(client: KeyMaker, key: UpstreamKey, limit: ProviderLimit) -> NewKey:
    return await client.create_key(
        name=key.label, limit_usd=limit.usd, limit_reset=limit.reset or None
    )


async def _make_in_time(client: KeyMaker, key: UpstreamKey, limit: ProviderLimit) -> NewKey:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await make(client, key, limit)
    finally:
        await client.aclose()


def store(key: UpstreamKey, made: NewKey) -> None:
    """The key is there: keep its secret, which nobody will tell again."""
    mirror(key, made.info)
    keep(key, made.key)
    logger.info("A key was made: %s", key.label)


def unclaim(key: UpstreamKey) -> None:
    """It was certainly not made: whoever comes next may try at once."""
    UpstreamKey.objects.filter(pk=key.pk).update(claimed_at=None)


def mirror(key: UpstreamKey, told: ManagedKey) -> None:
    """Take over how a key stands at OpenRouter; the caller saves it."""
    key.is_disabled = told.disabled
    key.limit_usd = told.limit_usd
    key.limit_reset = told.limit_reset or ""
    key.usage_usd = told.usage_usd
    key.synced_at = timezone.now()
