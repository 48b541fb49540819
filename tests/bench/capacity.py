"""How much one process carries, with ratios to a raw asyncio relay measured in the same run.

`python -m tests.bench.capacity [--stage daphne uvicorn ...]`. Streams of 20 chunks a second, each
watched by one tab, from an upstream that costs next to nothing; log and drawing included. One
server process on one core; the upstream, the tabs, PostgreSQL and Redis on the other.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import uvloop

from tests import processes
from tests.bench.__main__ import conditions, say
from tests.bench.crowd import Crowd, Ports, open_idle
from tests.bench.machine import Meter, Usage, pin
from tests.bench.person import Tab, Visit
from tests.bench.report import FOREIGN_LIMIT, percentile
from tests.bench.stopping import stop_times
from tests.bench.watching import Watcher
from tests.chaos.cluster import clusters
from tests.processes import Running

SERVER_CORE, OTHERS_CORE = 0, 1
SETTLING_S = 2.0
HOLD_S = 4.0
IDLE_TABS = 1000
LIMIT_S = 0.1  # of the 99th percentile; beyond it a level is not carried
LEVELS = (150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650, 700)
ASKED_AT = (100, 300)  # streams while which the time to the first token is measured
PROBES = 40
PROBING_TABS = 6
PROBE_S = 0.25


@dataclass(frozen=True, slots=True)
class Stage:
    """Which server, how many of them, on what; `elsewhere`: tabs watch the other process."""

    title: str
    server: str
    count: int = 1
    scaled: bool = False
    elsewhere: bool = False


STAGES = {
    "daphne": Stage("daphne, SQLite", "daphne"),
    "uvicorn": Stage("uvicorn, SQLite", "uvicorn"),
    "daphne-scaled": Stage("daphne, PostgreSQL and Redis", "daphne", scaled=True),
    "uvicorn-scaled": Stage("uvicorn, PostgreSQL and Redis", "uvicorn", scaled=True),
    "daphne-two": Stage("two daphnes", "daphne", 2, scaled=True),
    "uvicorn-two": Stage("two uvicorns", "uvicorn", 2, scaled=True),
    "elsewhere": Stage("two uvicorns, tabs on the other", "uvicorn", 2, True, elsewhere=True),
}


@dataclass(slots=True)
class Level:
    """So many streams, held for some seconds."""

    streams: int
    lags: list[float]
    frames: int
    lost: int
    usage: Usage
    first_text: list[float] = field(default_factory=list)

    @property
    def carried(self) -> bool:
        whole = len(self.lags) >= 0.97 * self.streams * 20 * HOLD_S
        return whole and not self.lost and percentile(self.lags, 0.99) < LIMIT_S

    def cpu_us(self) -> float:
        """CPU of all servers for each chunk that was delivered."""
        spent = sum(used for name, used in self.usage.ours.items() if name.startswith("server"))
        return spent * HOLD_S / max(len(self.lags), 1) * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capacity", description=__doc__)
    parser.add_argument("--stage", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--levels", nargs="+", type=int, default=list(LEVELS))
    parser.add_argument("--idle", type=int, default=IDLE_TABS, help="0: not measured")
    chosen = parser.parse_args()
    say(conditions())
    pin(os.getpid(), OTHERS_CORE)
    port = processes.free_port()
    with tempfile.TemporaryDirectory(prefix="switchboard-capacity-") as place:
        log = Path(place) / "log"
        upstream_command = [sys.executable, "-m", "tests.bench.upstream", str(port)]
        with processes.listening(upstream_command, dict(os.environ), port, log) as upstream:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(raw_relay(upstream, log))
            for name in chosen.stage:
                measure(STAGES[name], Path(place), upstream, chosen.levels, chosen.idle)
    return 0


async def raw_relay(upstream: Running, log: Path) -> None:
    """The floor: 200 streams through nothing but sockets."""
    port = processes.free_port()
    command = [sys.executable, "-m", "tests.bench.relay", str(port), str(upstream.port)]
    with processes.listening(command, dict(os.environ), port, log) as relay:
        pin(relay.process.pid, SERVER_CORE)
        crowd = Crowd([])
        for _ in range(200):
            crowd.tabs.append(await Watcher.open(port, "/?chunks=2400", "", crowd.lags))
        say(told("raw asyncio relay", await hold(crowd, {"server": relay.process.pid})))
        crowd.close()


def measure(stage: Stage, place: Path, upstream: Running, levels: Sequence[int], idle: int) -> None:
    """All figures of one stage."""
    loop = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with standing(stage, place, upstream) as servers, loop as runner:
        runner.run(all_levels(stage, servers, upstream, levels, idle))


@contextmanager
def standing(stage: Stage, place: Path, upstream: Running) -> Iterator[list[Running]]:
    """The servers of a stage in a fresh installation."""
    folder = Path(tempfile.mkdtemp(dir=place))
    settings: dict[str, str] = {}
    with ExitStack() as stack:
        if stage.scaled:
            postgres, redis, _ = stack.enter_context(clusters())
            settings = {"DATABASE_URL": postgres.dsn, "REDIS_URL": redis.url}
        processes.install(processes.environment(folder, **settings))
        roomy = {"MAX_STREAMS": "3000", "MAX_STREAMS_PER_USER": "3000", "DRAIN_S": "0"}
        env = processes.environment(folder, upstream.url, **roomy, **settings)
        servers = []
        for number in range(stage.count):
            app = processes.switchboard(env, folder / "log", stage.server)
            servers.append(stack.enter_context(app))
            pin(servers[-1].process.pid, (SERVER_CORE, OTHERS_CORE)[number])
        yield servers


async def all_levels(
    stage: Stage, servers: list[Running], upstream: Running, levels: Sequence[int], idle: int
) -> None:
    if idle and stage.count == 1:
        await idle_tabs(stage, servers[0], idle)
    ports = [Ports(one.port, one.port) for one in servers]
    if stage.elsewhere:
        ports = [Ports(servers[0].port, servers[1].port)]
    crowd = await Crowd.gather(ports)
    pids = {f"server {number}": one.process.pid for number, one in enumerate(servers)}
    pids |= {"upstream": upstream.process.pid, "tabs": os.getpid()}
    failed = 0
    for count in sorted({*levels, *ASKED_AT}):
        await crowd.grow_to(count)
        level = await hold(crowd, pids)
        if count in ASKED_AT:
            level.first_text = await first_texts(servers[0].port, random.Random(count))
        say(told(stage.title, level))
        failed = 0 if level.carried else failed + 1
        if failed == 2:
            break
    crowd.close()
    here, there = servers[0].port, servers[-1].port
    taken = await stop_times(here, there, upstream.port)
    where = "the other process" if here != there else "the same process"
    p50, most = percentile(taken, 0.5) * 1000, max(taken) * 1000
    say(f"{stage.title}, Stop from {where}: upstream closed after {p50:.1f} ms, {most:.1f} at most")


async def hold(crowd: Crowd, pids: dict[str, int]) -> Level:
    await asyncio.sleep(SETTLING_S)
    meter = Meter(pids)
    lags = await crowd.watched(HOLD_S)
    return Level(crowd.count, lags, crowd.lags.frames, crowd.lost(), meter.read())


async def first_texts(port: int, chance: random.Random) -> list[float]:
    """A few tabs ask in turn, while others stream: the seconds until the first text came."""
    visit = await Visit.signed_in(port)
    tabs = [await Tab.open(visit) for _ in range(PROBING_TABS)]
    taken = []
    for number in range(PROBES):
        await asyncio.sleep(chance.uniform(0.05, 0.15))
        taken.append((await tabs[number % len(tabs)].ask(PROBE_S)).first_text_s)
    for tab in tabs:
        tab.close()
    return taken


async def idle_tabs(stage: Stage, server: Running, count: int) -> None:
    """What tabs cost that only wait, and how soon all of them are connected."""
    few, _ = await open_idle(server.port, 20)  # whatever the first ones make is made
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    tabs, taken_s = await open_idle(server.port, count)
    kilobytes = (process.memory_info().rss - before) / count / 1000
    say(f"{stage.title}, {count} idle tabs: {kilobytes:.0f} kB each, connected in {taken_s:.2f} s")
    for tab in (*few, *tabs):
        tab.close()


def told(title: str, level: Level) -> str:
    """One level in a line or two."""
    lags = level.lags or [float("inf")]
    spent = ", ".join(f"{name} {used:.2f}" for name, used in level.usage.ours.items())
    polluted = " DISTURBED" if level.usage.foreign > FOREIGN_LIMIT else ""
    lines = [
        f"{title}, {level.streams} streams: lag p50 {percentile(lags, 0.5) * 1000:.1f} ms,"
        f" p99 {percentile(lags, 0.99) * 1000:.1f} ms; {level.cpu_us():.1f} us a chunk"
        f" ({len(level.lags)} chunks, {level.frames} frames"
        f"{f', {level.lost} LOST' if level.lost else ''})",
        f"  cores: {spent}, foreign {level.usage.foreign:.2f}{polluted}",
    ]
    if level.first_text:
        p50, p99 = (percentile(level.first_text, share) * 1000 for share in (0.5, 0.99))
        lines.append(f"  first token meanwhile: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
