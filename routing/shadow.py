"""The shadow: a policy that decides silently beside the live one, so that numbers can promote it.

It decides after the live decision is stored, on a thread of its own: no answer waits for it, no
transaction is longer for it, and what goes wrong in it is a line in the log.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import close_old_connections, connection, transaction
from django.db.utils import DatabaseError

from routing.constraints import NoCandidateFits
from routing.decision import Decision
from routing.policy_models import ShadowDecision
from routing.policy_shelf import Shadow, policy_for, shadow_for
from routing.services import Warm, choose_model

logger = logging.getLogger(__name__)

MOST_WAITING = 256  # decisions; beyond, a burst is let pass


@dataclass(frozen=True, slots=True)
class Asked:
    """What the live policy was asked, for the shadow to be asked the same."""

    text: str
    history_tokens: int
    max_completion_tokens: int
    budget_usd: Decimal | None
    needs: frozenset[str] = frozenset()
    user_id: int | None = None
    warm: Warm | None = None


class Backstage:
    """One thread that works off what is handed to it, as long as it is not too much."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._room = threading.BoundedSemaphore(most_waiting)
        self._pool = ThreadPoolExecutor(1, "shadow")

    def __call__(self, work: Callable[[], None]) -> None:
        if not self._room.acquire(blocking=False):
            logger.warning("The shadow policy is behind: one message is left out")
            return
        self._pool.submit(self._on_own_thread, work).add_done_callback(self._done)

    @staticmethod
    def _on_own_thread(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            if connection.vendor != "sqlite":
                close_old_connections()

    def _done(self, future: Future[None]) -> None:
        self._room.release()
        if error := future.exception():
            logger.error("A shadow decision failed", exc_info=error)


backstage: Callable[[Callable[[], None]], None] = Backstage()


def decide_beside(live: Decision, asked: Asked, *, user_id: int | None, message_ref: str) -> None:
    """Let the shadow, where there is one, decide the same message once this transaction is done.

    A model that a person pinned is no policy's decision, and has no shadow.
    """
    if live.pinned or (shadow := shadow_for(user_id)) is None:
        return
    if live.dial != policy_for(user_id).dial:  # the person has turned it: the shadow's likewise
        shadow = replace(shadow, policy=shadow.policy.turned_to(live.dial))
    work = partial(decide_and_keep, shadow, live, asked, message_ref)
    transaction.on_commit(lambda: backstage(work))


def decide_and_keep(shadow: Shadow, live: Decision, asked: Asked, message_ref: str) -> None:
    """Decide, and store the outcome beside the live one's."""
    found: dict[str, Any]
    try:
        decision = choose_model(
            text=asked.text,
            history_tokens=asked.history_tokens,
            needs=asked.needs,
            policy=shadow.policy,
            max_completion_tokens=asked.max_completion_tokens,
            budget_usd=asked.budget_usd,
            user_id=asked.user_id,
            warm=asked.warm,
        )
        found = {
            "model": decision.slug,
            "expected_usd": decision.expected_usd,
            "odds": odds_of(decision),
        }
    except NoCandidateFits as error:
        found = {"refused": error.constraint}
    try:
        ShadowDecision.objects.create(
            version_id=shadow.version_id,
            message_ref=message_ref,
            live_policy=f"{live.policy}@{live.policy_version}",
            live_model=live.slug,
            live_expected_usd=live.expected_usd,
            live_odds=odds_of(live),
            **found,
        )
    except DatabaseError as error:
        logger.warning("A shadow decision could not be stored: %s", error)


def odds_of(decision: Decision) -> float | None:
    """The chance of a good answer that was predicted for the chosen model."""
    return next((each.odds for each in decision.candidates if each.slug == decision.slug), None)
