"""The ledger, added up by day and by month: what the pages about usage read.

A consequence of the ledger and of nothing else; `manage.py check_rollup` proves it, and makes it
anew where it must. Why it is there: a sum over a million entries takes seconds, and over these
rows milliseconds.
"""

from __future__ import annotations

from django.db import models

from billing.money import UsdField

NAME_CHARS = 200
EVERYBODY = ""


class Span(models.TextChoices):
    """What a row adds up. Months are there so that a year is read in few rows."""

    DAY = "day"
    MONTH = "month"


class PendingRollup(models.Model):
    """An entry that is not counted yet: written with the entry, deleted when it is counted.

    A mark for each entry, and not the number of the last one: numbers are given out before a
    transaction ends, so an entry may appear behind one that has been counted.
    """

    entry_id = models.BigIntegerField(primary_key=True)

    class Meta:
        verbose_name = "entry to be added up"

    def __str__(self) -> str:
        return f"entry {self.entry_id}"


class UsageRollup(models.Model):
    """Sums over the entries of one span that are alike, of one user or (with "") of everybody.

    A count of tokens adds up what is known. `cache_saved_usd` is what the cached tokens would
    have cost more at the prices of their day, less what writing them to the cache cost more.
    """

    id = models.UUIDField(primary_key=True)  # made of what makes a row one of its own: rollup.py
    span = models.CharField(max_length=8, choices=Span.choices)
    starts_on = models.DateField()
    user_ref = models.CharField("user id", max_length=NAME_CHARS, blank=True)
    served_model = models.CharField(max_length=NAME_CHARS, blank=True)
    provider = models.CharField(max_length=NAME_CHARS, blank=True)
    purpose = models.CharField(max_length=16)
    standing = models.CharField(max_length=16)
    kind = models.CharField(max_length=16)

    entries = models.PositiveBigIntegerField(default=0)
    cost_usd = UsdField("cost in USD")
    # None where no entry has any, which is most rows: SQLite adds up exact money slowly.
    own_key_usd = UsdField("on own keys in USD", null=True)
    cache_saved_usd = UsdField("saved by caches in USD", null=True)
    prompt_tokens = models.BigIntegerField(default=0)
    completion_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    # Of everybody's rows: how many first tokens came after how long (billing/latency.py).
    first_tokens = models.JSONField(null=True)

    class Meta:
        verbose_name = "usage review"
        verbose_name_plural = "usage review"
        constraints = [
            models.UniqueConstraint(
                fields=[
                    *("span", "user_ref", "starts_on", "served_model", "provider"),
                    *("purpose", "standing", "kind"),
                ],
                name="one_rollup_of_a_kind",
            )
        ]
        indexes = [models.Index(fields=["span", "starts_on"], name="rollups_by_time")]

    def __str__(self) -> str:
        return f"{self.span} {self.starts_on}, {self.user_ref or 'everybody'}"
