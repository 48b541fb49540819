"""The ledger only grows: the model says so, the database says so, and nobody's leaving changes it.

Each test runs on the database that DATABASE_URL names: SQLite, and in CI PostgreSQL as well.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands import flush
from django.db import IntegrityError, connection, transaction
from django.db.models import F, ProtectedError

from accounts.models import User
from billing.models import AppendOnly, Call, Kind, Standing, UsageRecord
from tests.billing.books import entry_of, running_call

pytestmark = pytest.mark.django_db
TABLE = UsageRecord._meta.db_table
# Every way that SQL knows to change what is there.
TAMPERING = {
    "update": f"UPDATE {TABLE} SET cost_usd = '0'",
    "update of one": f"UPDATE {TABLE} SET provider = 'x' WHERE id = (SELECT max(id) FROM {TABLE})",
    "delete": f"DELETE FROM {TABLE}",
    "upsert": f"INSERT INTO {TABLE} SELECT * FROM {TABLE} WHERE true "
    "ON CONFLICT (id) DO UPDATE SET cost_usd = '0'",
    "replace": f"INSERT OR REPLACE INTO {TABLE} SELECT * FROM {TABLE}",
    "truncate": f"TRUNCATE {TABLE} CASCADE",
}
NOT_SPOKEN = {"sqlite": {"truncate"}, "postgresql": {"replace"}}[connection.vendor]


@pytest.fixture
def entry(person: User) -> UsageRecord:
    return entry_of(person, "0.0000123456789012345678", served_model="openai/gpt-5")


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def correction_of(entry: UsageRecord, difference: str, **fields: Any) -> UsageRecord:
    return UsageRecord.objects.create(
        call=entry.call,
        kind=Kind.CORRECTION,
        corrects=entry,
        user_ref=entry.user_ref,
        purpose=entry.purpose,
        conversation_ref=entry.conversation_ref,
        requested_model=entry.requested_model,
        served_model=entry.served_model,
        generation_id=entry.generation_id,
        cost_usd=Decimal(difference),
        **fields,
    )


@pytest.mark.parametrize("way", sorted(TAMPERING.keys() - NOT_SPOKEN))
def test_the_database_refuses_to_change_an_entry(entry: UsageRecord, way: str) -> None:
    if connection.vendor == "postgresql":  # which else truncates no table with checks to come
        execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        execute(TAMPERING[way])
    assert UsageRecord.objects.get().cost_usd == entry.cost_usd


@pytest.mark.parametrize(
    "change",
    [
        lambda entries, entry: entries.update(cost_usd=0),
        lambda entries, entry: entries.filter(pk=0).update(cost_usd=0),
        lambda entries, entry: entries.delete(),
        lambda entries, entry: entries.bulk_update([entry], ["provider"]),
        lambda entries, entry: entries.update_or_create(pk=entry.pk, defaults={"cost_usd": 0}),
        lambda entries, entry: entries.bulk_create(
            [entry], update_conflicts=True, update_fields=["cost_usd"], unique_fields=["pk"]
        ),
        lambda entries, entry: entry.save(),
        lambda entries, entry: entry.save(update_fields=["provider"]),
        lambda entries, entry: entry.delete(),
    ],
)
def test_the_model_refuses_to_change_an_entry(entry: UsageRecord, change: Any) -> None:
    with pytest.raises(AppendOnly):
        change(UsageRecord.objects.all(), entry)
    with pytest.raises(AppendOnly):
        change(entry.call.entries.all(), entry)
    assert UsageRecord.objects.get().cost_usd == entry.cost_usd


def test_a_new_object_with_an_old_key_does_not_replace_the_entry(entry: UsageRecord) -> None:
    impostor = UsageRecord(
        pk=entry.pk, call=entry.call, user_ref="x", purpose="reply", cost_usd=Decimal(0)
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        impostor.save()
    assert UsageRecord.objects.get().cost_usd == entry.cost_usd


def test_what_goes_around_the_model_is_stopped_by_the_database(entry: UsageRecord) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        UsageRecord._base_manager.all()._raw_delete(connection.alias)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        super(UsageRecord, entry).save()
    assert UsageRecord.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_flush_is_refused_outside_the_tests_and_leaves_the_guard_in_them(
    person: User,
) -> None:
    entry_of(person, "1")
    with pytest.raises(CommandError):
        call_command(flush.Command(), interactive=False, verbosity=0)
    assert UsageRecord.objects.count() == 1
    call_command("flush", interactive=False, verbosity=0)
    assert UsageRecord.objects.count() == 0
    newcomer = User.objects.create_user("grace")
    entry_of(newcomer, "1")
    with pytest.raises(IntegrityError, match="append-only"):
        execute(TAMPERING["update"])


def test_a_call_with_an_entry_stays(entry: UsageRecord) -> None:
    with pytest.raises(ProtectedError):
        Call.objects.all().delete()


def test_deleting_a_user_leaves_every_row_and_every_sum(person: User) -> None:
    entry_of(person, "0.1")
    entry_of(person, "0.2")
    running_call(person)
    before = list(UsageRecord.objects.values())
    ref = f"user-{person.pk}"
    person.delete()
    assert list(UsageRecord.objects.values()) == before
    assert UsageRecord.objects.filter(user_ref=ref).total_usd() == Decimal("0.3")
    assert Call.objects.filter(user=None, user_ref=ref).count() == Call.objects.count() == 3


def test_the_id_of_an_erased_account_is_not_given_to_another(person: User) -> None:
    entry_of(person, "0.1")
    person.delete()
    newcomer = User.objects.create_user("grace")
    assert UsageRecord.objects.of(newcomer).total_usd() == 0


def test_a_call_has_one_original_entry(entry: UsageRecord) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        UsageRecord.objects.create(
            call=entry.call, user_ref="u", purpose="reply", requested_model="m", cost_usd=1
        )


def test_a_generation_has_one_original_entry(person: User) -> None:
    first, second = (
        UsageRecord(
            call=running_call(person),
            generation_id="gen-1",
            user_ref="u",
            purpose="reply",
            requested_model="m",
            cost_usd=1,
        )
        for _ in range(2)
    )
    first.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()


@pytest.mark.parametrize(
    "fields",
    [
        {"cost_usd": Decimal("-1E-19")},
        {"kind": Kind.CORRECTION},
        {"standing": Standing.ESTIMATED},
        {"estimate_rule": "by the book"},
        {"cost_usd": None},
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_by_the_database(
    person: User, fields: dict[str, Any]
) -> None:
    call = running_call(person)
    sound = {"user_ref": "u", "purpose": "reply", "requested_model": "m", "cost_usd": 1}
    with pytest.raises(IntegrityError), transaction.atomic():
        UsageRecord.objects.create(call=call, **{**sound, **fields})
    UsageRecord.objects.create(call=call, **sound)


def test_a_correction_is_a_difference_so_that_a_plain_sum_is_true(entry: UsageRecord) -> None:
    correction_of(entry, "-0.0000000000000000000078", completion_tokens=-2)
    assert UsageRecord.objects.total_usd() == Decimal("0.00001234567890123456")
    assert list(entry.corrections.values_list("completion_tokens", flat=True)) == [-2]


def test_reads_say_what_they_mean(person: User) -> None:
    other = User.objects.create_user("grace")
    entry_of(person, "1")
    call = running_call(person)
    edges = {
        "2026-01-31T23:59:59.999999+00:00": "2",
        "2026-02-01T00:00:00+00:00": "4",
        "2026-02-28T23:59:59.999999+00:00": "8",
        "2026-03-01T00:00:00+00:00": "16",
    }
    for moment, cost in edges.items():
        call = running_call(other)
        UsageRecord.objects.create(
            call=call,
            user_ref=call.user_ref,
            purpose="reply",
            requested_model="m",
            cost_usd=Decimal(cost),
            created_at=dt.datetime.fromisoformat(moment),
        )
    assert UsageRecord.objects.of(person).total_usd() == 1
    assert UsageRecord.objects.of(other).total_usd() == 30
    assert UsageRecord.objects.of(other).in_month(dt.date(2026, 2, 14)).total_usd() == 12
    assert UsageRecord.objects.in_month(dt.date(2025, 12, 31)).total_usd() == 0
    assert Call.objects.of(other).open().reserved_total_usd() == 4 * Decimal("0.04")
    assert Call.objects.filter(started_at__lt=F("created_at")).count() == 0
