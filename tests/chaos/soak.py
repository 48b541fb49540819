"""Twenty minutes at half load: does a server grow, and does it leave anything behind?

`make soak`, or `python -m tests.chaos.soak --minutes 20 --at-once 60`. The same people as in the
chaos run, with their reloads, second tabs, cut sockets and stops, but nothing is broken. At the
end everybody leaves, and what each server still holds is compared with what it held before.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression

import psutil
from redis import Redis

from tests.bench.wire import Connection
from tests.chaos.__main__ import COLLECT_S, PEOPLE_A_SEAT, say, seats, touch, until_none
from tests.chaos.person import Shared
from tests.chaos.report import listed, table
from tests.chaos.stage import Server, Stage, stage
from tests.chaos.truth import DUE, RUNNING, Collector, count, gather
from tests.chaos.verdict import Verdict, judge, spread
from tests.chaos.witness import Witness
from tests.processes import SERVERS

GOAL_MB_A_MINUTE = 1.0
SAMPLE_S = 10.0
WARM_UP = 0.25  # share of the run whose growth is that of caches and pools
LEAVE_S = 45.0  # after the last tab has gone: streams of ended replies linger for 30 s
SLACK = {"open fds": 40}  # pools keep connections: 16 each to PostgreSQL and upstream, and Redis
CONNECTIONS = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = 'chaos'"
GAUGE = re.compile(r"^(switchboard_(?:streams|tabs|views|tasks)|process_open_fds) (\S+)$", re.M)


@dataclass(frozen=True, slots=True)
class Sample:
    at_s: float
    rss_mb: float


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=20.0)
    add("--at-once", type=int, default=60, help="conversations at a time")
    add("--seed", type=int, default=0)
    add("--server", choices=SERVERS, default="daphne")
    return parser.parse_args()


def main() -> int:
    chosen = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    say(f"soak of {chosen.minutes:g} minutes, {chosen.at_once} conversations, {chosen.server}")
    people = -(-chosen.at_once // PEOPLE_A_SEAT)
    with stage(chosen.server, people, chosen.seed) as here:
        verdict = asyncio.run(soak(here, chosen))
    say("\n".join([*table(verdict.zero), *(f"  ! {detail}" for detail in verdict.details)]))
    return 1 if any(verdict.zero.values()) else 0


async def soak(here: Stage, chosen: argparse.Namespace) -> Verdict:
    for server in here.servers:  # the first request opens it
        await touch(here, server.port)
    before = [await inside(server) for server in here.servers]
    until_s = time.monotonic() + chosen.minutes * 60
    shared = Shared(Witness(), left=sys.maxsize, until_s=until_s)
    collector = Collector(here)
    samples: list[list[Sample]] = [[] for _ in here.servers]
    duties = [
        asyncio.create_task(collector.run(COLLECT_S)),
        asyncio.create_task(watch(here.servers, samples)),
    ]
    await asyncio.gather(*(person.work() for person in seats(here, shared, chosen)))
    for duty in duties:
        duty.cancel()
    await until_none(here, RUNNING, 60)
    await until_none(here, DUE, 60)
    await asyncio.sleep(LEAVE_S)
    after = [await inside(server) for server in here.servers]
    verdict = judge(await gather(here, collector), shared, [])
    say(f"{sum(verdict.states.values())} replies, {shared.witness.views:,} views checked")
    say(f"people: {listed(shared.did)}")
    say(f"Stop elsewhere until shown, ms: {spread(shared.stops_s, 1000)}")
    for number, server_samples in enumerate(samples):
        _judge_growth(verdict, number, server_samples)
        _judge_rest(verdict, number, before[number], after[number])
    _judge_redis(verdict, here)
    say(f"PostgreSQL connections at the end: {count(here, CONNECTIONS)}")
    return verdict


async def watch(servers: Sequence[Server], samples: list[list[Sample]]) -> None:
    since = time.monotonic()
    while True:
        for server, its in zip(servers, samples, strict=True):
            if server.running:
                rss = psutil.Process(server.running.process.pid).memory_info().rss
                its.append(Sample(time.monotonic() - since, rss / 1e6))
        await asyncio.sleep(SAMPLE_S)


async def inside(server: Server) -> dict[str, float]:
    """What a server holds, by its own account."""
    connection = await Connection.open(server.port)
    try:
        connection.write("GET", "/metrics", {})
        answer = await asyncio.wait_for(connection.read(), 30)
    finally:
        connection.close()
    found = GAUGE.findall(answer.body.decode())
    return {
        re.sub("switchboard_|process_", "", name).replace("_", " "): float(n) for name, n in found
    }


def _judge_growth(verdict: Verdict, number: int, samples: Sequence[Sample]) -> None:
    """The slope of a straight line through what it used once it was warm, in MB a minute."""
    warm = [sample for sample in samples if sample.at_s >= samples[-1].at_s * WARM_UP]
    slope, _ = linear_regression([one.at_s / 60 for one in warm], [one.rss_mb for one in warm])
    figures = f"{samples[0].rss_mb:.0f} MB → {samples[-1].rss_mb:.0f} MB, slope {slope:+.2f} MB/min"
    say(f"server {number}: {figures}")
    verdict.found("servers that grow", f"server {number}: {figures}", slope > GOAL_MB_A_MINUTE)


def _judge_rest(
    verdict: Verdict, number: int, before: dict[str, float], after: dict[str, float]
) -> None:
    say(f"server {number}: before {before}, after {after}")
    for name, figure in after.items():
        more = figure - before.get(name, 0) - SLACK.get(name, 0)
        verdict.found(f"{name} left behind", f"server {number}: {figure:g}", max(0, int(more)))


def _judge_redis(verdict: Verdict, here: Stage) -> None:
    with Redis.from_url(here.redis.url, decode_responses=True) as redis:
        keys = [(key, redis.ttl(key)) for key in redis.scan_iter("*")]
    streams = [key for key, _ in keys if ":reply:" in key]
    verdict.found("Redis streams of ended replies", str(streams[:3]), len(streams))
    endless = [key for key, ttl in keys if ttl == -1]
    verdict.found("Redis keys that never expire", str(endless[:3]), len(endless))


if __name__ == "__main__":
    sys.exit(main())
