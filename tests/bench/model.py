"""How far an installation reaches: arithmetic on what `python -m tests.bench.cost` measured.

`python -m tests.bench.model 1000 10000 1000000` prints the table of docs/scaling.md. A reader is
somebody who watches an answer of their own while it is written, all the time: the worst case.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """CPU of each part, measured; see docs/scaling.md for when and where.

    Per chunk of a stream whose tab is on another process, in microseconds; and what a reply costs
    once, from its prompt to its place in the ledger, in milliseconds.
    """

    writer_us: float = 115.0  # from upstream to Redis, drawn
    reader_us: float = 40.0  # from Redis to the socket
    redis_us: float = 7.0
    postgres_us: float = 5.0
    web_reply_ms: float = 35.0  # both processes
    redis_reply_ms: float = 0.35
    postgres_reply_ms: float = 9.2
    process_mb: float = 110.0
    stream_kb: float = 130.0
    tab_kb: float = 60.0
    notice_us: float = 15.0  # to decode one that is for others


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What readers do, and how full machines may run. `core_usd`: a month, with 4 GB."""

    chunks_per_s: float = 20.0
    reply_s: float = 30.0
    utilisation: float = 0.6
    core_usd: float = 20.0
    reading_share: float = 0.05  # of all people, at the busiest hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where one of a kind ends: assumptions, each a round figure on the safe side."""

    redis_threads: float = 0.7  # of the one that executes commands
    postgres_cores: float = 19.0  # a primary of 32 cores, 60 percent used
    postgres_connections: float = 1000.0
    notices_out_per_s: float = 200_000.0  # that one Redis sends to subscribers
    notice_cores: float = 0.1  # of a process, for what is not its business


@dataclass(frozen=True, slots=True)
class Need:
    """What so many readers take, and how full the shared parts are (1.0: at their limit)."""

    readers: int
    processes: int
    cores: float
    memory_gb: float
    redis_threads: float
    postgres_cores: float
    replies_per_s: float
    usd_per_1000_people: float
    fill: dict[str, float]

    @property
    def bottleneck(self) -> str:
        """The shared part that is the fullest."""
        return max(self.fill, key=lambda name: self.fill[name])


def need(
    readers: int,
    costs: Costs = Costs(),
    habits: Habits = Habits(),
    limits: Limits = Limits(),
) -> Need:
    """What `readers` take with one Redis and one PostgreSQL, however absurd that becomes."""
    chunks = readers * habits.chunks_per_s
    replies = readers / habits.reply_s
    web_s = chunks * (costs.writer_us + costs.reader_us) / 1e6 + replies * costs.web_reply_ms / 1e3
    processes = max(2, math.ceil(web_s / habits.utilisation))
    redis = chunks * costs.redis_us / 1e6 + replies * costs.redis_reply_ms / 1e3
    postgres = chunks * costs.postgres_us / 1e6 + replies * costs.postgres_reply_ms / 1e3
    notices = 2 * replies  # a turn begins, a reply is settled: told to every process
    memory_gb = (
        processes * costs.process_mb / 1e3 + readers * (costs.stream_kb + costs.tab_kb) / 1e6
    )
    cores = processes + (redis + postgres) / habits.utilisation
    return Need(
        readers=readers,
        processes=processes,
        cores=cores,
        memory_gb=memory_gb,
        redis_threads=redis,
        postgres_cores=postgres,
        replies_per_s=replies,
        usd_per_1000_people=cores * habits.core_usd * 1000 * habits.reading_share / readers,
        fill={
            "Redis's one thread": redis / limits.redis_threads,
            "PostgreSQL's primary": postgres / limits.postgres_cores,
            "PostgreSQL's connections": 16 * processes / limits.postgres_connections,
            "notices that Redis sends to all": notices * processes / limits.notices_out_per_s,
            "notices that each process hears": notices
            * costs.notice_us
            / 1e6
            / limits.notice_cores,
        },
    )


def table(needs: Sequence[Need]) -> str:
    """The table of docs/scaling.md."""
    rows = [
        "| readers at once | processes | cores in all | memory | Redis | PostgreSQL | replies a"
        " second | USD a month per 1,000 people | fullest shared part |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {one.readers:,} | {one.processes:,} | {one.cores:,.0f} | {one.memory_gb:,.0f} GB"
        f" | {one.redis_threads:,.2f} threads | {one.postgres_cores:,.1f} cores"
        f" | {one.replies_per_s:,.0f} | {one.usd_per_1000_people:,.0f}"
        f" | {one.bottleneck}: {one.fill[one.bottleneck]:.0%} |"
        for one in needs
    ]
    return "\n".join(rows)


def first_over(name: str) -> int:
    """The number of readers, to two digits, at which a shared part reaches its limit."""
    low, high = 1, 10**9
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if need(middle).fill[name] >= 1 else (middle, high)
    digits = len(str(high)) - 2
    return round(high, -digits)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.model", description=__doc__)
    parser.add_argument("readers", nargs="*", type=int, default=[100, 1_000, 10_000, 1_000_000])
    chosen = parser.parse_args()
    print(table([need(readers) for readers in chosen.readers]))  # noqa: T201
    for name in need(1).fill:
        print(f"- {name}: at its limit with {first_over(name):,} readers")  # noqa: T201


if __name__ == "__main__":
    main()
