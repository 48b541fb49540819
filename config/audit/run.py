"""An audit from its empty database to its verdict."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from threading import Thread
from typing import IO, Final

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from billing.limits import Account, Budget, Hold, Period
from billing.models import Call, Standing, UsageRecord
from billing.settlement import settle_due
from chat.models import Message, Role
from config.audit.comparison import NOTHING, Line, Tally, compare
from config.audit.plan import Planned, has_budget, make_plan, number_of, victims
from config.audit.worker import READY
from openrouter.client import ClientConfig, OpenRouterClient
from openrouter.emulator.app import Emulator
from openrouter.emulator.server import bind, make_server
from openrouter.emulator.settings import DEMO_KEY, instant
from routing.services import sync_catalogue

PEOPLE: Final = 20  # an even number, so that a reply's number tells who has a budget
AMPLE_USD: Final = Decimal(10**6)
REPLIES_OF_A_VICTIM: Final = 25
OWN_KEY_PROVIDERS: Final = frozenset({"Google AI Studio"})  # paid for on a key of one's own
BILL_S, LATE_BILL_S = 0.3, 1.0  # how long the emulator says 404
PATIENCE_S: Final = 60.0
START_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """`faults`: the share that goes wrong. `log`: where the processes log to."""

    replies: int
    faults: float
    seed: int
    processes: int
    log: IO[str]


@dataclass(frozen=True, slots=True)
class Findings:
    """What the audit found.

    `figureless`: replies that cost something and show no figure. `budgets_off`: budgets that
    count something else than the ledger, or still hold money.
    """

    tallies: dict[str, Tally]
    replies: Counter[str]
    pending: int
    estimated: int
    running: int
    figureless: int
    budgets_off: int
    kills: int
    seconds: float

    @property
    def total(self) -> Tally:
        total = Tally()
        for tally in self.tallies.values():
            total += tally
        return total

    @property
    def closes(self) -> bool:
        left = self.pending + self.estimated + self.running + self.figureless
        left += self.budgets_off
        return not left and all(tally.closes for tally in self.tallies.values())


class WorkerFailed(Exception):
    """A process of the audit ended as it should not have."""


def run_audit(wanted: Wanted, database_url: str) -> Findings:
    """Fill the scratch database, settle, compare. Raises WorkerFailed."""
    began = time.monotonic()
    plan = make_plan(replies=wanted.replies, fault_share=wanted.faults, seed=wanted.seed)
    with emulator_on_a_port() as (emulator, base_url):
        client_settings = {"OPENROUTER_API_KEY": DEMO_KEY, "OPENROUTER_BASE_URL": base_url}
        install(base_url)
        env = {**os.environ, **client_settings, "DATABASE_URL": database_url, "REDIS_URL": ""}
        env |= {"DJANGO_SETTINGS_MODULE": "config.settings", "MAX_STREAMS_PER_USER": "1000"}
        env["TITLES"] = "prompt"  # a worker ends with its replies, and would leave titles behind
        kills = kill_in_mid_stream(wanted, plan, env)
        write_replies(wanted, env)
        async_to_sync(settle_all)(base_url)
        return findings(emulator, plan, kills=kills, seconds=time.monotonic() - began)


@contextmanager
def emulator_on_a_port() -> Iterator[tuple[Emulator, str]]:
    """An OpenRouter in a thread of this process, so that its bill is at hand as it is."""
    behaviour = replace(
        instant(byok_providers=OWN_KEY_PROVIDERS),
        generation_delay_s=BILL_S,
        cancelled_generation_delay_s=LATE_BILL_S,
        credits_usd=AMPLE_USD,
    )
    emulator, listening = Emulator(behaviour), bind(0)
    server = make_server(emulator, log_level="critical")  # it is told to break its answers off
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield emulator, f"http://127.0.0.1:{listening.getsockname()[1]}/api/v1"
    finally:
        server.should_exit = True
        thread.join()


def make_client(base_url: str) -> OpenRouterClient:
    return OpenRouterClient(ClientConfig(api_key=DEMO_KEY, base_url=base_url))


def install(base_url: str) -> None:
    """What a page needs to be drawn, the catalogue, and the people who ask."""
    call_command("collectstatic", interactive=False, verbosity=0)
    sync_catalogue(make_client(base_url))
    people = get_user_model().objects
    for number in range(PEOPLE):
        person = people.create_user(f"audit-{number}")
        if has_budget(number):
            Budget.objects.create(user=person, per_day_usd=AMPLE_USD, per_month_usd=AMPLE_USD)


# --- Processes ---


def start(wanted: Wanted, env: dict[str, str], role: str, index: int, size: int) -> Process:
    """A process of the audit. What it logs goes to a file that is shown only when it fails."""
    figures = f"--replies={wanted.replies} --faults={wanted.faults} --seed={wanted.seed}"
    words = [sys.executable, "manage.py", "audit_worker", role, str(index), str(size)]
    return subprocess.Popen(  # noqa: S603  # nosec B603 # our own words
        [*words, *figures.split()],
        cwd=settings.BASE_DIR, env=env, text=True, stdout=subprocess.PIPE, stderr=wanted.log,
    )  # fmt: skip


Process = subprocess.Popen[str]


def kill_in_mid_stream(wanted: Wanted, plan: Sequence[Planned], env: dict[str, str]) -> int:
    """Let processes come into mid-stream with all of their replies, and kill -9 them there."""
    kills = 0
    while victims(plan, kills, REPLIES_OF_A_VICTIM):
        process = start(wanted, env, "victim", kills, REPLIES_OF_A_VICTIM)
        with process:
            assert process.stdout is not None  # noqa: S101 (a pipe was asked for)
            said = process.stdout.readline().strip()
            process.kill()
        if said != READY:
            raise WorkerFailed("A process ended before it could be killed in mid-stream.")
        kills += 1
    return kills


def write_replies(wanted: Wanted, env: dict[str, str]) -> None:
    """All other replies, by processes side by side; the first one up finds what was killed."""
    indexes = range(wanted.processes)
    processes = [start(wanted, env, "share", index, wanted.processes) for index in indexes]
    failed = [process.wait() for process in processes]
    for process in processes:
        if process.stdout:
            process.stdout.close()
    if any(failed):
        raise WorkerFailed(f"The processes of the audit ended with {failed}.")


async def settle_all(base_url: str) -> None:
    """Ask for bills until all are there, or patience ends."""
    client, until = make_client(base_url), time.monotonic() + PATIENCE_S
    try:
        while await Call.objects.billable().aexists() and time.monotonic() < until:
            report = await settle_due(client, at_once=True)
            if report.waiting:
                await asyncio.sleep(BILL_S)
    finally:
        await client.aclose()


# --- The two books ---


def findings(
    emulator: Emulator, plan: Sequence[Planned], *, kills: int, seconds: float
) -> Findings:
    kinds = kinds_of_conversations(plan)
    replies = Message.objects.filter(role=Role.ASSISTANT)
    return Findings(
        tallies=compare(lines_of_bill(emulator, kinds), lines_of_ledger(kinds)),
        replies=Counter(planned.kind for planned in plan),
        pending=Call.objects.pending().count(),
        estimated=UsageRecord.objects.filter(standing=Standing.ESTIMATED).count(),
        running=Call.objects.open().count() + replies.running().count(),
        figureless=replies.filter(usage=None).exclude(call__state="released").count(),
        budgets_off=budgets_off(),
        kills=kills,
        seconds=seconds,
    )


def budgets_off() -> int:
    """Budgets of the month that do not say what the ledger says, and holds that nobody needs."""
    counted = Account.objects.filter(period=Period.MONTH).values_list("owner_ref", "spent_usd")
    ledger = UsageRecord.objects.all()
    wrong = [ref for ref, spent in counted if ledger.filter(user_ref=ref).total_usd() != spent]
    return len(wrong) + Hold.objects.filter(is_open=True).count()


def kinds_of_conversations(plan: Sequence[Planned]) -> dict[str, str]:
    """Conversation → the fault its reply was made with. Raises WorkerFailed where one lacks."""
    begun = Message.objects.filter(role=Role.USER, parent=None)  # a model may have made the title
    prompts = begun.values_list("conversation_id", "text")
    kinds = {str(pk): plan[number_of(prompt)].kind for pk, prompt in prompts}
    if len(kinds) != len(plan):
        raise WorkerFailed(f"{len(kinds)} of {len(plan)} replies were asked for.")
    return kinds


def lines_of_bill(emulator: Emulator, kinds: dict[str, str]) -> list[Line]:
    return [
        Line(
            entry.generation_id,
            kinds[entry.session_id or ""],
            entry.cost,
            entry.charge.upstream if entry.charge.is_byok else NOTHING,
        )
        for entry in emulator.bill
    ]


def lines_of_ledger(kinds: dict[str, str]) -> list[Line]:
    return [
        Line(
            entry.generation_id,
            kinds[entry.conversation_ref],
            entry.cost_usd or NOTHING,
            (entry.upstream_cost_usd or NOTHING) if entry.is_byok else NOTHING,
        )
        for entry in UsageRecord.objects.order_by("pk").iterator()
    ]
