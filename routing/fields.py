"""A price in the database, digit for digit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models

from routing.prices import as_text, price_or_none

if TYPE_CHECKING:
    _Text = models.CharField[Decimal | str | None, Decimal | None]
else:
    _Text = models.CharField


class PriceField(_Text):
    """USD per unit as text: a Decimal in Python, digits in the database, NULL for unknown.

    Text, because a DecimalField passes through a float on SQLite, and a price per token has
    more digits than one keeps. To sort by it, cast it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("null", True)
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)

    @property
    def validators(self) -> list[Any]:
        """None: a Decimal has no length for CharField's own to check; `price_or_none` does."""
        return []

    def from_db_value(self, value: str | None, *_: object) -> Decimal | None:
        return price_or_none(value)

    def to_python(self, value: object) -> Decimal | None:
        return price_or_none(value)

    def get_prep_value(self, value: object) -> str | None:
        return as_text(price_or_none(value))
