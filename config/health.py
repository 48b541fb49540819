"""Is this process ready to serve? Each part is asked in a task of its own, and not too often.

An answer is at most LOOK_S late, whatever hangs: what has not answered by then is "slow", and is
not asked again before it has. The words go to anybody, so they name no host and no user; the log
has the rest.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from redis.exceptions import RedisError

from chat.database import in_database
from chat.runner import Runner
from openrouter.errors import OpenRouterError

logger = logging.getLogger(__name__)

LOOK_S: Final = 2.0  # how long a probe waits for an answer
FRESH_S: Final = 3.0  # how long an answer stands
UPSTREAM_FRESH_S: Final = 15.0  # OpenRouter is not ours to be asked all the time
OK: Final = "ok"
AWAY: Final = (DatabaseError, RedisError, OpenRouterError, OSError)

Ask = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Part:
    """Something this process needs. `ask` raises where it is not there."""

    ask: Ask
    fresh_s: float = FRESH_S
    answer: str = ""  # the latest
    asked_s: float = 0.0
    asking: asyncio.Task[str] | None = None

    def is_due(self, now_s: float) -> bool:
        fresh_s = self.fresh_s if self.answer == OK else FRESH_S
        return self.asking is None and (not self.answer or now_s - self.asked_s >= fresh_s)


class Readiness:
    """The parts of one runner's process, and what they answered last."""

    def __init__(self, runner: Runner, open_runner: Ask) -> None:
        self._runner = runner
        self._parts = {"process": Part(open_runner), "database": Part(_ask_database)}
        if settings.REDIS_URL:
            self._parts["redis"] = Part(runner.relay.ping)
        self._parts["upstream"] = Part(self._ask_upstream, UPSTREAM_FRESH_S)

    async def look(self) -> dict[str, str]:
        """Each part and how it is: "ok", "away", "slow" or "failed". While draining, only that."""
        if self._runner.is_draining:
            return {"process": "draining"}
        await self._refresh({"process": self._parts["process"]})  # it opens what the others ask
        await self._refresh(self._parts)
        return {name: "slow" if part.asking else part.answer for name, part in self._parts.items()}

    async def _refresh(self, parts: dict[str, Part]) -> None:
        now_s = time.monotonic()
        for name, part in parts.items():
            if part.is_due(now_s):
                part.asked_s = now_s
                part.asking = asyncio.create_task(_answer(name, part), name=f"probe of {name}")
        if asking := [part.asking for part in parts.values() if part.asking]:
            await asyncio.wait(asking, timeout=LOOK_S)

    async def _ask_upstream(self) -> None:
        """Any answer will do: a refused key is for the page and for `manage.py doctor` to tell."""
        if self._runner.client is None:
            raise ConnectionError("the process is not open")
        try:
            await self._runner.client.key()
        except OpenRouterError as error:
            if error.status is None or error.status >= 500:
                raise


async def _answer(name: str, part: Part) -> str:
    try:
        await part.ask()
        part.answer = OK
    except AWAY as error:
        logger.warning("Not ready: %s is away (%s)", name, type(error).__name__)
        part.answer = "away"
    except Exception:
        logger.exception("Not ready: asking for %s failed", name)
        part.answer = "failed"
    finally:
        part.asking = None
    return part.answer


async def _ask_database() -> None:
    await in_database(_select_one)


def _select_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
