"""Money in US dollars, exact on every database.

Django's own DecimalField passes through a binary float on SQLite and loses digits after the
15th, while OpenRouter's costs come with 19 decimals and more. So a `UsdField` is `numeric` on
PostgreSQL and text on SQLite, and `UsdTotal` adds without rounding on both.

On SQLite the column has a collation of ours. So filters, order, MIN and MAX, indexes and
constraints compare amounts and not letters, as `numeric` does. The collation and the sum live
in each connection that Django opens; other tools read the column, but cannot compare it.
Django's `Sum`, `Avg` and `F() + F()` would pass through a float there: such a result is
refused when it is read, in place of being a little wrong.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

if TYPE_CHECKING:
    import sqlite3

    from django.db.backends.base.base import BaseDatabaseWrapper

    Field = models.Field[Decimal | str | int | None, Decimal | None]
else:
    Field = models.Field

COLLATION = "usd"
SUM = "usd_sum"
MAX_USD = Decimal(10**15)  # an amount this large is a fault of somebody's, not a price
MAX_DECIMALS = 60
SQLITE_CHECK = (
    """"{column}" GLOB '*[0-9]' AND "{column}" NOT GLOB '*[^-0-9.]*'"""
    """ AND abs(CAST("{column}" AS REAL)) <= {most:f}"""
)
EXACT = Context(prec=120)  # 15 digits before the point, 60 after, and room for any number of rows


def is_amount(value: Decimal) -> bool:
    """Whether `value` can be booked: finite, under MAX_USD, at most MAX_DECIMALS decimals."""
    if not value.is_finite():
        return False
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -MAX_DECIMALS and value.copy_abs() < MAX_USD


def usd_text(amount: Decimal) -> str:
    """All digits of an amount, without exponent and without zeros at the end: 6E-8 → 0.00000006."""
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def format_usd(amount: Decimal | None) -> str:
    """An amount as a person reads it: cents from one dollar on, below it three digits that count.

    0 → $0, 1.2391 → $1.24, 0.000412 → $0.000412. What is unknown gives "", so that the caller
    says why: {{ cost|usd|default:"pending" }}.
    """
    if amount is None:
        return ""
    if not amount:
        return "$0"
    sign, size = ("-" if amount < 0 else ""), amount.copy_abs()
    decimals = max(2, 2 - size.adjusted())
    rounded = size.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, EXACT)
    whole, _, fraction = f"{rounded:,f}".partition(".")
    return f"{sign}${whole}.{fraction[:2]}{fraction[2:].rstrip('0')}"


class UsdField(Field):
    """An exact amount: Decimal in, the same Decimal out; None is unknown, 0 is free.

    Takes Decimal, str and int. A float is refused with a TypeError, because it is not the
    amount any more. NaN, infinity, and what `is_amount` refuses are a ValidationError, and so is
    an amount below 0 where `non_negative` is set.
    """

    description = "US dollars, exact"

    def __init__(self, *args: Any, non_negative: bool = False, **kwargs: Any) -> None:
        self.non_negative = non_negative
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.non_negative:
            kwargs["non_negative"] = True
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        return "UsdField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "text" if connection.vendor == "sqlite" else "numeric"

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "sqlite":
            parameters["collation"] = COLLATION
            parameters["check"] = SQLITE_CHECK.format(column=self.column, most=MAX_USD)
        else:  # PostgreSQL holds NaN and Infinity to be numbers, above all others
            parameters["check"] = f'abs("{self.column}") < {MAX_USD:f}'
        return parameters

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or value == "":
            return None
        if isinstance(value, float):
            raise TypeError(f"{self.name}: money is never a float ({value!r})")
        try:
            amount = Decimal(value)
        except (InvalidOperation, TypeError, ValueError) as error:
            raise ValidationError("This is no amount of money.", code="invalid") from error
        if not is_amount(amount):
            raise ValidationError("This amount cannot be booked.", code="invalid")
        if self.non_negative and amount < 0:
            raise ValidationError("This amount may not be negative.", code="negative")
        return amount

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def get_db_prep_value(
        self,
        value: Any,
        connection: BaseDatabaseWrapper,
        prepared: bool = False,  # noqa: FBT001, FBT002 - Django's own signature
    ) -> Any:
        amount = super().get_db_prep_value(value, connection, prepared)
        if isinstance(amount, Decimal) and connection.vendor == "sqlite":
            return usd_text(amount)
        return amount

    def from_db_value(
        self, value: str | Decimal | None, expression: object, connection: BaseDatabaseWrapper
    ) -> Decimal | None:
        if isinstance(value, float):
            raise TypeError(f"{expression} passed through a float; use UsdTotal")
        return None if value is None else Decimal(value)

    def value_to_string(self, obj: models.Model) -> str:
        amount = self.value_from_object(obj)
        return "" if amount is None else usd_text(amount)

    def formfield(self, **kwargs: Any) -> Any:
        smallest = {"min_value": 0} if self.non_negative else {}
        return super().formfield(**{"form_class": forms.DecimalField, **smallest, **kwargs})


class UsdTotal(models.Aggregate):
    """The exact sum of an expression of US dollars; 0 where there is no row."""

    function = "SUM"
    name = "UsdTotal"

    def __init__(self, expression: Any, **extra: Any) -> None:
        extra.setdefault("default", Decimal(0))
        super().__init__(expression, output_field=UsdField(), **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function=SUM, **extra)


class ExactSum:
    """SQLite's side of UsdTotal: text in, text out, nothing rounded."""

    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, amount: str | int | None) -> None:
        if amount is not None:
            self.total = EXACT.add(self.total or Decimal(0), Decimal(amount))

    def finalize(self) -> str | None:
        return None if self.total is None else usd_text(self.total)


def compare(one: str, other: str) -> int:
    """Order two amounts, written as text: -1, 0 or 1."""
    first, second = Decimal(one), Decimal(other)
    return (first > second) - (first < second)


def teach_sqlite(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Give a new connection of Django's to SQLite the order and the sum of money."""
    if connection.vendor == "sqlite":
        teach_connection(connection.connection)


def teach_connection(raw: sqlite3.Connection) -> None:
    """The same for a connection that is not Django's.

    The pragma makes INSERT OR REPLACE fire the triggers that refuse a deletion from the ledger.
    """
    raw.create_collation(COLLATION, compare)
    raw.create_aggregate(SUM, 1, ExactSum)  # type: ignore[arg-type]
    raw.execute("PRAGMA recursive_triggers = ON")
