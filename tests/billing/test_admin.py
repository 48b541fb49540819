"""The ledger in the admin: what it lists, what it adds up, and that nobody edits it."""

from __future__ import annotations

import datetime as dt
import html
import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.admin import MAX_COUNTED_ROWS
from billing.models import Kind, UsageRecord
from billing.rollup import catch_up
from billing.services import note_generation_id
from tests.billing.books import ended, entry_of, running_call

pytestmark = pytest.mark.django_db
LEDGER = reverse("admin:billing_usagerecord_changelist")
CALLS = reverse("admin:billing_call_changelist")


@pytest.fixture
def other(person: User) -> User:
    return User.objects.create_user("grace")


@pytest.fixture
def entries(person: User, other: User) -> list[UsageRecord]:
    gpt: dict[str, Any] = {"served_model": "openai/gpt-5", "provider": "Azure"}
    grok: dict[str, Any] = {"served_model": "x-ai/grok-4", "provider": "xAI"}
    return [
        entry_of(person, "0.1000000000000000000001", prompt_tokens=11, **gpt),
        entry_of(person, "0.02", **grok),
        entry_of(other, "0.003", **gpt),
    ]


def text_of(page: Any) -> str:
    """What a person reads: no tags, one space between words."""
    assert page.status_code == 200
    text = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", page.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


def total(page: Any) -> str:
    found = re.search(r"Paid in this selection: (\S+) in (\d+)", text_of(page))
    assert found
    return f"{found[1]} in {found[2]}"


def test_the_ledger_lists_entries_with_their_exact_cost(
    admin_client: Client, entries: list[UsageRecord]
) -> None:
    text = text_of(admin_client.get(LEDGER))
    for shown in ("ada", "grace", "openai/gpt-5", "Azure", "11", "$0.1000000000000000000001"):
        assert shown in text
    assert "11, unknown" in text


def test_the_total_is_exact_and_follows_the_filters(
    admin_client: Client, entries: list[UsageRecord], person: User
) -> None:
    expected = {
        "": "$0.1230000000000000000001 in 3",
        f"user_ref=user-{person.pk}": "$0.1200000000000000000001 in 2",
        "served_model=openai/gpt-5": "$0.1030000000000000000001 in 2",
        "provider=xAI": "$0.02 in 1",
        "purpose__exact=reply": "$0.1230000000000000000001 in 3",
        "purpose__exact=title": "$0 in 0",
        "standing__exact=estimated": "$0 in 0",
        "served_model=openai/gpt-5&provider=xAI": "$0 in 0",
    }
    assert {query: total(admin_client.get(f"{LEDGER}?{query}")) for query in expected} == expected


def test_the_total_follows_the_day(admin_client: Client, person: User) -> None:
    for day, cost in ((1, "1"), (2, "2")):
        call = running_call(person)
        UsageRecord.objects.create(
            call=call,
            user_ref=call.user_ref,
            purpose=call.purpose,
            requested_model="m",
            cost_usd=Decimal(cost),
            created_at=dt.datetime(2026, 3, day, 23, 59, tzinfo=dt.UTC),
        )
    expected = {
        "day=2026-03-02": "$2 in 1",
        "day=2026-03": "$3 in 2",
        "day=2026-03-01..2026-03-02": "$3 in 2",
        "day=2026-03-02..2026-03-01": "$0 in 0",
        "day=2026-03-03": "$0 in 0",
        "day=yesterday": "$0 in 0",
    }
    assert {query: total(admin_client.get(f"{LEDGER}?{query}")) for query in expected} == expected


