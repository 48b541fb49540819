"""Budgets and what was spent of them: who may spend how much, in which day or month, in UTC."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q

from billing.money import UsdField


class Period(models.TextChoices):
    """A window of the calendar in UTC. Money is counted by day and month, requests by minute."""

    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"


class Budget(models.Model):
    """What a user, a group as a whole, or (with neither) every other user may spend.

    An empty limit is none; 0 stops everything that costs. A user's own budget replaces the one
    for everybody; budgets of groups hold besides.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Leave user and group empty for everybody who has no budget of their own.",
    )
    group = models.OneToOneField(
        Group,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The members share it.",
    )
    per_day_usd = UsdField("USD per day", null=True, blank=True, non_negative=True)
    per_month_usd = UsdField("USD per month", null=True, blank=True, non_negative=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None) | Q(group=None),
                name="a_budget_has_one_owner",
                violation_error_message="A budget is a user's or a group's, not both.",
            ),
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(user=None, group=None),
                name="one_budget_for_everybody",
                violation_error_message="There is a budget for everybody already.",
            ),
        ]

    def __str__(self) -> str:
        if self.group:
            return f"group {self.group}"
        return str(self.user) if self.user else "everybody else"

    def money(self) -> list[tuple[Period, Decimal]]:
        """The limits in USD that are set."""
        limits = {Period.DAY: self.per_day_usd, Period.MONTH: self.per_month_usd}
        return [(period, limit) for period, limit in limits.items() if limit is not None]


class Account(models.Model):
    """What one owner of a budget has spent in one window; `owner_ref` as in the ledger.

    It begins with what the ledger says, and grows in the transaction of each entry. Money counts
    in the window in which it was asked for.
    """

    owner_ref = models.CharField("owner", max_length=200)
    period = models.CharField(max_length=16, choices=Period.choices)
    starts_at = models.DateTimeField()
    spent_usd = UsdField("spent in USD", default=Decimal(0))
    requests = models.PositiveIntegerField(default=0)
    warned_percent = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner_ref", "period", "starts_at"], name="one_account_per_window"
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner_ref}, {self.period} of {self.starts_at:%Y-%m-%d %H:%M}"


class Hold(models.Model):
    """Part of an account that an unfinished call may still spend."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="holds")
    call = models.ForeignKey("billing.Call", on_delete=models.CASCADE, related_name="holds")
    amount_usd = UsdField("held in USD", non_negative=True)
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call", "account"], name="one_hold_per_account")
        ]
        indexes = [
            models.Index(fields=["account"], condition=Q(is_open=True), name="open_holds"),
        ]

    def __str__(self) -> str:
        return f"hold of call {self.call_id}"


def window_of(period: Period, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of the running window, and of the next, in UTC."""
    minute = now.astimezone(dt.UTC).replace(second=0, microsecond=0)
    if period == Period.MINUTE:
        return minute, minute + dt.timedelta(minutes=1)
    day = minute.replace(hour=0, minute=0)
    if period == Period.DAY:
        return day, day + dt.timedelta(days=1)
    first = day.replace(day=1)
    return first, (first + dt.timedelta(days=31)).replace(day=1)
