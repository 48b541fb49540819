"""One database's part of tests/bench/usage.py: fill it, ask for each page, print what it took."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from billing.models import UsageRecord  # noqa: E402
from billing.rollup import catch_up  # noqa: E402
from billing.rollup_models import UsageRollup  # noqa: E402
from tests.bench.ledgers import fill  # noqa: E402

GOAL_MS = 300
LEDGER, REVIEW = "/admin/billing/usagerecord/", "/admin/billing/usagerollup/"
WARM_UP = 2


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--times", type=int, required=True)
    chosen = parser.parse_args()
    settings.ALLOWED_HOSTS = ["testserver"]
    say(f"\n{connection.vendor}, load of the machine {os.getloadavg()[0]:.1f}")
    prepare(chosen.rows)
    admin = signed_in("payer")
    worst = 0.0
    for name, address in pages():
        worst = max(worst, timed(admin, name, address, chosen.times))
    for name, address in own_pages():
        worst = max(worst, timed(signed_in("person000"), name, address, chosen.times))
    for name, address in pages():
        if address.startswith(LEDGER):
            explain(admin, name, address)
    say(f"worst p95 {worst:.0f} ms; the goal is {GOAL_MS} ms")
    return 0


def prepare(rows: int) -> None:
    call_command("migrate", verbosity=0)
    if not UsageRecord.objects.exists():
        say(f"{rows:,} entries put in, in {seconds(lambda: fill(rows)):.0f} s")
    say(f"added up in {seconds(catch_up):.0f} s, {UsageRollup.objects.count():,} rows")
    with connection.cursor() as cursor:  # as autovacuum does, in its time
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def pages() -> list[tuple[str, str]]:
    today = dt.datetime.now(dt.UTC).date()
    year = today - dt.timedelta(days=364)
    person = UsageRecord.objects.order_by("-pk").values_list("user_ref", flat=True)[0]
    team = Group.objects.order_by("pk")[0].pk
    model, day = "deepseek/deepseek-v3.2", today - dt.timedelta(days=40)
    whole = f"since={year}&until={today}"
    return [
        ("ledger", LEDGER),
        ("ledger, page 100", f"{LEDGER}?p=100"),
        ("ledger, one person", f"{LEDGER}?user_ref={person}"),
        ("ledger, a group", f"{LEDGER}?group={team}"),
        ("ledger, a model", f"{LEDGER}?served_model={model}"),
        ("ledger, a provider", f"{LEDGER}?provider=Openai+1"),
        ("ledger, titles", f"{LEDGER}?purpose__exact=title"),
        ("ledger, estimated", f"{LEDGER}?standing__exact=estimated"),
        ("ledger, corrections", f"{LEDGER}?kind__exact=correction"),
        ("ledger, a day", f"{LEDGER}?day={day}"),
        ("ledger, a month", f"{LEDGER}?day={day:%Y-%m}"),
        ("ledger, model, provider, person, month", f"{LEDGER}?served_model={model}"
         f"&provider=Deepseek+1&user_ref={person}&day={day:%Y-%m}"),
        ("ledger, estimated of a person", f"{LEDGER}?standing__exact=estimated&user_ref={person}"),
        ("ledger, the dearest", f"{LEDGER}?o=-2"),
        ("ledger, the dearest of a month", f"{LEDGER}?o=-2&day={day:%Y-%m}"),
        ("ledger, the dearest of a model", f"{LEDGER}?o=-2&served_model={model}"),
        ("ledger, a generation", f"{LEDGER}?q=gen-bench-77"),
        ("ledger, a username", f"{LEDGER}?q=person003"),
        ("review, 30 days", REVIEW),
        ("review, a year", f"{REVIEW}?{whole}"),
        ("review, a year and odd days", f"{REVIEW}?since={year.replace(day=9)}&until={today}"),
        ("review, 62 days", f"{REVIEW}?since={today - dt.timedelta(days=61)}&until={today}"),
        ("review, one person, a year", f"{REVIEW}?user=person003&{whole}"),
        ("review, a group, a year", f"{REVIEW}?group={team}&{whole}"),
        ("review, a group, 62 days",
         f"{REVIEW}?group={team}&since={today - dt.timedelta(days=61)}&until={today}"),
        ("review, a model, a year", f"{REVIEW}?model={model}&{whole}"),
        ("review, titles, a year", f"{REVIEW}?purpose=title&{whole}"),
        ("review, estimated, a year", f"{REVIEW}?settlement=estimated&{whole}"),
        ("review, pending", f"{REVIEW}?settlement=pending"),
    ]  # fmt: skip


def own_pages() -> list[tuple[str, str]]:
    return [("own usage, this month", "/usage/")]


def signed_in(username: str) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.get(username=username))
    return client


def timed(client: Client, name: str, address: str, times: int) -> float:
    """Ask so many times, print p50 and p95, and return the latter."""
    taken: list[float] = []
    cpu_before = 0.0
    for turn in range(WARM_UP + times):
        if turn == WARM_UP:
            cpu_before = cpu_seconds()
        begin = time.perf_counter()
        response = client.get(address)
        milliseconds = (time.perf_counter() - begin) * 1000
        if response.status_code != 200:
            raise SystemExit(f"{address}: {response.status_code}")
        if turn >= WARM_UP:
            taken.append(milliseconds)
    cpu = (cpu_seconds() - cpu_before) * 1000 / times
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    p95 = sorted(taken)[max(0, round(0.95 * len(taken)) - 1)]
    say(
        f"{name:42} p50 {statistics.median(taken):6.0f} ms  p95 {p95:6.0f} ms  "
        f"cpu {cpu:5.0f} ms  {len(queries):3} queries{'  OVER THE GOAL' if p95 > GOAL_MS else ''}"
    )
    return p95


def cpu_seconds() -> float:
    """Of this process and of the database's for it: what a busy machine does not stretch."""
    spent = time.process_time()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
            pids = [pid for (pid,) in cursor.fetchall()]
        for stat in (Path(f"/proc/{pid}/stat") for pid in pids):
            if stat.exists():  # the database may be on another machine
                user, system = stat.read_text().rpartition(")")[2].split()[11:13]
                spent += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return spent


def explain(client: Client, name: str, address: str) -> None:
    """The plan of each question that a page asks of the ledger itself."""
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    told: set[str] = set()
    for query in queries.captured_queries:
        if 'FROM "billing_usagerecord"' not in query["sql"]:
            continue
        for line in plan(query["sql"]):
            if "usagerecord" in line or "entries_" in line:
                told.add(line)
    say(f"{name}:")
    for line in sorted(told):
        say(f"    {line}")


def plan(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"EXPLAIN (COSTS OFF) {sql}")
            return [str(line[0]).strip() for line in cursor.fetchall()]
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [str(line[-1]) for line in cursor.fetchall()]


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
