"""What OpenRouter said of the account's credits, each time it was asked."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils import timezone

from billing.money import EXACT, UsdField


class CreditsSnapshot(models.Model):
    """Credits bought and used in all, at one moment. The balance may be below 0, and may lag."""

    taken_at = models.DateTimeField("asked (UTC)", default=timezone.now, db_index=True)
    total_usd = UsdField("bought in USD")
    used_usd = UsdField("used in USD")

    class Meta:
        ordering = ["-taken_at", "-pk"]
        verbose_name = "credits"
        verbose_name_plural = "credits"

    def __str__(self) -> str:
        return f"credits of {self.taken_at:%Y-%m-%d %H:%M}"

    @property
    def left_usd(self) -> Decimal:
        return EXACT.subtract(self.total_usd or Decimal(0), self.used_usd or Decimal(0))
