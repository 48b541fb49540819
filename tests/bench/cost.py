"""What a stream costs each process in CPU: the constants of tests/bench/model.py.

`python -m tests.bench.cost`. CPU seconds, not latencies: another's load on the machine disturbs
them little. Streams of 20 chunks a second, each watched by one tab; then replies of one chunk.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvloop
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tests import processes
from tests.bench.load import open_tabs
from tests.bench.person import CHUNKS_PER_S, Tab, Visit
from tests.bench.wire import Socket
from tests.chaos.cluster import clusters
from tests.processes import Running

SETTLING_S = 4.0  # from the first prompt until all of them stream
MARGIN_S = 3.0  # and before the first of them ends


STAGES = {
    "daphne": ("daphne", 1, "daphne, SQLite"),
    "uvicorn": ("uvicorn", 1, "uvicorn, SQLite"),
    "two": ("uvicorn", 2, "uvicorn, PostgreSQL and Redis, each tab on the other process"),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """Who runs. `roots`: the process, with all its children, whose CPU goes by this name."""

    servers: Sequence[Running]
    roots: Mapping[str, int]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cost", description=__doc__)
    parser.add_argument("--streams", type=int, default=60)
    parser.add_argument("--stage", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--seconds", type=float, default=15.0)
    chosen = parser.parse_args()
    with clusters() as (postgres, redis, folder):
        scaled = {"DATABASE_URL": postgres.dsn, "REDIS_URL": redis.url}
        postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        redis_server = int(_patient(redis.url).info("server")["process_id"])
        stores = {"postgres": postmaster, "redis": redis_server}
        for name in chosen.stage:
            server, count, title = STAGES[name]
            settings = scaled if count > 1 else {}
            with stage(folder, server, count, settings, stores if count > 1 else {}) as ready:
                report(title, ready, chosen.streams, chosen.seconds)


def _patient(url: str) -> Redis:
    """A client that waits for a server which has just been started."""
    return Redis.from_url(url, retry=Retry(ConstantBackoff(0.1), 50))


@contextmanager
def stage(
    folder: Path, server: str, count: int, settings: dict[str, str], stores: dict[str, int]
) -> Iterator[Stage]:
    """So many servers on one database, and the emulator behind them."""
    folder, log = folder / f"{server}-{count}", folder / "log"
    folder.mkdir()
    offline = processes.environment(folder, **settings)
    processes.install(offline)
    with ExitStack() as stack:
        flags = ["--instant", "--credits", "1000000"]
        upstream = stack.enter_context(processes.emulator(offline, log, *flags))
        env = processes.environment(folder, upstream.url, MAX_STREAMS_PER_USER="1000", **settings)
        servers = [
            stack.enter_context(processes.switchboard(env, log, server)) for _ in range(count)
        ]
        names = ["writer", "reader"][:count]
        roots = {name: one.process.pid for name, one in zip(names, servers, strict=True)}
        yield Stage(servers, roots | stores)


def report(title: str, on: Stage, streams: int, seconds: float) -> None:
    """Measure, and print microseconds of CPU for a chunk and milliseconds for a reply."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        chunk_s, reply_s = runner.run(_measure(on, streams, seconds))
    print(title)  # noqa: T201
    for name in on.roots:
        costs = f"{chunk_s[name] * 1e6:7.0f} us a chunk {reply_s[name] * 1e3:7.2f} ms a reply"
        print(f"  {name:9}{costs}")  # noqa: T201


async def _measure(
    on: Stage, streams: int, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    tabs = await open_tabs(await Visit.signed_in(on.servers[0].port), streams)
    if len(on.servers) > 1:
        for tab in tabs:
            await _move(tab, on.servers[1].port)
    rest = {name: value / seconds for name, value in (await _spent(on, seconds)).items()}
    writing = [asyncio.create_task(tab.ask(SETTLING_S + seconds + MARGIN_S)) for tab in tabs]
    await asyncio.sleep(SETTLING_S)
    streamed = await _spent(on, seconds)
    await asyncio.gather(*writing)
    chunks = streams * CHUNKS_PER_S * seconds
    chunk_s = {name: (spent - rest[name] * seconds) / chunks for name, spent in streamed.items()}
    before, counted = _cpu_s(on), 0
    for _ in range(5):
        await asyncio.gather(*(tab.ask(0) for tab in tabs))
        counted += len(tabs)
    reply_s = {name: (after - before[name]) / counted for name, after in _cpu_s(on).items()}
    for tab in tabs:
        tab.close()
    return chunk_s, reply_s


async def _move(tab: Tab, port: int) -> None:
    """Watch the conversation on another process."""
    tab._socket.close()
    tab._socket = await Socket.open(port, f"/ws{tab._path}", tab._visit.cookies)
    await tab._socket.frame()


async def _spent(on: Stage, seconds: float) -> dict[str, float]:
    before = _cpu_s(on)
    await asyncio.sleep(seconds)
    return {name: after - before[name] for name, after in _cpu_s(on).items()}


def _cpu_s(on: Stage) -> dict[str, float]:
    """CPU seconds of each root and of its children that live."""
    spent = {}
    for name, pid in on.roots.items():
        root = psutil.Process(pid)
        times = [one.cpu_times() for one in [root, *root.children(recursive=True)]]
        spent[name] = sum(one.user + one.system for one in times)
    return spent


if __name__ == "__main__":
    main()
