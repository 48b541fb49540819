"""Switchboard under fire: two servers, PostgreSQL, Redis and an upstream with faults, by seed.

`make chaos`, or `python -m tests.chaos --replies 1000 --at-once 50 --seed 7`. While people ask,
stop, reload and retry, servers are killed and drained, Redis and PostgreSQL restarted and sockets
cut. At the end every reply in the database, every tab's last text and every entry of the ledger is
held against what the upstream sent and billed. Ends with status 1 where anything is amiss.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import signal
import sys
import time
from pathlib import Path

from tests.chaos.person import Person, Shared
from tests.chaos.report import told
from tests.chaos.stage import Stage, stage
from tests.chaos.trouble import Trouble
from tests.chaos.truth import DUE, RUNNING, Collector, count, gather
from tests.chaos.verdict import Verdict, judge
from tests.chaos.visit import Visit
from tests.chaos.witness import Witness
from tests.processes import SERVERS

PEOPLE_A_SEAT = 4  # so many conversations at once has one account
SETTLES_S = 60.0  # leases (20 s) and the reaper's round, and what a busy machine adds
BILLS_S = 45.0  # for the bills of calls that were cut off
COLLECT_S = 15.0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    add = parser.add_argument
    add("--replies", type=int, default=1000, help="asked for in all, retries among them")
    add("--at-once", type=int, default=50, help="conversations at a time")
    add("--seed", type=int, default=None, help="of everything that is left to chance")
    add("--minutes", type=float, default=30.0, help="after which nothing more is asked for")
    add("--every-s", type=float, default=5.0, help="mean time between two troubles")
    add("--server", choices=SERVERS, default="daphne")
    add("--mild", action="store_true", help="60 replies, 12 at a time, under a minute")
    add("--logs", type=Path, default=None, help="keep what the servers said, in this folder")
    chosen = parser.parse_args()
    if chosen.mild:
        chosen.replies, chosen.at_once, chosen.every_s, chosen.minutes = 60, 12, 5.0, 0.5
    if chosen.seed is None:
        chosen.seed = secrets.randbelow(1_000_000)
    return chosen


def main() -> int:
    chosen = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    say(f"seed {chosen.seed}: {chosen.replies} replies, {chosen.at_once} at a time")
    people = -(-chosen.at_once // PEOPLE_A_SEAT)
    with stage(chosen.server, people, chosen.seed) as here:
        try:
            verdict = asyncio.run(run(here, chosen))
        finally:
            if chosen.logs:
                keep_logs(here, chosen.logs)
    return 1 if any(verdict.zero.values()) else 0


async def run(here: Stage, chosen: argparse.Namespace) -> Verdict:
    since = time.monotonic()
    shared = Shared(Witness(), left=chosen.replies, until_s=since + chosen.minutes * 60)
    trouble = Trouble(here, shared, random.Random(f"trouble {chosen.seed}"), chosen.every_s)
    collector = Collector(here)
    duties = [
        asyncio.create_task(trouble.run()),
        asyncio.create_task(collector.run(COLLECT_S)),
    ]
    await asyncio.gather(*(person.work() for person in seats(here, shared, chosen)))
    for duty in duties:
        duty.cancel()
    await trouble.over()
    busy_s = time.monotonic() - since
    await until_none(here, RUNNING, SETTLES_S)
    await until_none(here, DUE, BILLS_S)
    truth = await gather(here, collector)
    verdict = judge(truth, shared, here.postgres.outages)
    hung = sum(server.hung for server in here.servers)
    verdict.found("drains that hung", "see logs", hung)
    say(told(verdict, truth, shared, trouble, here, busy_s))
    say(f"seed {chosen.seed}: {'FAILED' if any(verdict.zero.values()) else 'all is well'}")
    return verdict


def seats(here: Stage, shared: Shared, chosen: argparse.Namespace) -> list[Person]:
    """One person for each conversation at a time; some share an account, as tabs do."""
    people = []
    for number in range(chosen.at_once):
        key = here.people[number % len(here.people)]
        chance = random.Random(f"person {chosen.seed} {number}")
        people.append(Person(f"p{number}", Visit(here, key, chance), shared, chance))
        shared.visits.append(people[-1].visit)
    return people


async def until_none(here: Stage, query: str, within_s: float) -> None:
    """Wait until a query counts nothing; the verdict tells where it still counts something."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        left: int = await asyncio.to_thread(count, here, query)
        if not left:
            return
        # A server opens, and takes over from the dead, with its first request.
        for server in here.servers:
            await touch(here, server.port)
        await asyncio.sleep(1)


async def touch(here: Stage, port: int) -> None:
    """Ask one server for a page."""
    others = [server.port for server in here.servers if server.port != port]
    await Visit(here, here.people[0], random.Random(0)).get("/", but=others[0])


def keep_logs(here: Stage, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for server in here.servers:
        (folder / server.log.name).write_bytes(server.log.read_bytes())


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
