"""The usage review, the ledger's narrowing and its CSV, and a person's own page."""

from __future__ import annotations

import csv
import datetime as dt
import html
import re
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing.limits import Budget
from billing.models import UsageRecord
from billing.rollup_models import UsageRollup
from billing.services import note_generation_id
from billing.usage import Choice, by_user, total_of, usage_of
from billing.usage_export import csv_of, harmless
from billing.usage_links import days_of
from tests.billing.books import ended, entry_of, running_call

pytestmark = pytest.mark.django_db
REVIEW = reverse("admin:billing_usagerollup_changelist")
LEDGER = reverse("admin:billing_usagerecord_changelist")
EXPORT = reverse("admin:billing_usagerecord_export")
OWN = reverse("usage:own")
ODD = "0.1000000000000000000001"
INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=")


@pytest.fixture
def other(person: User) -> User:
    return User.objects.create_user("grace")


@pytest.fixture
def entries(person: User, other: User) -> list[UsageRecord]:
    gpt: dict[str, Any] = {"served_model": "openai/gpt-5", "provider": "Azure", "ttft_ms": 700}
    grok: dict[str, Any] = {"served_model": "x-ai/grok-4", "provider": "xAI", "ttft_ms": 1900}
    return [
        entry_of(person, ODD, prompt_tokens=1000, completion_tokens=10, cached_tokens=250, **gpt),
        entry_of(person, "0.02", **grok),
        entry_of(other, "0.003", **gpt),
    ]


def body(page: Any) -> str:
    assert page.status_code == 200
    return str(page.content.decode())


def text_of(page: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body(page))).split())


def links_of(page: Any, path: str) -> list[str]:
    found = re.findall(r'href="([^"]*)"', body(page))
    return [link for link in map(html.unescape, found) if link.startswith(f"{path}?")]


def total_in(client: Client, link: str) -> str:
    found = re.search(r"Paid in this selection: (\S+) in (\d+)", text_of(client.get(link)))
    assert found, link
    return f"{found[1]} in {found[2]}"


# --- The review ---


def test_the_review_adds_up_and_follows_its_filters(
    admin_client: Client, entries: list[UsageRecord], person: User
) -> None:
    group = Group.objects.create(name="Engines")
    person.groups.add(group)
    expected = {
        "": (Decimal("0.1230000000000000000001"), 3),
        "user=ada": (Decimal("0.1200000000000000000001"), 2),
        f"group={group.pk}": (Decimal("0.1200000000000000000001"), 2),
        f"group={group.pk}&user=grace": (Decimal(0), 0),
        "model=openai/gpt-5": (Decimal("0.1030000000000000000001"), 2),
        "provider=xAI": (Decimal("0.02"), 1),
        "purpose=title": (Decimal(0), 0),
        "settlement=exact": (Decimal("0.1230000000000000000001"), 3),
        "settlement=estimated": (Decimal(0), 0),
        "since=2020-01-01&until=2020-02-01": (Decimal(0), 0),
        "since=2020-01-01": (Decimal("0.1230000000000000000001"), 3),
    }
    for query, (paid, calls) in expected.items():
        page = admin_client.get(f"{REVIEW}?{query}")
        total = total_of(page.context["choice"])
        assert (total.cost_usd, total.calls) == (paid, calls), query


def test_every_number_leads_to_entries_that_add_up_to_it(
    admin_client: Client, entries: list[UsageRecord]
) -> None:
    page = admin_client.get(REVIEW)
    by_address = {link: total_in(admin_client, link) for link in set(links_of(page, LEDGER))}
    found = {
        address.split("day=")[1].partition("&")[2]: total for address, total in by_address.items()
    }
    assert found[""] in {"$0.1230000000000000000001 in 3", "$0 in 0"}
    assert found["served_model=openai%2Fgpt-5"] == "$0.1030000000000000000001 in 2"
    user = f"user_ref={entries[0].user_ref}"
    assert found[user] == "$0.1200000000000000000001 in 2"
    assert "$0.1230000000000000000001 in 3" in by_address.values()


def test_the_review_shows_who_what_and_how_fast(
    admin_client: Client, entries: list[UsageRecord]
) -> None:
    text = text_of(admin_client.get(REVIEW))
    assert "Paid $0.123" in text
    assert "ada $0.12 2 $0.06" in text
    assert "gpt-5 $0.0515 2 $0.103" in text
    assert "grok-4 1.9 s 1.9 s 1" in text
    assert "25 %" in text


