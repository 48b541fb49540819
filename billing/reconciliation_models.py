"""What a comparison with OpenRouter's own account came to; kept, so that a drift is seen."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from billing.money import UsdField


class Verdict(models.TextChoices):
    """CLOSED: equal to the last digit. EXPLAINED: what differs is pending or was estimated."""

    CLOSED = "closed"
    EXPLAINED = "explained"
    OPEN = "open"


class Reconciliation(models.Model):
    """One day, compared once. `residual_usd` is what they counted and we did not."""

    day = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    ours_usd = UsdField("our sum in USD")
    theirs_usd = UsdField("their sum in USD")
    residual_usd = UsdField("residual in USD")
    pending = models.PositiveIntegerField("calls pending", default=0)
    estimated = models.PositiveIntegerField("entries estimated", default=0)
    only_theirs = models.PositiveIntegerField("models only they have", default=0)
    only_ours = models.PositiveIntegerField("models only we have", default=0)
    lines = models.JSONField("model by model", default=list)
    keys = models.JSONField("key by key", default=list)
    # At the time of the comparison, over all days:
    ledger_usd = UsdField("whole ledger in USD")
    key_usage_usd = UsdField("usage of the key in USD", null=True, blank=True)
    credits_usd = UsdField("credits bought in USD", null=True, blank=True)
    credits_used_usd = UsdField("credits used in USD", null=True, blank=True)

    class Meta:
        ordering = ["-day", "-created_at"]
        indexes = [models.Index(fields=["-day", "-created_at"], name="reconciliations_by_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.verdict}"
