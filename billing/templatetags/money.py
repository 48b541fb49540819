"""{% load money %}: amounts for a person and to the last digit; whether they are shown at all."""

from decimal import Decimal

from django import template

from billing.money import format_usd, usd_text
from billing.visibility import money_is_shown
from billing.visibility import without_money as hide

register = template.Library()


@register.filter
def usd(amount: Decimal | None) -> str:
    """$0.000412; "" for what is unknown, so that |default says why."""
    return format_usd(amount)


@register.filter
def usd_exact(amount: Decimal | None) -> str:
    """Every digit of the amount; "" for what is unknown."""
    return "" if amount is None else f"${usd_text(amount)}".replace("$-", "-$")


@register.filter
def positive(amount: Decimal | None) -> Decimal | None:
    """The amount without its sign."""
    return None if amount is None else abs(amount)


@register.simple_tag
def show_money() -> bool:
    """{% show_money as shown %}{% if shown %}…: see SHOW_MONEY."""
    return money_is_shown()


@register.filter
def without_money(text: str | None) -> str:
    """A sentence that may name an amount, as it may be shown here."""
    return hide(text or "")
