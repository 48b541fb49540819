"""What it may cost and did cost: calls, which live and change, and the ledger, which only grows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Never, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Cast
from django.utils import timezone

from billing.credits_models import CreditsSnapshot
from billing.key_models import KeyKind, UpstreamKey
from billing.limits import Account, Budget, Hold
from billing.money import UsdField, UsdTotal
from billing.pricebook_models import PriceEntry
from billing.reconciliation_models import Reconciliation
from billing.rollup_models import PendingRollup, UsageRollup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

# Django looks for models here
__all__ = ["Account", "Budget", "Hold", "PriceEntry", "Reconciliation", "UpstreamKey"]
__all__ += ["CreditsSnapshot", "PendingRollup", "UsageRollup"]

TEXT_CHARS = 200  # longest name or id that is kept; services.py cuts what is longer


class BooksError(Exception):
    """What the books refuse."""


class AppendOnly(BooksError):
    """Somebody tried to change or delete an entry of the ledger. Write a correction instead."""


class Purpose(models.TextChoices):
    """What a call was made for."""

    REPLY = "reply"
    TITLE = "title"
    ESCALATION = "escalation", "Second answer"


class CallState(models.TextChoices):
    """Where a call stands.

    RESERVED → RUNNING → SETTLED (its cost is in the ledger), PENDING (money may have been spent,
    the figure is to come) or RELEASED (nothing was spent). PENDING → SETTLED when the bill comes.
    """

    RESERVED = "reserved"
    RUNNING = "running"
    PENDING = "pending"
    SETTLED = "settled"
    RELEASED = "released"


OPEN = (CallState.RESERVED, CallState.RUNNING)
BEFORE_THE_BILL = (*OPEN, CallState.PENDING)
OVERDUE = dt.timedelta(hours=2)  # a bill takes seconds, minutes after a stop, never hours


class Kind(models.TextChoices):
    """An original entry is what a call cost; a correction is the difference to add to it."""

    ORIGINAL = "original"
    CORRECTION = "correction"


class Standing(models.TextChoices):
    """EXACT: the bill's own figure. ESTIMATED: never to be known, reckoned by a named rule."""

    EXACT = "exact"
    ESTIMATED = "estimated"


def user_ref(user: AbstractBaseUser | AnonymousUser) -> str:
    """The id under which the books know a user: it tells no name, and outlives the account."""
    return f"user-{user.pk}"


