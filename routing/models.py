"""The catalogue: what OpenRouter offers, as of the last sync."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.utils import timezone

from routing.evidence_models import Evidence
from routing.fields import PriceField
from routing.policy_models import PolicyVersion, ShadowDecision
from routing.prices import Prices, tiers_from_json

__all__ = ["Evidence", "LanguageModel", "PolicyVersion", "ShadowDecision"]  # Django looks here


class LanguageModelQuerySet(models.QuerySet["LanguageModel"]):
    def available(self) -> Self:
        """Those that the last list still held."""
        return self.filter(is_available=True)

    def vanished(self) -> Self:
        return self.filter(is_available=False)

    def answering_chat(self, today: dt.date) -> Self:
        """Those that may be asked in a chat: offered, not retired, not for batches only.

        That they answer in text is part of the Candidate: SQL has no word for it.
        """
        current = models.Q(expires_on=None) | models.Q(expires_on__gt=today)
        return self.available().filter(current, is_batch=False)


class LanguageModel(models.Model):
    """One model of the list. Prices are Decimal USD; None is unknown or "depends", 0 is free."""

    slug = models.CharField(max_length=200, unique=True)
    canonical_slug = models.CharField(max_length=200, blank=True)
    alias_target = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200)
    author = models.CharField(max_length=100, db_index=True)
    created = models.DateField(null=True, blank=True)
    expires_on = models.DateField(null=True, blank=True)

    context_length = models.PositiveBigIntegerField(null=True, blank=True)
    max_completion_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    input_modalities = models.JSONField(default=list)
    output_modalities = models.JSONField(default=list)
    supported_parameters = models.JSONField(default=list)
    reasoning = models.JSONField(default=dict, help_text="As published; empty where it is not.")
    benchmarks = models.JSONField(default=dict, help_text="As published; empty where none are.")

    prompt_usd = PriceField(help_text="Per token.")
    completion_usd = PriceField(help_text="Per token.")
    request_usd = PriceField(help_text="Per request.")
    image_usd = PriceField(help_text="Per image.")
    cache_read_usd = PriceField(help_text="Per token.")
    cache_write_usd = PriceField(help_text="Per token.")
    web_search_usd = PriceField(help_text="Per search.")
    price_tiers = models.JSONField(default=list, help_text="Prices of long prompts.")

    is_available = models.BooleanField(default=True, db_index=True)
    is_free = models.BooleanField(default=False)
    is_batch = models.BooleanField(default=False)
    is_router = models.BooleanField(default=False)
    synced_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = LanguageModelQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        verbose_name = "language model"

    def __str__(self) -> str:
        return self.slug

    @property
    def prices(self) -> Prices:
        return Prices(
            prompt_usd=self.prompt_usd,
            completion_usd=self.completion_usd,
            request_usd=self.request_usd,
            tiers=tiers_from_json(self.price_tiers),
        )

    @property
    def price_text(self) -> str:
        return self.prices.text
