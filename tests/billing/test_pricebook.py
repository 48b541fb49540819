"""The price book: what changed is told, what was in force is found, and no bad price is a price."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from billing.budgets import Allowance, AllowanceSpent, Limit, Line, hold
from billing.limits import Period
from billing.models import Call, UsageRecord
from billing.pricebook import store_prices
from billing.pricebook_models import Listing, PriceEntry
from billing.pricebook_prices import Tokens, cost_usd, price_list
from billing.pricebook_reprice import NO_PRICE, NO_TOKENS, NOT_IN_BOOK, reprice
from billing.services import correct_entry
from openrouter.results import ModelInfo, PriceOverride, Pricing
from tests.billing.books import a_call, ended

pytestmark = pytest.mark.django_db
TABLE = PriceEntry._meta.db_table
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
NO_PRICES = ["-1", "-0.000001", "NaN", "Infinity", "-Infinity", None, "cheap", "1e999999"]


def usd(text: str) -> Decimal:
    return Decimal(text)


def model(slug: str, prompt: str = "0.000001", completion: str = "0.000004", **facts: Any) -> Any:
    pricing = facts.pop("pricing", Pricing(prompt_usd=usd(prompt), completion_usd=usd(completion)))
    return ModelInfo(id=slug, pricing=pricing, **facts)


def sync(*infos: ModelInfo, now: dt.datetime | None = None) -> list[str]:
    return store_prices(infos, now=now or timezone.now())


def news(*infos: ModelInfo) -> list[str]:
    """What a sync says beside its last line, which counts."""
    return sync(*infos)[:-1]


def at(days: int) -> dt.datetime:
    return timezone.now() + dt.timedelta(days=days)


def booked(person: User, requested: str, served: str, **fields: Any) -> UsageRecord:
    facts: dict[str, Any] = {"prompt_tokens": 1000, "completion_tokens": 100, **fields}
    call = a_call(person, requested_model=requested, starts_now=True)
    entry = ended(call, cost_usd=usd("0.01"), served_model=served, **facts)
    assert entry is not None
    return entry


# --- The diff ---


def test_only_what_changed_gets_an_entry() -> None:
    assert sync(model("a/one"), model("a/two")) == ["The price book begins with 2 models."]
    assert sync(model("a/one"), model("a/two")) == [
        "Price book: 0 new, 0 back, 0 vanished, 0 expired, 0 dearer, 0 cheaper, "
        "0 changed otherwise, 2 as before."
    ]
    assert PriceEntry.objects.count() == 2
    sync(model("a/one"), model("a/two", prompt="0.000002"))
    assert [entry.model for entry in PriceEntry.objects.all()] == ["a/two", "a/two", "a/one"]


def test_the_diff_names_each_change_with_old_and_new() -> None:
    sync(model("a/goes"), model("a/rises"), model("a/falls"), model("a/ends"))
    assert news(
        model("a/comes", prompt="0", completion="0"),
        model("a/rises", prompt="0.0000025"),
        model("a/falls", completion="0.000001"),
        model("a/ends", expiration_date="2020-01-01"),
    ) == [
        "new: a/comes, prompt $0 per million tokens, completion $0 per million tokens",
        "vanished: a/goes",
        "expired: a/ends, on 2020-01-01",
        "dearer: a/rises: prompt $1 per million tokens → $2.5 per million tokens",
        "cheaper: a/falls: completion $4 per million tokens → $1 per million tokens",
    ]
    assert not news(
        model("a/comes", prompt="0", completion="0"),
        model("a/rises", prompt="0.0000025"),
        model("a/falls", completion="0.000001"),
        model("a/ends", expiration_date="2020-01-01"),
    ), "what was told once is not told again"


def test_what_vanished_keeps_its_prices_and_may_come_back() -> None:
    sync(model("a/stays"), model("a/goes", prompt="0.000007"))
    sync(model("a/stays"))
    gone = PriceEntry.objects.filter(model="a/goes")[0]
    assert (gone.listing, gone.prices["prompt"]) == (Listing.VANISHED, "0.000007")
    assert news(model("a/stays"), model("a/goes", prompt="0.000007")) == [
        "back: a/goes, prompt $7 per million tokens, completion $4 per million tokens"
    ]


def test_a_price_that_begins_to_depend_is_neither_dearer_nor_cheaper() -> None:
    sync(model("a/one"))
    assert news(model("a/one", pricing=Pricing(completion_usd=usd("0.000004")))) == [
        "price changed: a/one: prompt $1 per million tokens → no price"
    ]


def test_a_last_day_far_away_is_none_and_an_alias_tells_where_it_points_now() -> None:
    alias = model("~a/one-latest", alias_target={"slug": "a/one-1"}, expiration_date="2098-12-31")
    sync(alias)
    entry = PriceEntry.objects.get()
    assert (entry.expires_on, entry.alias_target) == (None, "a/one-1")
    assert news(model("~a/one-latest", alias_target={"slug": "a/one-2"})) == [
        "~a/one-latest: stands for a/one-1 → a/one-2"
    ]


def test_a_price_keeps_every_digit() -> None:
    sync(model("a/one", prompt="6.0712345678901234567e-8"))
    assert PriceEntry.objects.get().prices["prompt"] == "0.000000060712345678901234567"


def test_the_book_is_only_added_to() -> None:
    sync(model("a/one"))
    entry = PriceEntry.objects.get()
    for change in (entry.save, PriceEntry.objects.all().delete, PriceEntry.objects.update):
        with pytest.raises(NotImplementedError):
            change()
    for statement in (
        f"UPDATE {TABLE} SET model = 'x'",
        "DELETE FROM billing_priceentry",
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)


# --- What a list means ---

TOKENS = Tokens(prompt=1000, completion=100)


def listed(**prices: Any) -> dict[str, Any]:
    return price_list(Pricing(**prices))


def test_tokens_cost_what_the_list_says() -> None:
    prices = listed(
        prompt_usd=usd("0.000003"),
        completion_usd=usd("0.000015"),
        request_usd=usd("0.01"),
        input_cache_read_usd=usd("0.0000003"),
        input_cache_write_usd=usd("0.00000375"),
        internal_reasoning_usd=usd("0.00002"),
    )
    tokens = Tokens(prompt=1000, completion=100, reasoning=40, cached=600, cache_written=300)
    expected = (
        100 * usd("0.000003")
        + 600 * usd("0.0000003")
        + 300 * usd("0.00000375")
        + 60 * usd("0.000015")
        + 40 * usd("0.00002")
        + usd("0.01")
    )
    assert cost_usd(prices, tokens, NOON) == expected


def test_cached_and_written_tokens_that_overlap_count_no_token_twice() -> None:
    prices = listed(prompt_usd=usd("1"), completion_usd=usd("1"), input_cache_read_usd=usd("1"))
    overlap = Tokens(prompt=2170, completion=0, cached=2161, cache_written=2161)
    assert cost_usd(prices, overlap, NOON) == 2170


@pytest.mark.parametrize(("tokens", "price"), [(200_000, "0.000003"), (200_001, "0.000006")])
def test_a_long_prompt_costs_its_tier_strictly_above_it(tokens: int, price: str) -> None:
    tier = PriceOverride(min_prompt_tokens=200_000, prompt_usd=usd("0.000006"))
    prices = listed(prompt_usd=usd("0.000003"), completion_usd=usd("0"), overrides=(tier,))
    assert cost_usd(prices, Tokens(tokens, 0), NOON) == tokens * usd(price)


@pytest.mark.parametrize(
    ("window", "clock", "is_cheap"),
    [
        ((1030, 1200), "10:29", False),
        ((1030, 1200), "10:30", True),
        ((1030, 1200), "12:00", False),
        ((2200, 600), "23:00", True),
        ((2200, 600), "05:59", True),
        ((2200, 600), "06:00", False),
    ],
)
def test_a_price_of_some_hours_holds_in_them(
    window: tuple[int, int], clock: str, is_cheap: bool
) -> None:
    override = PriceOverride(utc_start=window[0], utc_end=window[1], prompt_usd=usd("0.5"))
    prices = listed(prompt_usd=usd("1"), completion_usd=usd("0"), overrides=(override,))
    moment = dt.datetime.fromisoformat(f"2026-11-20T{clock}+00:00")
    assert cost_usd(prices, Tokens(10, 0), moment) == (5 if is_cheap else 10)


# --- T15: what is no price credits nobody and frees nobody ---


@pytest.mark.parametrize("price", NO_PRICES)
@pytest.mark.parametrize("name", ["prompt", "completion"])
def test_what_is_no_price_gives_no_cost(name: str, price: str | None) -> None:
    """As it is published, and as somebody may have written it into the database."""
    stored = {"prompt": "0.000001", "completion": "0.000001", name: price}
    assert cost_usd(stored, TOKENS, NOON) is None
    try:
        published = None if price is None else Decimal(price)
    except ArithmeticError:
        return
    told: Any = {"prompt_usd": usd("1"), "completion_usd": usd("1"), f"{name}_usd": published}
    assert cost_usd(listed(**told), TOKENS, NOON) is None


@pytest.mark.parametrize("price", [price for price in NO_PRICES if price])
@pytest.mark.parametrize("name", ["request", "input_cache_read", "internal_reasoning"])
def test_what_is_no_price_of_a_part_never_lowers_the_whole(name: str, price: str) -> None:
    stored = {"prompt": "0.000001", "completion": "0.000001"}
    tokens = Tokens(1000, 100, reasoning=50, cached=500)
    assert cost_usd(stored | {name: price}, tokens, NOON) == cost_usd(stored, tokens, NOON)
    override = stored | {"overrides": [{"prompt": price}]}
    assert cost_usd(override, tokens, NOON) in (None, cost_usd(stored, tokens, NOON))


@pytest.mark.parametrize("price", [price for price in NO_PRICES if price and price != "cheap"])
def test_a_model_without_a_price_is_not_free_by_its_name(person: User, price: str) -> None:
    sync(model("a/one:free", prompt=price), now=at(-1))
    told = reprice(booked(person, "a/one:free", "a/one:free"))
    assert (told.book_usd, told.remark, told.booked_usd) == (None, NO_PRICE, usd("0.01"))


def test_a_budget_of_nothing_pays_for_no_unknown_price(person: User) -> None:
    limit = Limit("user-1", "Your", Period.DAY, usd=Decimal(0))
    empty = Allowance([Line(limit, 0, Decimal(0), Decimal(0), 0, NOON)])
    with pytest.raises(AllowanceSpent):
        hold(a_call(person, reserved_usd=None), empty)


# --- Which entry was in force ---


def test_an_entry_points_to_the_prices_of_its_day(person: User) -> None:
    sync(model("a/one", prompt="0.000001"), now=at(-2))
    sync(model("a/one", prompt="0.000002"), now=at(-1))
    sync(model("a/one", prompt="0.000009"), now=at(+1))
    entry = booked(person, "a/one", "a/one")
    assert entry.price_entry is not None
    assert entry.price_entry.prices["prompt"] == "0.000002"


@pytest.mark.parametrize(
    ("requested", "served", "found"),
    [
        ("a/one", "a/one", "a/one"),
        ("a/one", "a/one-20260501", "a/one"),
        ("a/one:free", "a/one", "a/one:free"),
        ("a/one:free", "a/one-20260501", "a/one:free"),
        ("openrouter/auto", "a/one-20260501", "a/one"),
        ("b/two", "a/one", "a/one"),
        ("~a/one-latest", "a/one", "~a/one-latest"),
        ("b/two", "x/unheard-of", None),
    ],
)
def test_the_entry_is_that_of_the_model_and_variant_that_served(
    person: User, requested: str, served: str, found: str | None
) -> None:
    dated = {"canonical_slug": "a/one-20260501"}
    sync(
        model("a/one", **dated),
        model("a/one:free", "0", "0", **dated),
        model("a/one:batch", **dated),
        model("~a/one-latest", alias_target={"slug": "a/one"}),
        model("b/two"),
        model("openrouter/auto", "-1", "-1"),
        now=at(-1),
    )
    entry = booked(person, requested, served)
    assert (entry.price_entry.model if entry.price_entry else None) == found


# --- Pricing once more ---


def test_an_old_message_is_priced_with_the_book_of_its_day_beside_what_was_booked(
    person: User,
) -> None:
    sync(model("a/one", prompt="0.000001", completion="0.000004"), now=at(-1))
    entry = booked(person, "a/one", "a/one")
    sync(model("a/one", prompt="0.5"))
    told = reprice(entry)
    assert told.book_usd == usd("0.0014")
    assert told.booked_usd == usd("0.01")
    assert told.difference_usd == usd("0.0086")
    assert UsageRecord.objects.get().cost_usd == usd("0.01"), "nothing is written over"


def test_corrections_are_part_of_what_was_booked(person: User) -> None:
    sync(model("a/one"), now=at(-1))
    entry = booked(person, "a/one", "a/one")
    correction = correct_entry(entry=entry, cost_usd=usd("0.0014"))
    assert correction is not None
    assert correction.price_entry_id == entry.price_entry_id
    told = reprice(correction)
    assert (told.booked_usd, told.difference_usd) == (usd("0.0014"), usd("0"))


def test_an_own_key_is_compared_with_what_it_paid(person: User) -> None:
    sync(model("a/one"), now=at(-1))
    entry = booked(person, "a/one", "a/one", is_byok=True, upstream_cost_usd=usd("0.0014"))
    assert reprice(entry).difference_usd == 0


@pytest.mark.parametrize(
    ("infos", "fields", "remark"),
    [
        ([], {}, NOT_IN_BOOK),
        ([model("a/one")], {"prompt_tokens": None}, NO_TOKENS),
        ([model("a/one", "-1", "-1")], {}, NO_PRICE),
    ],
)
def test_what_cannot_be_priced_says_why(
    person: User, infos: list[ModelInfo], fields: dict[str, Any], remark: str
) -> None:
    sync(*infos, now=at(-1))
    told = reprice(booked(person, "a/one", "a/one", **fields))
    assert (told.book_usd, told.remark) == (None, remark)


def test_the_command_prints_both_and_changes_nothing(
    person: User, capsys: pytest.CaptureFixture[str]
) -> None:
    sync(model("a/one"), now=at(-1))
    booked(person, "a/one", "a/one")
    booked(person, "b/two", "b/two")
    before = list(UsageRecord.objects.values())
    call_command("reprice", "--since", f"{at(-1):%Y-%m-%d}")
    lines = capsys.readouterr().out.splitlines()
    assert "booked $0.01  by the book $0.0014  difference $0.0086" in lines[0]
    assert NOT_IN_BOOK in lines[1]
    assert lines[2].startswith("a/one: 1 messages, booked $0.01, by the book $0.0014")
    assert "1 without a price are not compared" in lines[3]
    assert list(UsageRecord.objects.values()) == before


def test_the_command_refuses_what_is_no_day() -> None:
    with pytest.raises(CommandError, match="is no day"):
        call_command("reprice", "--since", "yesterday")


def test_a_call_without_the_book_is_booked_all_the_same(person: User) -> None:
    assert booked(person, "a/one", "a/one").price_entry is None
    assert Call.objects.get().state == "settled"
