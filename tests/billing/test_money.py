"""Money is exact: what goes into a column comes out, and sums are the sums of Python's Decimal."""

from __future__ import annotations

import itertools
import json
from decimal import Context, Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection, models, transaction
from django.db.models import F, Max, Min, Sum
from django.template import Context as TemplateContext
from django.template import Template
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import User
from billing.models import Call
from billing.money import (
    MAX_DECIMALS,
    UsdField,
    UsdTotal,
    compare,
    format_usd,
    is_amount,
    usd_text,
)
from tests.billing.books import a_call, entry_of

amounts = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places, Context(prec=100)),
    st.integers(min_value=-(10**30), max_value=10**30),
    st.integers(min_value=16, max_value=MAX_DECIMALS),
)
in_the_database = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


examples = itertools.count()


def stored(*several: Decimal | None) -> models.QuerySet[Call]:
    """Calls that hold these amounts, apart from those of every other example."""
    example = f"example-{next(examples)}"
    for amount in several:
        Call.objects.create(
            conversation_ref=example,
            user_ref="user-1",
            purpose="reply",
            requested_model="m",
            upstream_cost_usd=amount,
        )
    return Call.objects.filter(conversation_ref=example)


@pytest.mark.django_db
@in_the_database
@given(amount=amounts)
@example(Decimal("0.0000123456789012345678"))
@example(Decimal("6E-8"))
@example(Decimal("-0.00"))
@example(Decimal("999999999999999.000000000000000000000000000000000000000000000000000000000001"))
def test_an_amount_comes_back_as_it_went_in(amount: Decimal) -> None:
    assert stored(amount).get().upstream_cost_usd == amount


@pytest.mark.django_db
@in_the_database
@given(st.lists(amounts, max_size=30))
def test_a_total_is_the_sum_to_the_last_digit(several: list[Decimal]) -> None:
    expected = Decimal(0)
    for amount in several:
        expected = Context(prec=200).add(expected, amount)
    assert stored(*several).aggregate(total=UsdTotal("upstream_cost_usd"))["total"] == expected


@pytest.mark.django_db
@in_the_database
@given(st.lists(amounts, min_size=1, max_size=12))
def test_the_database_orders_amounts_and_not_letters(several: list[Decimal]) -> None:
    calls = stored(*several)
    column = calls.order_by("upstream_cost_usd").values_list("upstream_cost_usd", flat=True)
    assert list(column) == sorted(several)
    ends = calls.aggregate(low=Min("upstream_cost_usd"), high=Max("upstream_cost_usd"))
    assert ends == {"low": min(several), "high": max(several)}
    pivot = several[0]
    assert column.filter(upstream_cost_usd__gt=pivot).count() == sum(a > pivot for a in several)
    assert column.filter(upstream_cost_usd__lte=pivot).count() == sum(a <= pivot for a in several)
    assert column.filter(upstream_cost_usd=pivot).count() == several.count(pivot)
    assert column.filter(upstream_cost_usd__in=[pivot]).count() == several.count(pivot)


@pytest.mark.django_db
def test_unknown_is_not_zero() -> None:
    calls = stored(None)
    assert calls.get().upstream_cost_usd is None
    assert not calls.filter(upstream_cost_usd=0).exists()
    assert calls.filter(upstream_cost_usd=None).exists()
    assert calls.aggregate(total=UsdTotal("upstream_cost_usd"))["total"] == 0


@pytest.mark.django_db
def test_equal_amounts_are_equal_however_they_are_written() -> None:
    stored(Decimal("0.10"))
    assert Call.objects.filter(upstream_cost_usd=Decimal("1E-1")).exists()
    assert Call.objects.filter(upstream_cost_usd="0.1000").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "amount",
    ["NaN", "sNaN", "Infinity", "-Infinity", "1E+15", "-1E+15", "1E-61", "1E+999999", "1E-999999"],
)
def test_what_is_no_amount_is_not_stored(amount: str) -> None:
    assert not is_amount(Decimal(amount))
    with pytest.raises(ValidationError):
        stored(Decimal(amount))


@pytest.mark.django_db
@pytest.mark.parametrize("amount", ["a lot", [], {}, "0x10"])
def test_what_is_no_number_is_not_stored(amount: Any) -> None:
    with pytest.raises(ValidationError):
        stored(amount)


@pytest.mark.django_db
def test_a_float_is_never_money() -> None:
    with pytest.raises(TypeError, match="never a float"):
        stored(0.1)  # type: ignore[arg-type]


def test_an_amount_below_zero_is_refused_where_it_makes_no_sense(person: User) -> None:
    with pytest.raises(ValidationError):
        a_call(person, reserved_usd=Decimal("-0.01"))