def test_pending_calls_are_told_and_are_in_no_sum(
    admin_client: Client, entries: list[UsageRecord], person: User
) -> None:
    call = running_call(person)
    note_generation_id(call_id=call.pk, generation_id="gen-late")
    ended(call, may_have_cost=True)
    page = admin_client.get(f"{REVIEW}?settlement=pending")
    assert "1 call , $0.04 at most" in text_of(page)
    calls = reverse("admin:billing_call_changelist")
    assert "gen-late" in body(admin_client.get(links_of(page, calls)[0]))
    assert "Pending 1 at most $0.04" in text_of(admin_client.get(REVIEW))
    assert "No bill is due" in text_of(admin_client.get(f"{REVIEW}?settlement=pending&user=grace"))


@pytest.mark.parametrize(
    "query",
    [
        *("since=nonsense", "since=0001-01-01&until=9999-12-31", "until=2020-01-01"),
        *("since=2026-05-01&until=2026-04-01", "user=nobody", "user=%00", "group=99", "group=x"),
        *("model=no/such", "purpose=no", "settlement=no", "user=user-9999999999999999999"),
    ],
)
def test_a_mangled_review_says_so_and_breaks_nothing(
    admin_client: Client, entries: list[UsageRecord], query: str
) -> None:
    assert admin_client.get(f"{REVIEW}?{query}").status_code == 200


def test_an_empty_ledger_has_a_review(admin_client: Client) -> None:
    assert "Nothing to show" in text_of(admin_client.get(REVIEW))
    assert admin_client.get(LEDGER).status_code == 200


@pytest.mark.parametrize("page", [REVIEW, LEDGER, EXPORT])
def test_the_books_are_for_administrators(client: Client, person: User, page: str) -> None:
    client.force_login(person)
    assert client.get(page).status_code == 302
    person.is_staff = True
    person.save()
    assert client.get(page).status_code == 403


@pytest.mark.parametrize("page", [REVIEW, LEDGER, f"{REVIEW}?settlement=pending", OWN])
def test_the_pages_hold_nothing_that_our_content_policy_refuses(
    admin_client: Client, entries: list[UsageRecord], page: str
) -> None:
    assert not INLINE.search(body(admin_client.get(page)))


def test_the_ledger_is_narrowed_by_what_has_an_index_only(
    admin_client: Client, entries: list[UsageRecord]
) -> None:
    assert total_in(admin_client, f"{LEDGER}?q=ada") == "$0.1200000000000000000001 in 2"
    assert total_in(admin_client, f"{LEDGER}?q=ada&provider=xAI") == "$0.02 in 1"
    assert admin_client.get(f"{LEDGER}?cost_usd__gte=1").status_code == 400
    today = timezone.now().astimezone(dt.UTC).date()
    assert f"?day={today}" in body(admin_client.get(LEDGER))


def test_the_dearest_come_first_when_asked_for(
    admin_client: Client, entries: list[UsageRecord]
) -> None:
    listed = admin_client.get(f"{LEDGER}?o=-2").context["cl"].result_list
    assert [entry.cost_usd for entry in listed] == [Decimal(ODD), Decimal("0.02"), Decimal("0.003")]


# --- Reading the rollup ---


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-01-01", "2026-06-30"), ("2026-01-02", "2026-06-29"), ("2026-01-31", "2026-05-01"),
        ("2026-02-10", "2026-02-10"), ("2026-02-10", "2026-04-12"), ("2026-02-10", "2026-04-13"),
        ("2025-12-31", "2026-03-15"), ("2026-04-01", "2026-03-01"),
    ],
)  # fmt: skip
def test_any_stretch_is_read_as_months_and_days_and_each_day_once(
    person: User, since: str, until: str
) -> None:
    first = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    rows = [
        UsageRollup(
            id=f"{number:032x}",
            span=span,
            starts_on=day if span == "day" else day.replace(day=1),
            user_ref=ref,
            served_model="m" if span == "day" else f"m{number}",
            provider="p",
            purpose="reply",
            standing="exact",
            kind="original",
            entries=1,
            cost_usd=Decimal(1),
        )
        for number, (span, day, ref) in enumerate(
            (span, (first + dt.timedelta(days=place)).date(), ref)
            for span in ("day", "month")
            for place in range(181)
            for ref in ("", "user-1")
        )
    ]
    UsageRollup.objects.bulk_create(rows)
    begin, end = dt.date.fromisoformat(since), dt.date.fromisoformat(until)
    days = [first.date() + dt.timedelta(days=place) for place in range(181)]
    expected = sum(begin <= day <= end for day in days)
    choice = Choice(begin, end)
    assert total_of(choice).cost_usd == expected
    usage = usage_of(choice)
    assert usage.total.entries == expected
    assert set(usage.by_step) <= set(choice.steps())
    assert sum(used.cost_usd for used in by_user(choice).values()) == expected


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-11", ("2026-11-01", "2026-11-30")), ("2026-12", ("2026-12-01", "2026-12-31")),
        ("2026-02-03", ("2026-02-03", "2026-02-03")),
        ("2026-02-03..2026-03-01", ("2026-02-03", "2026-03-01")),
    ],
)  # fmt: skip
def test_days_in_an_address(text: str, days: tuple[str, str]) -> None:
    found = days_of(text)
    assert found
    assert tuple(map(str, found)) == days


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "x..y", "2026-02-30", "9999-12"])
def test_what_is_no_day_is_none_or_in_bounds(text: str) -> None:
    found = days_of(text)
    assert found is None or found[1] <= dt.date(9998, 12, 31)


