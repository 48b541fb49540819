"""What people's votes said of models: sums by person, demand and model, and nothing of the chat."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, FloatField, Sum
from django.utils import timezone

from routing.evidence import Tally


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def of(self, user_id: int) -> Self:
        return self.filter(user_id=user_id)

    def total_weight(self) -> float:
        weight = Sum(F("successes") + F("failures"), default=0.0, output_field=FloatField())
        return float(self.aggregate(weight=weight)["weight"])


class Evidence(models.Model):
    """One person's outcomes of one model on prompts of one demand.

    `expected`: the sum of the odds that had been predicted for them. It goes with its person.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name="person"
    )
    demand = models.CharField(max_length=32)
    model = models.CharField(max_length=200)
    successes = models.FloatField("good", default=0.0)
    failures = models.FloatField("bad", default=0.0)
    expected = models.FloatField("expected good", default=0.0)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        ordering = ["user", "demand", "model"]
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "demand", "model"], name="one_tally_per_demand_and_model"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} on {self.demand}"

    @property
    def tally(self) -> Tally:
        return Tally(self.successes, self.failures, self.expected)
