"""The keys that were made for a person who is to be erased: disabled where they spend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils.module_loading import import_string

from billing.key_models import KeyKind, UpstreamKey
from billing.keys import give_up
from openrouter.errors import OpenRouterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import AbstractBaseUser

    from openrouter.results import ManagedKey

PATIENCE_S: Final = 15.0


class KeyDisabler(Protocol):
    async def update_key(self, key_hash: str, **changes: Any) -> ManagedKey: ...

    async def aclose(self) -> None: ...


def disable_personal_keys(user: AbstractBaseUser) -> tuple[int, int]:
    """Forget their secrets, and disable them at OpenRouter: how many were, how many could not be.

    Not in a transaction: it asks OpenRouter. What could not be done there, `sync_keys` does later:
    the row stays, without a person.
    """
    theirs = UpstreamKey.objects.live().of(user).filter(kind=KeyKind.PERSONAL)
    hashes = list(theirs.exclude(hash="").values_list("hash", flat=True))
    give_up(theirs)
    if not hashes:
        return 0, 0
    client: KeyDisabler = import_string(settings.OPENROUTER_MANAGEMENT_CLIENT)()
    return async_to_sync(_disable)(client, hashes)


async def _disable(client: KeyDisabler, hashes: Sequence[str]) -> tuple[int, int]:
    done = 0
    try:
        async with asyncio.timeout(PATIENCE_S):
            for key_hash in hashes:
                await client.update_key(key_hash, disabled=True)
                done += 1
    except (OpenRouterError, TimeoutError):
        pass  # told by the count
    finally:
        await client.aclose()
    return done, len(hashes) - done
