"""OpenRouter: reached, with a key that it takes and that can pay, and a catalogue that is fresh."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from contextlib import aclosing
from decimal import Decimal

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Max
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from billing.keys import is_emulated
from config.doctor.findings import Finding, fault, fine, warning
from config.upstream import make_client
from openrouter.errors import KeyRejected, OpenRouterError
from openrouter.results import Credits, KeyInfo
from routing.models import LanguageModel

STALE = dt.timedelta(days=3)
SOON = dt.timedelta(days=14)
LITTLE_USD = Decimal(1)
PATIENCE_S = 20


def check() -> Iterator[Finding]:
    yield from _catalogue()
    if is_emulated():
        yield warning(
            "OPENROUTER_API_KEY is empty: the built-in emulator answers, with made-up text.",
            "Put a key into .env, then run manage.py sync_models and restart the servers.",
        )
        return
    if not settings.OPENROUTER_API_KEY:
        yield fine("The keys are in the admin; manage.py sync_keys --dry-run asks with them.")
        return
    try:
        key, credits_left = asyncio.run(_ask())
    except KeyRejected:
        yield fault(
            f"{settings.OPENROUTER_BASE_URL} refuses the key.",
            "Make a new one at openrouter.ai/settings/keys and put it into OPENROUTER_API_KEY.",
        )
    except (OpenRouterError, TimeoutError) as error:
        told = error.for_person if isinstance(error, OpenRouterError) else "No answer came in time."
        yield fault(
            f"{settings.OPENROUTER_BASE_URL} does not answer well: {told}",
            "Look at OPENROUTER_BASE_URL, DNS, and whether this machine may go out (a proxy?).",
        )
    else:
        yield fine("OpenRouter takes the key.")
        yield from judge_key(key, timezone.now())
        yield from judge_credits(credits_left)


async def _ask() -> tuple[KeyInfo, Credits | None]:
    """The key, and the account's credits where the key may see them."""
    async with asyncio.timeout(PATIENCE_S), aclosing(make_client()) as client:
        key = await client.key()
        try:
            return key, await client.credits()
        except KeyRejected:  # most keys may not see them
            return key, None


def judge_key(key: KeyInfo, now: dt.datetime) -> Iterator[Finding]:
    left_usd = key.limit_remaining_usd
    if left_usd is not None and left_usd <= 0:
        again = f" until its limit is reset ({key.limit_reset})" if key.limit_reset else ""
        yield fault(
            f"The key has spent its limit: every answer is refused{again}.",
            "Raise the key's limit at openrouter.ai/settings/keys.",
        )
    elif left_usd is not None and left_usd < LITTLE_USD:
        yield warning(
            f"The key may spend {left_usd} USD more.",
            "Raise its limit at openrouter.ai/settings/keys before answers are refused.",
        )
    if key.is_management_key:
        yield fault(
            "The key is a management key, which cannot ask for answers.",
            "Make an ordinary key for OPENROUTER_API_KEY.",
        )
    expires = parse_datetime(key.expires_at) if key.expires_at else None
    if expires and expires <= now + SOON:
        yield warning(
            f"The key expires on {expires:%Y-%m-%d}.", "Make the next one before that day."
        )


def judge_credits(credits_left: Credits | None) -> Iterator[Finding]:
    if credits_left and credits_left.balance_usd <= 0:
        yield fault(
            f"The account's credits are spent ({credits_left.balance_usd} USD).",
            "Buy credits at openrouter.ai/credits.",
        )


def _catalogue() -> Iterator[Finding]:
    try:
        synced_at = LanguageModel.objects.aggregate(latest=Max("synced_at"))["latest"]
    except DatabaseError:
        return  # the check of the database has said so
    yield judge_catalogue(synced_at, timezone.now())


def judge_catalogue(synced_at: dt.datetime | None, now: dt.datetime) -> Finding:
    if synced_at is None:
        return fault(
            "The catalogue is empty: there is no model to choose.", "Run manage.py sync_models."
        )
    age = now - synced_at
    if age > STALE:
        return warning(
            f"The catalogue is {age.days} days old: prices and models have changed since.",
            "Run manage.py sync_models, and once a day from cron or a systemd timer.",
        )
    return fine("The catalogue is fresh.")
