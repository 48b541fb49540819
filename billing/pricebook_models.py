"""The price book: what each model charged from which day on. Only ever added to."""

from __future__ import annotations

import datetime as dt
from typing import Any, Never, Self

from django.db import models
from django.utils import timezone

SLUG_CHARS = 200


class Listing(models.TextChoices):
    """How a model stands on OpenRouter's list."""

    LISTED = "listed"
    EXPIRED = "expired"  # on the list, and past its last day
    VANISHED = "vanished"  # not on the list any more; it may come back


class PriceEntryQuerySet(models.QuerySet["PriceEntry"]):
    """Reads of the book. The words that change rows are refused."""

    def until(self, when: dt.datetime) -> Self:
        return self.filter(seen_at__lte=when)

    def by_model(self) -> dict[str, PriceEntry]:
        """Model → its newest entry among these."""
        return {entry.model: entry for entry in self.order_by("pk")}

    def update(self, **_: Any) -> Never:
        raise NotImplementedError("A price book is only added to.")

    def delete(self) -> Never:
        raise NotImplementedError("A price book is only added to.")

    delete.queryset_only = True  # type: ignore[attr-defined]


class PriceEntry(models.Model):
    """What one model charged from `seen_at` on, until its next entry.

    `prices`: USD as text, digit for digit, by the names of the wire; a price that is missing,
    "-1" or impossible is not among them. See pricebook_prices.py.
    """

    model = models.CharField(max_length=SLUG_CHARS)
    permaslug = models.CharField("dated name", max_length=SLUG_CHARS, blank=True, default="")
    alias_target = models.CharField("stands for", max_length=SLUG_CHARS, blank=True, default="")
    listing = models.CharField(max_length=16, choices=Listing.choices, default=Listing.LISTED)
    expires_on = models.DateField("last day", null=True, blank=True)
    prices = models.JSONField(default=dict)
    seen_at = models.DateTimeField("seen", default=timezone.now)

    objects = PriceEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "price-book entry"
        verbose_name_plural = "price book"
        indexes = [
            models.Index(fields=["model", "seen_at"], name="prices_of_model"),
            models.Index(fields=["permaslug", "seen_at"], name="prices_of_permaslug"),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.seen_at:%Y-%m-%d}"

    def save(self, **kwargs: Any) -> None:
        """Add this entry."""
        if not self._state.adding:
            raise NotImplementedError("A price book is only added to.")
        super().save(force_insert=True, using=kwargs.get("using"))
