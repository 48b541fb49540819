"""People who chat all the time, and beside them one who asks the upstream directly.

N streams are N conversations, each open in a tab, each in a closed loop: send, see the first
text, follow the paced answer to its end, rest a moment, send again. So about N answers are being
written whenever a prompt is measured.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tests.bench.machine import Meter, Usage
from tests.bench.person import Direct, Sample, Tab, Visit

REPLY_S = 3.0
REPLY_OF_ONE_S = 0.25  # a lone stream has to send more often to be measured at all
REST_S = (0.1, 0.4)
REST_OF_ONE_S = (0.05, 0.15)
DIRECT_REST_S = (0.05, 0.15)
OPENING_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, in seconds; what is sent during `warm_up_s` does not count."""

    measured_s: float
    warm_up_s: float
    seed: int = 0


@dataclass(slots=True)
class Level:
    """What was seen with so many streams."""

    streams: int
    through: list[Sample] = field(default_factory=list)
    direct: list[Sample] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    usage: Usage | None = None


async def open_tabs(visit: Visit, count: int) -> list[Tab]:
    """So many conversations, each in a tab of its own."""
    gate = asyncio.Semaphore(OPENING_AT_ONCE)

    async def one() -> Tab:
        async with gate:
            return await Tab.open(visit)

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def measure(
    tabs: Sequence[Tab], direct: Direct, plan: Plan, processes: dict[str, int]
) -> Level:
    """Run one level to its end."""
    level = Level(streams=len(tabs))
    chance = random.Random(f"{plan.seed} {len(tabs)}")
    reply_s, rest_s = (REPLY_S, REST_S) if len(tabs) > 1 else (REPLY_OF_ONE_S, REST_OF_ONE_S)
    start = time.monotonic()
    counted_from, until = start + plan.warm_up_s, start + plan.warm_up_s + plan.measured_s

    async def loop(
        ask: Callable[[], Awaitable[Sample]], into: list[Sample], rest: tuple[float, float]
    ) -> None:
        await asyncio.sleep(chance.uniform(0, reply_s))
        while time.monotonic() < until:
            try:
                sample = await ask()
            except Exception as error:  # noqa: BLE001 (whatever it was, it is told in the report)
                level.failures.append(repr(error)[:300])
                return
            if sample.at >= counted_from:
                into.append(sample)
            await asyncio.sleep(chance.uniform(*rest))

    async def watch() -> None:
        await asyncio.sleep(plan.warm_up_s)
        meter = Meter(processes)
        await asyncio.sleep(plan.measured_s)
        level.usage = meter.read()

    people = [loop(lambda tab=tab: tab.ask(reply_s), level.through, rest_s) for tab in tabs]  # type: ignore[misc]
    await asyncio.gather(*people, loop(direct.ask, level.direct, DIRECT_REST_S), watch())
    return level
