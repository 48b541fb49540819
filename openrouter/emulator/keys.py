"""API keys and the accounts they spend from.

There is the account of whoever runs the emulator, and that of a guest: the keys that a person
grants through OAuth are the guest's. Neither account sees the other's keys, bills and activity.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from openrouter.emulator.ask import Ask
from openrouter.emulator.bill import Bill, BillEntry
from openrouter.emulator.catalogue import Model
from openrouter.emulator.clock import Clock
from openrouter.emulator.refusals import overdrawn, too_dear
from openrouter.emulator.settings import EmulatorSettings
from openrouter.emulator.web import USER_ID, Refusal

WORKSPACE_ID = "0df9e665-0000-4000-8000-000000000001"
RESETS = ("daily", "weekly", "monthly")


def hash_of(secret: str) -> str:
    """What a key is called in paths: the SHA-256 of it, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass
class Key:
    """A key without its secret. `limit` in USD, None for no limit; `limit_reset` as in RESETS."""

    hash: str
    name: str
    label: str
    created_at: dt.datetime
    is_management: bool = False
    disabled: bool = False
    limit: Decimal | None = None
    limit_reset: str | None = None
    include_byok_in_limit: bool = False
    expires_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
    creator_user_id: str = USER_ID
    workspace_id: str = WORKSPACE_ID
    listed: bool = True
    is_guest: bool = False


def period_start(period: str | None, now: dt.datetime) -> dt.datetime | None:
    """When the running day, week (from Monday) or month began, in UTC; None for no period."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case "daily":
            return midnight
        case "weekly":
            return midnight - dt.timedelta(days=midnight.weekday())
        case "monthly":
            return midnight.replace(day=1)
        case _:
            return None


class Accounts:
    """The one account that all keys belong to, its credits and its keys."""

    def __init__(self, settings: EmulatorSettings, bill: Bill, clock: Clock) -> None:
        self._settings, self._bill, self._clock = settings, bill, clock
        self.credits = settings.credits_usd
        self._keys: dict[str, Key] = {}
        self.clear()

    def clear(self) -> None:
        """Back to the two keys of the settings."""
        self.credits = self._settings.credits_usd
        self._keys.clear()
        self._remember(self._settings.api_key, "Emulator", listed=True)
        self._remember(
            self._settings.management_key, "Emulator management", is_management=True, listed=False
        )

    def _remember(self, secret: str, name: str, **more: Any) -> Key:
        key = Key(
            hash=hash_of(secret),
            name=name,
            label=f"{secret[:12]}...{secret[-3:]}",
            created_at=self._clock.now(),
            **more,
        )
        self._keys[key.hash] = key
        return key

    def issue(self, name: str, **more: Any) -> tuple[Key, str]:
        """A new key and its secret, which is told only now."""
        secret = f"sk-or-v1-{secrets.token_hex(32)}"
        return self._remember(secret, name, **more), secret

    def find(self, key_hash: str) -> Key:
        """Raises Refusal (404). Management keys are not among those that can be managed."""
        key = self._keys.get(key_hash)
        if key is None or key.is_management or key.is_guest:
            raise Refusal(404, "API key not found")
        return key

    def delete(self, key_hash: str) -> None:
        del self._keys[self.find(key_hash).hash]

    def listed(self, *, disabled: bool) -> list[Key]:
        """Newest first."""
        every = [
            key
            for key in self._keys.values()
            if key.listed and not key.is_guest and (disabled or not key.disabled)
        ]
        return every[::-1]

    def authenticate(self, authorization: str | None) -> Key:
        """The key of a request. Raises Refusal (401) in the words of the real service."""
        if not authorization:
            raise Refusal(401, "Missing Authentication header")
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip().startswith("sk-or-"):
            raise Refusal(401, "No auth credentials found")
        secret = secret.strip()
        key = self._keys.get(hash_of(secret))
        if key is None and not self._settings.known_keys_only:
            key = self._remember(secret, "Walk-in")
        expired = key and key.expires_at and key.expires_at <= self._clock.now()
        if key is None or key.disabled or expired:
            raise Refusal(401, "User not found.")
        return key

    def for_inference(self, authorization: str | None) -> Key:
        key = self.authenticate(authorization)
        if key.is_management:
            raise Refusal(401, "User not found.")
        return key

    def for_management(self, authorization: str | None) -> Key:
        key = self.authenticate(authorization)
        if not key.is_management:
            raise Refusal(403, "Only management keys can perform this operation")
        return key

    def is_guest(self, key_hash: str) -> bool:
        """Whether the key of this hash belongs to the guest."""
        key = self._keys.get(key_hash)
        return key is not None and key.is_guest

    def total(self, *, guest: bool = False) -> Decimal:
        """USD that an account has spent ever."""
        if not any(key.is_guest for key in self._keys.values()):
            return Decimal(0) if guest else self._bill.total()
        ours = (entry for entry in self._bill if self.is_guest(entry.key_hash) == guest)
        return sum((entry.cost for entry in ours), Decimal(0))

    def entries(self, key: Key, since: dt.datetime | None) -> Iterator[BillEntry]:
        for entry in self._bill:
            if entry.key_hash == key.hash and (since is None or entry.created_at >= since):
                yield entry

    def entries_today(self, key: Key) -> Iterator[BillEntry]:
        return self.entries(key, period_start("daily", self._clock.now()))

    def spent(self, key: Key, period: str | None = None) -> Decimal:
        """USD of this key since the period began, or ever."""
        since = period_start(period, self._clock.now())
        return sum((entry.cost for entry in self.entries(key, since)), Decimal(0))

    def spent_byok(self, key: Key, period: str | None = None) -> Decimal:
        since = period_start(period, self._clock.now())
        own = (entry for entry in self.entries(key, since) if entry.charge.is_byok)
        return sum((entry.charge.upstream for entry in own), Decimal(0))

    def remaining(self, key: Key) -> Decimal | None:
        """USD left of the key's limit; None where it has none."""
        if key.limit is None:
            return None
        spent = self.spent(key, key.limit_reset)
        if key.include_byok_in_limit:
            spent += self.spent_byok(key, key.limit_reset)
        return key.limit - spent

    def require_credit(self, key: Key, ask: Ask, model: Model) -> None:
        """Raises Refusal (402) where the worst case is not covered."""
        balance, left = self.credits - self.total(guest=key.is_guest), self.remaining(key)
        if balance < 0:
            raise overdrawn()
        by_key = left is not None and left < balance
        covered = left if left is not None and by_key else balance
        if covered <= 0 and by_key:
            raise too_dear(ask.max_tokens or 0, 0, by_key=True)
        wanted = ask.max_tokens or model.max_completion_tokens or model.context_length or 0
        price = model.price("completion", ask.prompt_tokens)
        prompt = ask.prompt_tokens * model.price("prompt", ask.prompt_tokens)
        if prompt + wanted * price <= covered:
            return
        affordable = (
            ((covered - prompt) / price).to_integral_value(ROUND_DOWN) if price else Decimal(0)
        )
        raise too_dear(wanted, int(affordable), by_key=by_key)