def test_the_total_is_of_all_pages(
    admin_client: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.usage_admin.UsageRecordAdmin.list_per_page", 2)
    for _ in range(5):
        entry_of(person, "0.1")
    page = admin_client.get(f"{LEDGER}?p=3")
    assert total(page) == "$0.5 in 5"
    assert len(page.context["cl"].result_list) == 1


def test_money_of_other_kinds_is_told_apart(admin_client: Client, person: User) -> None:
    entry_of(person, "0", upstream_cost_usd=Decimal("0.0003253"), is_byok=True)
    entry = entry_of(person, "5", upstream_cost_usd=Decimal(5))
    UsageRecord.objects.create(
        call=entry.call,
        kind=Kind.CORRECTION,
        corrects=entry,
        user_ref=entry.user_ref,
        purpose=entry.purpose,
        requested_model=entry.requested_model,
        cost_usd=Decimal("-1.5"),
        standing="estimated",
        estimate_rule="by hand",
    )
    text = text_of(admin_client.get(LEDGER))
    assert "Paid in this selection: $3.5 in 3 entries, 1 of them correction." in text
    assert "Of this, -$1.5 is estimated." in text
    assert "own keys: $0.0003253" in text


def test_an_entry_is_found_by_its_generation_id(
    admin_client: Client, entries: list[UsageRecord], person: User
) -> None:
    call = running_call(person)
    note_generation_id(call_id=call.pk, generation_id="gen-17-abc")
    ended(call, cost_usd=Decimal("0.7"))
    assert total(admin_client.get(f"{LEDGER}?q=gen-17-abc")) == "$0.7 in 1"
    assert total(admin_client.get(f"{LEDGER}?q=gen-17")) == "$0 in 0"


def test_an_erased_person_is_there_under_an_id(
    admin_client: Client, entries: list[UsageRecord], person: User
) -> None:
    ref = f"user-{person.pk}"
    person.delete()
    assert f"{ref} (erased)" in text_of(admin_client.get(LEDGER))
    assert total(admin_client.get(f"{LEDGER}?user_ref={ref}")) == "$0.1200000000000000000001 in 2"


@pytest.mark.parametrize("page", ["usagerecord", "call"])
def test_nobody_adds_changes_or_deletes(
    admin_client: Client, entries: list[UsageRecord], page: str
) -> None:
    key = entries[0].pk if page == "usagerecord" else entries[0].call_id
    change = reverse(f"admin:billing_{page}_change", args=[key])
    before = list(UsageRecord.objects.values())
    assert admin_client.get(change).status_code == 200
    assert admin_client.post(change, {"cost_usd": "0", "state": "released"}).status_code == 403
    assert admin_client.get(reverse(f"admin:billing_{page}_add")).status_code == 403
    delete = reverse(f"admin:billing_{page}_delete", args=[key])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    listed = reverse(f"admin:billing_{page}_changelist")
    action = {"action": "delete_selected", "_selected_action": [key], "post": "yes"}
    admin_client.post(listed, action)
    assert list(UsageRecord.objects.values()) == before
    assert 'name="_save"' not in admin_client.get(change).content.decode()


def test_an_entry_is_shown_to_the_last_digit(
    admin_client: Client, entries: list[UsageRecord]
) -> None:
    change = reverse("admin:billing_usagerecord_change", args=[entries[0].pk])
    assert "0.1000000000000000000001" in text_of(admin_client.get(change))


def test_pending_calls_are_seen(admin_client: Client, person: User) -> None:
    settled, pending = running_call(person), running_call(person)
    note_generation_id(call_id=settled.pk, generation_id="gen-settled")
    note_generation_id(call_id=pending.pk, generation_id="gen-pending")
    ended(settled, cost_usd=Decimal(1))
    ended(pending, may_have_cost=True)
    text = text_of(admin_client.get(f"{CALLS}?state__exact=pending"))
    assert "gen-pending" in text
    assert "gen-settled" not in text
    assert "$0.04" in text


@pytest.mark.parametrize("page", [LEDGER, CALLS])
def test_the_books_are_for_administrators(client: Client, person: User, page: str) -> None:
    client.force_login(person)
    assert client.get(page).status_code == 302


@pytest.mark.parametrize("page", [LEDGER, CALLS])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    admin_client: Client, person: User, django_assert_max_num_queries: Any, page: str
) -> None:
    for _ in range(30):
        entry_of(person, "0.1", served_model="m", provider="p")
    catch_up()
    with django_assert_max_num_queries(18):
        admin_client.get(page)


def test_the_length_of_a_long_ledger_is_not_counted_to_its_end(
    admin_client: Client, entries: list[UsageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_COUNTED_ROWS > 100
    monkeypatch.setattr("billing.admin.MAX_COUNTED_ROWS", 2)
    page = admin_client.get(LEDGER)
    assert page.context["cl"].result_count == 2
    assert total(page) == "$0.1230000000000000000001 in 3"


@pytest.mark.parametrize("page", [LEDGER, CALLS])
def test_the_pages_hold_nothing_that_our_content_policy_refuses(
    admin_client: Client, entries: list[UsageRecord], page: str
) -> None:
    shown = admin_client.get(page)
    body = shown.content.decode()
    assert "script-src 'self'" in shown.headers["Content-Security-Policy"]
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=", body)
    assert not inline


@pytest.mark.parametrize(
    "query", ["created_at__year=nonsense", "nosuch=1", "p=99", "o=99", "q=%00"]
)
def test_a_mangled_address_breaks_nothing(
    admin_client: Client, entries: list[UsageRecord], query: str
) -> None:
    assert admin_client.get(f"{LEDGER}?{query}", follow=True).status_code in {200, 400}
