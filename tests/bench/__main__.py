"""Time to the first text through Switchboard, beside a direct call to the same upstream.

`make bench`, or `python -m tests.bench --server uvicorn --streams 1 20 --seconds 10`. From the
moment that POST /c/<id>/send/ is written to the first text of the answer on the WebSocket of a
tab: session, CSRF, transaction, routing, booking and upstream included.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import platform
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.bench import report
from tests.bench.load import Level, Plan, measure, open_tabs
from tests.bench.machine import pin
from tests.bench.person import Direct, Tab, Visit
from tests.processes import SERVERS, Running, emulator, environment, install, switchboard

SERVER_CORE, OTHERS_CORE = 0, 1


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    add = parser.add_argument
    add("--server", nargs="+", choices=SERVERS, default=list(SERVERS))
    add("--streams", nargs="+", type=int, default=[1, 20, 100], help="conversations at once")
    add("--seconds", type=float, default=10.0, help="measured, for each number of streams")
    add("--warm-up", type=float, default=3.0, help="seconds before, which do not count")
    add("--seed", type=int, default=0, help="of the moments of rest")
    return parser.parse_args()


def main() -> int:
    chosen = options()
    say(conditions())
    levels: list[tuple[str, Level]] = []
    pin(os.getpid(), OTHERS_CORE)
    for server in chosen.server:
        with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as folder:
            levels += [(server, level) for level in bench(server, Path(folder), chosen)]
    say(report.verdict(levels))
    return 1 if any(level.failures for _, level in levels) else 0


def bench(server: str, folder: Path, chosen: argparse.Namespace) -> list[Level]:
    """All levels with one server, in a fresh installation."""
    log = folder / "log"
    offline = environment(folder)
    install(offline)
    plan = Plan(chosen.seconds, chosen.warm_up, chosen.seed)
    with emulator(offline, log, "--instant", "--credits", "1000000") as upstream:
        env = environment(folder, upstream.url, MAX_STREAMS_PER_USER="1000")
        with switchboard(env, log, server) as app:
            pin(app.process.pid, SERVER_CORE)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(run_levels(server, app, upstream, plan, chosen.streams))


async def run_levels(
    server: str, app: Running, upstream: Running, plan: Plan, streams: list[int]
) -> list[Level]:
    """One level after the other; each opens the tabs that it lacks."""
    visit = await Visit.signed_in(app.port)
    direct = await Direct.open(upstream.port)
    pids = {
        "server": app.process.pid,
        "upstream": upstream.process.pid,
        "load generator": os.getpid(),
    }
    tabs: list[Tab] = []
    levels: list[Level] = []
    for count in sorted(streams):
        tabs += await open_tabs(visit, count - len(tabs))
        levels.append(await measure(tabs, direct, plan, pids))
        say(report.told(levels[-1], server))
    for tab in tabs:
        tab.close()
    direct.close()
    visit.close()
    return levels


def conditions() -> str:
    """When and on what this was measured."""
    load = " ".join(f"{figure:.1f}" for figure in os.getloadavg())
    return (
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores ({processor()}), load average {load}. All times in ms."
    )


def processor() -> str:
    """The processor's name where Linux tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
