"""{% load money %}: {{ amount|usd }} for a person, {{ amount|usd_exact }} to the last digit."""

from decimal import Decimal

from django import template

from billing.money import format_usd, usd_text

register = template.Library()


@register.filter
def usd(amount: Decimal | None) -> str:
    """$0.000412; "" for what is unknown, so that |default says why."""
    return format_usd(amount)


@register.filter
def usd_exact(amount: Decimal | None) -> str:
    """Every digit of the amount; "" for what is unknown."""
    return "" if amount is None else f"${usd_text(amount)}".replace("$-", "-$")
