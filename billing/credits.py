"""Keeping what OpenRouter says of the account's credits, and showing how they go.

Source: OpenRouter API reference, "Get remaining credits"; it asks for a management key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from django.utils import timezone

from billing.charts import Chart, Plot, Series, lines
from billing.credits_models import CreditsSnapshot
from billing.money import is_amount
from billing.usage_charts import usd
from openrouter.results import Credits

SHOWN: Final = dt.timedelta(days=90)
MOST_POINTS: Final = 90


class ImpossibleCredits(Exception):
    """What came are no amounts of money."""


def keep_credits(told: Credits) -> CreditsSnapshot:
    """Store one answer. Raises ImpossibleCredits for what cannot be; then nothing is stored."""
    amounts = (told.total_credits_usd, told.total_usage_usd)
    if not all(is_amount(amount) and amount >= 0 for amount in amounts):
        raise ImpossibleCredits(f"{amounts[0]} bought and {amounts[1]} used cannot be")
    return CreditsSnapshot.objects.create(
        total_usd=told.total_credits_usd, used_usd=told.total_usage_usd
    )


def credits_chart() -> Chart:
    """What was left at the last look of each day of the last three months."""
    since = timezone.now() - SHOWN
    recent = CreditsSnapshot.objects.filter(taken_at__gte=since).order_by("taken_at", "pk")
    by_day = {each.taken_at.astimezone(dt.UTC).date(): each for each in recent}
    shown: Sequence[CreditsSnapshot] = list(by_day.values())[-MOST_POINTS:]
    return lines(
        Plot(
            "credits-left",
            "Credits left",
            [f"{each.taken_at.day} {each.taken_at:%b}" for each in shown],
            [Series("left", [each.left_usd for each in shown])],
            usd,
            "The balance of the OpenRouter account at the last look of each day, in USD.",
        )
    )