# --- CSV ---


def exported(client: Client, query: str = "") -> list[list[str]]:
    response: Any = client.get(f"{EXPORT}?{query}")
    assert response.status_code == 200
    assert response.streaming
    assert "attachment" in response["Content-Disposition"]

    async def read() -> str:
        return b"".join([part async for part in response.streaming_content]).decode()

    return list(csv.reader(StringIO(async_to_sync(read)())))


def test_the_file_holds_what_is_filtered_to_the_last_digit(
    admin_client: Client, entries: list[UsageRecord]
) -> None:
    heading, *rows = exported(admin_client, "user_ref=" + entries[0].user_ref)
    assert len(rows) == 2
    latest = dict(zip(heading, rows[0], strict=True))
    oldest = dict(zip(heading, rows[1], strict=True))
    assert (oldest["cost usd"], oldest["user"], latest["provider"]) == (ODD, "ada", "xAI")
    assert latest["prompt tokens"] == "", "unknown is not zero"


def test_the_file_is_written_in_pieces_that_miss_and_repeat_nothing(
    admin_client: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.usage_export.PIECE", 3)
    same = timezone.now()
    call = running_call(person)
    for number in range(10):
        UsageRecord.objects.create(
            call=call if number == 0 else running_call(person), user_ref=call.user_ref,
            purpose="reply", requested_model=f"m{number}", cost_usd=Decimal(number),
            created_at=same if number < 7 else same - dt.timedelta(hours=number),
        )  # fmt: skip
    rows = exported(admin_client)[1:]
    assert [row[4] for row in rows] == [f"m{n}" for n in (6, 5, 4, 3, 2, 1, 0, 7, 8, 9)]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1"])
def test_no_cell_is_a_formula(admin_client: Client, db: None, text: str) -> None:
    villain = User.objects.create_user(text)
    entry_of(villain, "1", served_model=text)
    row = exported(admin_client)[1]
    assert row[1] == f"'{text}"
    assert harmless(text) == f"'{text}"


def test_a_negative_amount_stays_a_number(person: User) -> None:
    entry = entry_of(person, "5")
    UsageRecord.objects.create(
        call=entry.call, kind="correction", corrects=entry, user_ref=entry.user_ref,
        purpose="reply", requested_model="m", cost_usd=Decimal("-1.5"),
    )  # fmt: skip

    async def read() -> str:
        return "".join([part async for part in csv_of(UsageRecord.objects.all())])

    assert ",-1.5," in async_to_sync(read)()


# --- A person's own page ---


def test_a_person_sees_their_own_and_nobody_elses(
    client: Client, entries: list[UsageRecord], other: User
) -> None:
    assert client.get(OWN).status_code == 302
    client.force_login(other)
    text = text_of(client.get(OWN))
    assert "Spent $0.003 Answers 1" in text
    assert "gpt-5" in text
    assert "grok" not in text
    assert "ada" not in text


def test_where_money_is_hidden_tokens_are_told(
    client: Client, entries: list[UsageRecord], person: User, settings: Any
) -> None:
    settings.SHOW_MONEY = False
    Budget.objects.create(user=person, per_month_usd=Decimal(1))
    client.force_login(person)
    text = text_of(client.get(OWN))
    assert "$" not in text
    assert "1,000 in , 10 out" in text
    assert "12 % of this month is used." in text


def test_what_is_left_of_a_budget_is_told(
    client: Client, entries: list[UsageRecord], person: User
) -> None:
    Budget.objects.create(user=person, per_month_usd=Decimal(1))
    client.force_login(person)
    assert "12 % is spent. Your budget for this month has $0.88 of $1.00 left." in text_of(
        client.get(OWN)
    )


@pytest.mark.parametrize("month", ["2026-03", "nonsense", "9999-99", "0000-01", "2026-03-01", ""])
def test_any_month_may_be_asked_for(client: Client, person: User, month: str) -> None:
    UsageRecord.objects.create(
        call=running_call(person), user_ref=f"user-{person.pk}", purpose="reply",
        requested_model="m", cost_usd=Decimal(7), created_at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
    )  # fmt: skip
    client.force_login(person)
    text = text_of(client.get(f"{OWN}?month={month}"))
    assert ("Spent $7.00" in text) == (month == "2026-03")
    assert "March 2026" in text
