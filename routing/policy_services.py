"""Putting policies to work, and taking them from it: one transaction each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from routing.policies import DEFAULT, Policy
from routing.policy_models import PolicyVersion, Standing
from routing.policy_shelf import policy_shelf

BUILT_IN = "built-in"


class NoSuchPolicy(Exception):
    """There is no policy of that name or version. Says which there are."""


class CannotRetire(Exception):
    """Everybody would be left without a policy of the database."""


def find_version(text: str) -> PolicyVersion:
    """`name@3`, or `name` for the live version, else the latest. Raises NoSuchPolicy."""
    name, _, number = text.partition("@")
    versions = PolicyVersion.objects.filter(name=name)
    if "@" in text:
        found = versions.filter(number=number).first() if number.isdecimal() else None
    else:
        found = versions.filter(standing=Standing.LIVE).first() or versions.first()
    if found is None:
        known = sorted({version.ref for version in versions or PolicyVersion.objects.all()})
        listed = ", ".join([*known[:20], BUILT_IN])
        raise NoSuchPolicy(f"There is no policy {text[:80]!r}. There are: {listed}.")
    return found


def find_policy(text: str) -> Policy:
    """The same as a value; `built-in` is what decides where the table is empty."""
    return DEFAULT if text == BUILT_IN else find_version(text).policy()


@transaction.atomic
def next_version(of: PolicyVersion, values: Mapping[str, Any], *, by: int | None) -> PolicyVersion:
    """A draft that follows a version which may not change any more."""
    following = PolicyVersion(**{name: getattr(of, name) for name in _COPIED} | dict(values))
    last = PolicyVersion.objects.filter(name=of.name).aggregate(last=Max("number"))["last"]
    following.number = (last or 0) + 1
    following.created_by_id = by
    following.save()
    return following


_COPIED = (*(name for name in PolicyVersion.VALUES if name != "number"), "group_id")


@transaction.atomic
def go_live(version: PolicyVersion) -> None:
    """Let it decide for its people from now on, in place of the one that does."""
    _put_to_work(version, Standing.LIVE)


@transaction.atomic
def go_shadow(version: PolicyVersion) -> None:
    """Let it decide silently beside the live one, in place of the shadow there is.

    Raises CannotRetire for the live one itself.
    """
    if version.standing == Standing.LIVE:
        raise CannotRetire("This policy is live: it cannot be its own shadow.")
    _put_to_work(version, Standing.SHADOW)


@transaction.atomic
def retire(version: PolicyVersion) -> None:
    """Take it from its work: the policy for everybody holds for a group that loses its own.

    Raises CannotRetire for the live policy of everybody: put another in its place instead.
    """
    locked = PolicyVersion.objects.select_for_update().get(pk=version.pk)
    if locked.standing == Standing.LIVE and locked.for_everybody:
        raise CannotRetire("This policy holds for everybody: make another one live instead.")
    _stand(locked, Standing.RETIRED)
    transaction.on_commit(policy_shelf.forget)


def _put_to_work(version: PolicyVersion, standing: Standing) -> None:
    version.policy()  # what makes no policy is not put to work: ValueError
    peers = PolicyVersion.objects.of_the_scope_of(version).select_for_update().order_by("pk")
    for peer in peers.filter(standing=standing).exclude(pk=version.pk):
        _stand(peer, Standing.RETIRED)
    _stand(version, standing)
    transaction.on_commit(policy_shelf.forget)


def _stand(version: PolicyVersion, standing: Standing) -> None:
    now = timezone.now()
    version.standing, version.standing_since = standing, now
    if standing != Standing.RETIRED and version.used_at is None:
        version.used_at = now
    version.save(update_fields=["standing", "standing_since", "used_at"])