@pytest.mark.django_db
def test_what_passed_through_a_float_is_refused_and_never_a_little_wrong() -> None:
    calls = stored(Decimal("0.1"), Decimal("0.2"))
    twice = models.ExpressionWrapper(
        F("upstream_cost_usd") + F("upstream_cost_usd"), output_field=UsdField()
    )
    if connection.vendor == "sqlite":
        with pytest.raises(TypeError, match="UsdTotal"):
            calls.aggregate(total=Sum("upstream_cost_usd"))
        with pytest.raises(TypeError, match="UsdTotal"):
            list(calls.annotate(twice=twice))
    else:
        assert calls.aggregate(total=Sum("upstream_cost_usd"))["total"] == Decimal("0.3")
        assert [call.twice for call in calls.annotate(twice=twice).order_by("pk")] == [
            Decimal("0.2"),
            Decimal("0.4"),
        ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "amount", ["NaN", "Infinity", "-Infinity", "1000000000000001", "-1E+16", "", "lots"]
)
def test_the_database_refuses_what_is_no_amount_by_itself(amount: str) -> None:
    stored(Decimal(1))
    with (
        pytest.raises((IntegrityError, DataError)),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE billing_call SET upstream_cost_usd = %s", [amount])


def test_totals_are_grouped_exactly(person: User) -> None:
    entry_of(person, "0.1000000000000000000001", served_model="a")
    entry_of(person, "0.2", served_model="a")
    entry_of(person, "1000", served_model="b")
    by_model = type(entry_of(person, "0", served_model="c")).objects.by_model()
    assert by_model == {
        "b": Decimal(1000),
        "a": Decimal("0.3000000000000000000001"),
        "c": Decimal(0),
    }
    assert list(by_model) == ["b", "a", "c"]


def test_the_field_survives_a_migration_and_a_form() -> None:
    _, path, _, kwargs = UsdField(null=True, non_negative=True).deconstruct()
    assert (path, kwargs) == ("billing.money.UsdField", {"null": True, "non_negative": True})
    form_field = UsdField(non_negative=True).formfield()
    assert form_field.clean("0.0000123456789012345678") == Decimal("0.0000123456789012345678")
    with pytest.raises(ValidationError):
        form_field.clean("-1")
    with pytest.raises(ValidationError):
        form_field.clean("NaN")


def test_an_amount_is_dumped_to_the_last_digit() -> None:
    call = Call(upstream_cost_usd=Decimal("6E-19"))
    field = Call._meta.get_field("upstream_cost_usd")
    assert json.dumps(field.value_to_string(call)) == '"0.0000000000000000006"'
    assert field.value_to_string(Call()) == ""


@given(amounts, amounts)
def test_sqlite_compares_as_decimal_does(one: Decimal, other: Decimal) -> None:
    assert compare(usd_text(one), usd_text(other)) == (one > other) - (one < other)


@given(amounts)
def test_the_text_of_an_amount_is_all_of_it(amount: Decimal) -> None:
    text = usd_text(amount)
    assert Decimal(text) == amount
    assert "E" not in text
    assert text != "-0"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0"),
        ("0E-19", "$0"),
        ("0.000412", "$0.000412"),
        ("1.2391", "$1.24"),
        ("1", "$1.00"),
        ("0.5", "$0.50"),
        ("0.1234", "$0.123"),
        ("0.0125", "$0.0125"),
        ("0.01", "$0.01"),
        ("0.9996", "$1.00"),
        ("0.00009996", "$0.0001"),
        ("6E-8", "$0.00000006"),
        ("0.0000123456789012345678", "$0.0000123"),
        ("1234567.891", "$1,234,567.89"),
        ("-0.000412", "-$0.000412"),
        ("999999999999999.994999999999999999999999", "$999,999,999,999,999.99"),
    ],
)
def test_people_read_enough_digits_to_be_true(amount: str, shown: str) -> None:
    assert format_usd(Decimal(amount)) == shown


@given(amounts)
def test_what_is_shown_is_never_a_percent_off_nor_nothing(amount: Decimal) -> None:
    shown = Decimal(format_usd(amount).replace("$", "").replace(",", ""))
    assert abs(shown - amount) <= abs(amount) / 100
    assert bool(shown) == bool(amount)


def test_the_filters_leave_the_words_for_the_unknown_to_the_page() -> None:
    template = Template('{% load money %}{{ a|usd|default:"pending" }} {{ a|usd_exact }}')
    assert template.render(TemplateContext({"a": None})) == "pending "
    assert template.render(TemplateContext({"a": Decimal("-1.50")})) == "-$1.50 -$1.5"
