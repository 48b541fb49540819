"""The audit: its plan is the seed's, its comparison sees every way in which two books differ."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection

from config.audit.comparison import Line, compare, table
from config.audit.plan import FAULTS, KILLED, SOUND, make_plan, number_of, share, victims
from tests.conftest import POSTGRES_URL, ROOT

COST = Decimal("0.0000123456789012345678")


def line(generation_id: str, cost: Decimal = COST, **fields: Decimal) -> Line:
    return Line(generation_id, SOUND, cost, **fields)


def test_books_that_agree_close() -> None:
    tally = compare([line("a"), line("b")], [line("b"), line("a")])[SOUND]
    assert tally.closes
    assert (tally.billed, tally.booked, tally.residual_usd) == (2, 2, Decimal(0))


@pytest.mark.parametrize(
    ("bill", "ledger", "wrong"),
    [
        ([line("a")], [], "1 missing"),
        ([line("a", Decimal(0))], [], "1 missing"),
        ([line("a")], [line("a"), line("a")], "1 double"),
        ([], [line("a")], "1 in no bill"),
        ([], [line("", Decimal(0))], "1 in no bill"),
        ([line("a")], [line("a", COST + Decimal("1e-22"))], "1 differing"),
        ([line("a", own_key_usd=COST)], [line("a")], "1 differing"),
    ],
    ids=["missing", "missing, free", "double", "unheard of", "no id", "last digit", "own key"],
)
def test_books_that_differ_do_not_close(bill: list[Line], ledger: list[Line], wrong: str) -> None:
    tallies = compare(bill, ledger)
    assert not tallies[SOUND].closes
    assert wrong in list(table(tallies, Counter([SOUND])))[-1]


def test_two_errors_that_cancel_out_are_both_seen() -> None:
    bill = [line("a", Decimal(1)), line("b", Decimal(2))]
    tally = compare(bill, [line("a", Decimal(2)), line("b", Decimal(1))])[SOUND]
    assert tally.residual_usd == 0
    assert not tally.closes


def test_sums_are_not_rounded() -> None:
    tally = compare([line("a", Decimal(10**14)), line("b", Decimal("1e-40"))], [])[SOUND]
    assert tally.billed_usd == Decimal("100000000000000." + "0" * 39 + "1")


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    first = make_plan(replies=200, fault_share=0.5, seed=7)
    assert first == make_plan(replies=200, fault_share=0.5, seed=7)
    assert first != make_plan(replies=200, fault_share=0.5, seed=8)
    assert [number_of(planned.prompt) for planned in first] == list(range(200))


def test_every_kind_of_fault_comes_as_often_as_any_other() -> None:
    plan = make_plan(replies=1000, fault_share=0.2, seed=1)
    counts = Counter(planned.kind for planned in plan)
    assert counts.pop(SOUND) == 800
    assert set(counts) == set(FAULTS)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_every_reply_is_written_by_one_process() -> None:
    plan = make_plan(replies=300, fault_share=0.6, seed=3)
    shared = [planned for index in range(3) for planned in share(plan, index, 3)]
    killed = [planned for index in range(9) for planned in victims(plan, index, 2)]
    assert {planned.kind for planned in killed} == {KILLED}
    assert Counter(p.number for p in [*shared, *killed]) == Counter(range(300))


def audit(*words: str) -> subprocess.CompletedProcess[str]:
    """`manage.py audit_books`, on a database of the kind that these tests run on."""
    url = POSTGRES_URL if connection.vendor == "postgresql" else "sqlite:///unused.sqlite3"
    return subprocess.run(
        [sys.executable, "manage.py", "audit_books", *words],
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings", "SECRET_KEY": "x"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_books_close_over_every_kind_of_fault() -> None:
    run = audit("--replies", "40", "--faults", "0.9", "--processes", "2")
    assert run.returncode == 0, run.stdout + run.stderr[-4000:]
    assert "residual 0, entries missing 0, entries double 0." in run.stdout
    assert "2 processes and 1 that were killed" in run.stdout


def test_an_audit_of_nothing_is_refused() -> None:
    assert audit("--replies", "0").returncode == 1
