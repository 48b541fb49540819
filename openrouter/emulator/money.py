"""Money as text on the wire: exact, and written as JavaScript writes a number."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec


def number_text(value: Decimal) -> str:
    """`0.00006`, `6e-8`, `0`: plain down to 1e-6, below that with an exponent, no zero too many.

    This is how the real service writes `usage.cost` (ECMAScript's Number::toString), but with
    every digit of the decimal, where the real one has passed a binary float.
    """
    if not value:
        return "0"
    if abs(value) >= Decimal("1e-6"):
        plain = format(value, "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    sign, digits, exponent = value.normalize().as_tuple()
    mantissa = "".join(map(str, digits))
    power = int(exponent) + len(mantissa) - 1
    fraction = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{fraction}e{power}"


def encode(value: object) -> bytes:
    """JSON as the real service writes it: no spaces, UTF-8 unescaped, Decimal as exact numbers."""
    return msgspec.json.encode(_exact(value))


def _exact(value: object) -> Any:
    if isinstance(value, Decimal):
        return msgspec.Raw(number_text(value).encode())
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    return value
