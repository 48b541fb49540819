"""The policies at work, in memory: a send asks the database nothing, or once for its groups.

Versions at work never change, so a look at which they are tells whether all still holds. Each
process looks every few seconds: a promotion is in force everywhere within LOOK_EVERY_S.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.contrib.auth.models import Group

from routing.policies import DEFAULT, Policy
from routing.policy_models import PolicyVersion, Standing

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
MOST_PEOPLE = 10_000  # whose groups are remembered
Scope: TypeAlias = int | None  # a group's key; None: everybody who is in none of them
Stamp: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Shadow:
    """A policy that decides beside the live one, and the row to book that under."""

    version_id: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class AtWork:
    """What is live and what is a shadow, by scope. `ranked`: groups, the first that fits counts."""

    stamp: Stamp = ()
    live: Mapping[Scope, Policy] = field(default_factory=dict)
    shadows: Mapping[Scope, Shadow] = field(default_factory=dict)
    ranked: Sequence[int] = ()


def rows_at_work() -> list[PolicyVersion]:
    """One query of a small table."""
    return list(PolicyVersion.objects.at_work().order_by("pk"))


def stamp_of(rows: Iterable[PolicyVersion]) -> Stamp:
    return tuple((row.pk, row.standing, row.group_id, row.for_everybody) for row in rows)


def read_at_work(rows: Sequence[PolicyVersion]) -> AtWork:
    """A row that makes no policy is left out and logged: the one for everybody steps in."""
    live: dict[Scope, Policy] = {}
    shadows: dict[Scope, Shadow] = {}
    groups: list[tuple[bool, int, int]] = []
    for version in rows:
        if version.group_id is None and not version.for_everybody:
            continue
        try:
            policy = version.policy()
        except (ValueError, TypeError, AttributeError) as error:
            logger.error("Policy %s cannot be used: %s", version.ref, error)  # noqa: TRY400 (a fault of the row)
            continue
        is_shadow = version.standing == Standing.SHADOW
        if is_shadow:
            shadows[version.group_id] = Shadow(version.pk, policy)
        else:
            live[version.group_id] = policy
        if version.group_id is not None:  # a shadow alone takes nobody from another group's policy
            groups.append((is_shadow, -version.precedence, version.group_id))
    ranked = dict.fromkeys(group for *_, group in sorted(groups))
    return AtWork(stamp_of(rows), live, shadows, tuple(ranked))


class PolicyShelf:
    """Any thread may ask. While one looks, the others go on with what they had."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: AtWork | None = None
        self._looked_at = 0.0
        self._scopes: dict[int, tuple[float, Scope]] = {}

    def at_work(self) -> AtWork:
        held = self._held
        if held is not None and self._clock() - self._looked_at < LOOK_EVERY_S:
            return held
        if not self._lock.acquire(blocking=held is None):
            return held or self.at_work()
        try:
            held = self._held
            if held is None or self._clock() - self._looked_at >= LOOK_EVERY_S:
                rows = rows_at_work()
                if held is None or held.stamp != stamp_of(rows):
                    held = read_at_work(rows)
                    self._scopes = {}
                self._held, self._looked_at = held, self._clock()
            return held
        finally:
            self._lock.release()

    def scope_of(self, user_id: int | None) -> Scope:
        """The group whose policy holds for a person: no query where no group has one."""
        ranked = self.at_work().ranked
        if user_id is None or not ranked:
            return None
        now, known = self._clock(), self._scopes
        remembered = known.get(user_id)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        mine = Group.objects.filter(user=user_id, pk__in=ranked).values_list("pk", flat=True)
        scope = min(mine, key=ranked.index, default=None)
        if len(known) >= MOST_PEOPLE:
            known.clear()
        known[user_id] = (now + LOOK_EVERY_S, scope)
        return scope

    def forget(self) -> None:
        """Look again at the next call: after a promotion, and between tests."""
        with self._lock:
            self._held = None
            self._scopes = {}


policy_shelf = PolicyShelf()


def policy_for(user_id: int | None = None) -> Policy:
    """The live policy for a person: of the first of their groups that has one, else the common."""
    live = policy_shelf.at_work().live
    return live.get(policy_shelf.scope_of(user_id)) or live.get(None, DEFAULT)


def shadow_for(user_id: int | None = None) -> Shadow | None:
    """The shadow beside that policy. None, for next to nothing, where there is no shadow."""
    shadows = policy_shelf.at_work().shadows
    return shadows.get(policy_shelf.scope_of(user_id)) if shadows else None
