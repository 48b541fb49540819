"""Amounts as they come over the wire → Decimal USD, or None where nothing is known.

Source: OpenRouter API reference: prices are decimal strings in USD per token, request, image or
search, "-1" on router models; `usage.cost` is a JSON number, often with an exponent.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

# 10**10 USD for a token or an answer is a fault, and an exponent of 10**9 would fill the memory
_LARGEST_EXPONENT: Final = 9


def known_usd(amount: Decimal | None) -> Decimal | None:
    """The amount, or None if it is no amount of money: absent, negative, NaN or absurd.

    A price of -1 means "depends on the model chosen": unknown, never a number to reckon with.
    """
    if amount is None or not amount.is_finite() or amount.adjusted() > _LARGEST_EXPONENT:
        return None
    return None if amount < 0 else amount


def parse_usd(value: object) -> Decimal | None:
    """A price or cost as the wire has it (text, int or Decimal) as USD; None for what is unknown.

    A float is refused with TypeError: its text is already lost.
    """
    if isinstance(value, float):
        raise TypeError("money never passes a float")
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        return None
    try:
        return known_usd(Decimal(value))
    except InvalidOperation:
        return None
