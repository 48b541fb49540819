"""{% load costs %}: what a turn cost."""

from __future__ import annotations

from typing import Any

from django import template

from billing.turn_costs import TurnCost, cost_of_call

register = template.Library()


@register.simple_tag
def turn_cost(message: Any) -> TurnCost:
    """{% turn_cost message as cost %}: of all calls that were made for it."""
    known = getattr(message, "turn_cost", None)
    return known if known else cost_of_call(message.call, message.usage)