def _month_of(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """The first moment, in UTC, of the calendar month of `day` and of the month after."""
    start = dt.datetime(day.year, day.month, 1, tzinfo=dt.UTC)
    return start, (start + dt.timedelta(days=31)).replace(day=1)


class Outcome(models.Model):
    """How a call went, as far as is known. None and "" are unknown; 0 is none.

    `prompt_tokens` include the cached ones, and `completion_tokens` the reasoning.
    `cost_usd` (of the entry) is what the account paid in all. `upstream_cost_usd` is the
    provider's price: spent on the person's own key when `is_byok`, else only a part of, or
    the same as, `cost_usd`. The two are never added (protocol: "usage and cost").
    A call on the key of a person's own OpenRouter account is `is_byok`, too: we paid 0 for it.
    """

    served_model = models.CharField(max_length=TEXT_CHARS, blank=True, default="")
    provider = models.CharField(max_length=TEXT_CHARS, blank=True, default="")
    prompt_tokens = models.BigIntegerField(null=True, blank=True)
    completion_tokens = models.BigIntegerField(null=True, blank=True)
    reasoning_tokens = models.BigIntegerField(null=True, blank=True)
    cached_tokens = models.BigIntegerField(null=True, blank=True)
    cache_write_tokens = models.BigIntegerField(null=True, blank=True)
    upstream_cost_usd = UsdField("provider's price in USD", null=True, blank=True)
    is_byok = models.BooleanField("on an own key", default=False)
    ttft_ms = models.BigIntegerField("time to first token in ms", null=True, blank=True)
    duration_ms = models.BigIntegerField("duration in ms", null=True, blank=True)
    finish_reason = models.CharField(max_length=TEXT_CHARS, blank=True, default="")

    class Meta:
        abstract = True


class CallQuerySet(models.QuerySet["Call"]):
    def of(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(user_ref=user_ref(user))

    def in_conversation(self, conversation_ref: str) -> Self:
        return self.filter(conversation_ref=conversation_ref)

    def open(self) -> Self:
        """Reserved or running: not ended yet."""
        return self.filter(state__in=OPEN)

    def pending(self) -> Self:
        """Ended, and money may have been spent, but its figure is not known yet."""
        return self.filter(state=CallState.PENDING)

    def billable(self) -> Self:
        """Pending, with the id that its bill can be asked for with."""
        return self.pending().exclude(generation_id=None)

    def unknown(self) -> Self:
        """Pending, without an id to ask with: a bill will never come."""
        return self.pending().filter(generation_id=None)

    def overdue(self, now: dt.datetime) -> Self:
        """Pending for longer than any bill should take: somebody ought to look."""
        return self.pending().filter(ended_at__lt=now - OVERDUE)

    def on_our_account(self) -> Self:
        """What this installation pays for: all but calls on the key of a person's own account."""
        return self.exclude(key_kind=KeyKind.OWN)

    def reserved_total_usd(self) -> Decimal:
        """Exact sum of the reservations; a call without one adds nothing."""
        total: Decimal = self.aggregate(total=UsdTotal("reserved_usd"))["total"]
        return total


class Call(Outcome):
    """One upstream request that can cost money: its life, from reserved to settled.

    The user may be erased: `user` is then empty, `user_ref` stays. Conversation and message are
    text, so that nothing here hinders their deletion.
    """

    state = models.CharField(max_length=16, choices=CallState.choices, default=CallState.RESERVED)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    user_ref = models.CharField("user id", max_length=TEXT_CHARS)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    conversation_ref = models.CharField(
        "conversation", max_length=TEXT_CHARS, blank=True, default=""
    )
    message_ref = models.CharField("message", max_length=TEXT_CHARS, blank=True, default="")
    requested_model = models.CharField(max_length=TEXT_CHARS)
    fallback_models = models.JSONField(default=list, blank=True)
    # The worst case that the call may cost, if known.
    reserved_usd = UsdField("reserved in USD", null=True, blank=True, non_negative=True)
    generation_id = models.CharField(  # opaque; with it the bill can be asked for
        max_length=TEXT_CHARS, null=True, blank=True, unique=True
    )
    # The key that it was made with (None: the one of the environment), and of it what outlives it.
    key = models.ForeignKey(
        UpstreamKey, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    key_kind = models.CharField(max_length=16, choices=KeyKind.choices, default=KeyKind.SHARED)
    key_hash = models.CharField(max_length=64, blank=True, default="")
    error = models.CharField(max_length=TEXT_CHARS, blank=True, default="")  # a code, no prose
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # Settlement: how often the bill was asked for, what was answered, when to ask again.
    attempts = models.PositiveIntegerField(default=0)
    last_answer = models.CharField(max_length=TEXT_CHARS, blank=True, default="")
    next_try_at = models.DateTimeField(null=True, blank=True)

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="calls_by_time"),
            models.Index(fields=["conversation_ref", "state"], name="calls_of_conversation"),
            models.Index(
                fields=["state", "user_ref"],
                condition=Q(state__in=[*OPEN, CallState.PENDING]),
                name="calls_not_closed",
            ),
            # One index a state: SQLite uses a partial index only where its condition is equal.
            models.Index(
                fields=["created_at"],
                condition=Q(state=CallState.RESERVED),
                name="calls_reserved",
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(state=CallState.RUNNING),
                name="calls_running",
            ),
            models.Index(
                fields=["ended_at"],
                condition=Q(state=CallState.PENDING),
                name="calls_pending",
            ),
            models.Index(
                fields=["next_try_at"],
                condition=Q(state=CallState.PENDING),
                name="calls_to_settle",
            ),
        ]

    def __str__(self) -> str:
        return f"call {self.pk} ({self.state})"


class UsageQuerySet(models.QuerySet["UsageRecord"]):
    """Reads of the ledger. The words that change rows are refused."""

    def of(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(user_ref=user_ref(user))

    def in_month(self, day: dt.date) -> Self:
        """Entries of the calendar month, in UTC, that `day` falls in."""
        start, end = _month_of(day)
        return self.filter(created_at__gte=start, created_at__lt=end)

    def in_conversation(self, conversation_ref: str) -> Self:
        return self.filter(conversation_ref=conversation_ref)

    def total_usd(self) -> Decimal:
        """What was paid, exactly; corrections are differences and add up."""
        total: Decimal = self.aggregate(total=UsdTotal("cost_usd"))["total"]
        return total

    def own_key_usd(self) -> Decimal:
        """What people spent on keys of their own. Never added to `total_usd`."""
        own = self.filter(is_byok=True)
        total: Decimal = own.aggregate(total=UsdTotal("upstream_cost_usd"))["total"]
        return total

    def by_model(self) -> dict[str, Decimal]:
        """What was paid for each served model, the dearest first."""
        rows = self.order_by().values("served_model").annotate(total=UsdTotal("cost_usd"))
        return {row["served_model"]: row["total"] for row in rows.order_by("-total")}

    def update(self, **_: Any) -> Never:
        raise AppendOnly

    def delete(self) -> Never:
        raise AppendOnly

    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_update(self, *_: Any, **__: Any) -> Never:
        raise AppendOnly

    def update_or_create(self, *_: Any, **__: Any) -> Never:
        raise AppendOnly

    def bulk_create(self, objs: Iterable[UsageRecord], *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("update_conflicts"):
            raise AppendOnly
        with transaction.atomic(savepoint=False):
            entries = super().bulk_create(objs, *args, **kwargs)
            PendingRollup.objects.bulk_create(PendingRollup(entry_id=each.pk) for each in entries)
        return entries


class UsageRecord(Outcome):
    """The ledger: one entry per settled call, and corrections that point back. Only added to.

    A correction's `cost_usd`, `upstream_cost_usd` and token counts are differences (negative
    ones too; None is no difference), so that a plain sum over the entries is always the truth.
    There is no key to the user: to empty it on erasure would be an update.
    """

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.ORIGINAL)
    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="corrections"
    )
    user_ref = models.CharField("user id", max_length=TEXT_CHARS)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    conversation_ref = models.CharField(
        "conversation", max_length=TEXT_CHARS, blank=True, default=""
    )
    message_ref = models.CharField("message", max_length=TEXT_CHARS, blank=True, default="")
    generation_id = models.CharField(max_length=TEXT_CHARS, blank=True, default="")
    requested_model = models.CharField(max_length=TEXT_CHARS)
    cost_usd = UsdField("cost in USD")
    # The prices of its day; nothing is looked up by it, so it has no index.
    price_entry = models.ForeignKey(
        PriceEntry, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    standing = models.CharField(max_length=16, choices=Standing.choices, default=Standing.EXACT)
    estimate_rule = models.CharField(max_length=TEXT_CHARS, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    objects = UsageQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = "ledger entry"
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(
                fields=["call"], condition=Q(kind=Kind.ORIGINAL), name="one_original_per_call"
            ),
            models.UniqueConstraint(
                fields=["generation_id"],
                condition=Q(kind=Kind.ORIGINAL) & ~Q(generation_id=""),
                name="one_original_per_generation",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.ORIGINAL, corrects=None)
                | Q(kind=Kind.CORRECTION, corrects__isnull=False),
                name="a_correction_points_back",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.CORRECTION) | Q(cost_usd__gte=0),
                name="a_cost_never_credits",
            ),
            models.CheckConstraint(
                condition=Q(standing=Standing.EXACT, estimate_rule="")
                | (Q(standing=Standing.ESTIMATED) & ~Q(estimate_rule="")),
                name="an_estimate_names_its_rule",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="entries_by_time"),
            models.Index(fields=["user_ref", "created_at"], name="entries_of_user"),
            models.Index(fields=["served_model", "created_at"], name="entries_of_model"),
            models.Index(fields=["provider", "created_at"], name="entries_of_provider"),
            models.Index(fields=["conversation_ref"], name="entries_of_conversation"),
            models.Index(fields=["generation_id"], name="entries_of_generation"),
            models.Index(fields=["purpose", "created_at"], name="entries_of_purpose"),
            models.Index(
                fields=["created_at"],
                condition=Q(standing=Standing.ESTIMATED),
                name="entries_estimated",
            ),
            models.Index(
                fields=["created_at"], condition=Q(kind=Kind.CORRECTION), name="entries_corrections"
            ),
            # As a float, which is good enough for an order, and which SQLite sorts by itself.
            models.Index(
                Cast("cost_usd", models.FloatField()).desc(),
                models.F("id").desc(),
                name="entries_by_cost",
            ),
            # The dearest of a cheap model are far down the list of all.
            *(
                models.Index(
                    column,
                    Cast("cost_usd", models.FloatField()).desc(),
                    models.F("id").desc(),
                    name=f"entries_of_{name}_by_cost",
                )
                for column, name in (("served_model", "model"), ("provider", "provider"))
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.pk} of call {self.call_id}"

    def save(self, **kwargs: Any) -> None:
        """Add this entry, marked to be added up. Raises AppendOnly when it is there already."""
        if not self._state.adding:
            raise AppendOnly
        with transaction.atomic(savepoint=False):
            super().save(force_insert=True, using=kwargs.get("using"))
            PendingRollup.objects.create(entry_id=self.pk)

    def delete(self, *_: Any, **__: Any) -> Never:
        raise AppendOnly
