"""`sync_keys`: what OpenRouter has under /keys beside what we hold, and the difference carried out.

Everything is fetched before anything is compared, and compared before anything is changed. Each
change is one request and then one row, so that what fails half-way is done by the next run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils.module_loading import import_string

from billing.key_crypto import KeysNotEncrypted, can_keep_keys
from billing.key_models import KeyKind, UpstreamKey
from billing.key_users import (
    KeyMaker,
    ProviderLimit,
    claim,
    make,
    mirror,
    provider_limit,
    store,
    unclaim,
)
from billing.keys import give_up, shared_key
from billing.money import usd_text
from openrouter.errors import KeyRejected, NotConnected, OpenRouterError, Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from openrouter.results import ManagedKey

HOPELESS: Final = (KeyRejected, NotConnected)  # what fails so, fails for the next key, too


class KeyClient(KeyMaker, Protocol):
    async def keys(self, *, include_disabled: bool = False) -> list[ManagedKey]: ...

    async def update_key(self, key_hash: str, **changes: Any) -> ManagedKey: ...


@dataclass(frozen=True, slots=True)
class Creation:
    user: AbstractBaseUser
    limit: ProviderLimit

    @property
    def label(self) -> str:
        return f"for {self.user.get_username()}"


@dataclass(frozen=True, slots=True)
class Update:
    """A change to one of their keys; `key` is None for one that only they have."""

    key: UpstreamKey | None
    told: ManagedKey
    changes: Mapping[str, Any]
    why: str = ""

    @property
    def label(self) -> str:
        return self.told.name or self.told.label


@dataclass(slots=True)
class Plan:
    """The difference, both ways."""

    theirs: int = 0
    ours: int = 0
    creations: list[Creation] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    same: list[tuple[UpstreamKey, ManagedKey]] = field(default_factory=list)
    only_ours: list[UpstreamKey] = field(default_factory=list)
    only_theirs: list[ManagedKey] = field(default_factory=list)


@dataclass(slots=True)
class SyncReport:
    """The plan, what was done of it, and what failed: (label, error)."""

    plan: Plan
    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    failures: list[tuple[str, OpenRouterError]] = field(default_factory=list)
    left: int = 0  # not tried, because what came before had failed for good


def sync_keys(*, dry_run: bool) -> SyncReport:
    """Compare, and unless `dry_run` make it so.

    Raises KeysNotEncrypted, or OpenRouterError where the list could not be had; then nothing has
    happened. What fails later is in the report.
    """
    if settings.PER_USER_KEYS and not can_keep_keys():
        raise KeysNotEncrypted
    client: KeyClient = import_string(settings.OPENROUTER_MANAGEMENT_CLIENT)()
    return async_to_sync(_sync)(client, dry_run=dry_run)


async def _sync(client: KeyClient, *, dry_run: bool) -> SyncReport:
    try:
        told = await client.keys(include_disabled=True)
        report = SyncReport(await sync_to_async(draw_up)(told))
        if not dry_run:
            await _carry_out(client, report)
        return report
    finally:
        await client.aclose()


# --- The difference: reads only ---


def draw_up(told: Sequence[ManagedKey]) -> Plan:
    """What would have to be done."""
    by_hash = {key.hash: key for key in told}
    held = list(UpstreamKey.objects.on_our_account().exclude(hash="").select_related("user"))
    live = [key for key in held if key.ended_at is None]
    plan = Plan(theirs=len(told), ours=len(live))
    for key in held:
        found = by_hash.get(key.hash)
        if found is None:
            plan.only_ours += [key] if key.ended_at is None else []
        elif changes := _changes(key, found):
            plan.updates.append(Update(key, found, changes, _why(key, changes)))
        else:
            plan.same.append((key, found))
    known = {key.hash for key in held} | {shared_key().key_hash}
    _sort_out(plan, [key for key in told if key.hash not in known])
    lost = {key.user_id for key in plan.only_ours if key.kind == KeyKind.PERSONAL}
    plan.creations = [Creation(user, provider_limit(user)) for user in _without_key(lost)]
    return plan


def _changes(key: UpstreamKey, told: ManagedKey) -> dict[str, Any]:
    """What has to change at OpenRouter. A key that somebody disabled there stays disabled."""
    if key.kind != KeyKind.PERSONAL:
        return {}
    if key.user is None or not key.user.is_active or key.ended_at:
        return {} if told.disabled else {"disabled": True}
    changes: dict[str, Any] = {"disabled": False} if told.disabled and key.is_paused else {}
    limit = provider_limit(key.user)
    if told.limit_usd != limit.usd:
        changes["limit_usd"] = limit.usd
    if (told.limit_reset or "") != limit.reset:
        changes["limit_reset"] = limit.reset or None
    return changes


def _why(key: UpstreamKey, changes: Mapping[str, Any]) -> str:
    if changes.get("disabled"):
        if key.ended_at:
            return "disable: it was given up"
        return "disable: the account is inactive" if key.user else "disable: the person was erased"
    words = ["enable: the account is active again"] if "disabled" in changes else []
    if changes.keys() & {"limit_usd", "limit_reset"} and key.user:
        words.append(f"limit: {limit_words(provider_limit(key.user))}")
    return ", ".join(words)


def limit_words(limit: ProviderLimit) -> str:
    return "none" if limit.usd is None else f"${usd_text(limit.usd)} {limit.reset}"


def _sort_out(plan: Plan, unknown: Iterable[ManagedKey]) -> None:
    """Keys that we do not hold: those that we made and lost, by their name, and strangers."""
    names = set(UpstreamKey.objects.filter(kind=KeyKind.PERSONAL).values_list("label", flat=True))
    for told in unknown:
        if told.name not in names:
            plan.only_theirs.append(told)
        elif not told.disabled:
            why = "disable: it was made, and its secret never arrived"
            plan.updates.append(Update(None, told, {"disabled": True}, why))


def _without_key(lost: set[int | None]) -> list[AbstractBaseUser]:
    """Active people without a personal key, while that is switched on."""
    if not settings.PER_USER_KEYS:
        return []
    have = UpstreamKey.objects.usable().filter(kind=KeyKind.PERSONAL)
    served = set(have.values_list("user_id", flat=True)) - lost
    people = get_user_model().objects.filter(is_active=True).exclude(pk__in=served)
    return list(people.order_by("pk"))


# --- Making it so ---


async def _carry_out(client: KeyClient, report: SyncReport) -> None:
    plan = report.plan
    await sync_to_async(_note_unchanged)(plan)
    steps: list[Creation | Update] = [*plan.updates, *plan.creations]
    for done, step in enumerate(steps, 1):
        try:
            if isinstance(step, Update):
                await _update(client, step)
                report.updated.append(step.label)
            elif await _create(client, step):
                report.created.append(step.label)
        except OpenRouterError as error:
            report.failures.append((step.label, error))
            if isinstance(error, HOPELESS):
                report.left = len(steps) - done
                return


def _note_unchanged(plan: Plan) -> None:
    for key, told in plan.same:
        mirror(key, told)
        key.save()
    gone = [key.pk for key in plan.only_ours if key.kind == KeyKind.PERSONAL]
    give_up(UpstreamKey.objects.filter(pk__in=gone))


async def _update(client: KeyClient, step: Update) -> None:
    told = await client.update_key(step.told.hash, **step.changes)
    if step.key is not None:
        await sync_to_async(_note_update)(step.key, told, step.changes)


def _note_update(key: UpstreamKey, told: ManagedKey, changes: Mapping[str, Any]) -> None:
    mirror(key, told)
    key.is_paused = bool(changes.get("disabled", key.is_paused))
    key.save()
    if key.user is None:
        give_up(UpstreamKey.objects.filter(pk=key.pk))


async def _create(client: KeyClient, step: Creation) -> bool:
    """False: another process is just making it."""
    key = await sync_to_async(claim)(step.user)
    if key is None:
        return False
    try:
        made = await make(client, key, step.limit)
    except Refused:
        await sync_to_async(unclaim)(key)
        raise
    await sync_to_async(store)(key, made)
    return True
