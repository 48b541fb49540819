"""Usage review, for the person who pays: the calls and the ledger, to look at and never to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import cached_property

from billing.budgets import allowance_of_budget, forget_accounts
from billing.models import (
    Budget,
    Call,
    Kind,
    Reconciliation,
    Standing,
    UsageRecord,
    user_ref,
)
from billing.money import UsdTotal
from billing.templatetags.money import usd_exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    BudgetAdminBase = admin.ModelAdmin[Budget]
    CallAdminBase = admin.ModelAdmin[Call]
    ReconciliationAdminBase = admin.ModelAdmin[Reconciliation]
    UsageAdminBase = admin.ModelAdmin[UsageRecord]
    BoundedBase = Paginator[Any]
else:
    CallAdminBase = UsageAdminBase = admin.ModelAdmin
    BudgetAdminBase = ReconciliationAdminBase = admin.ModelAdmin
    BoundedBase = Paginator

MAX_COUNTED_ROWS = 10_000
SEARCH_HELP = "The whole generation id, user id or conversation id."
COST = ("cost_usd", "upstream_cost_usd", "is_byok")
ASKED = ("user_ref", "purpose", "requested_model", "conversation_ref", "message_ref")
TIMES = ("created_at", "started_at", "ended_at")
ANSWERED = (
    "served_model",
    "provider",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "ttft_ms",
    "duration_ms",
    "finish_reason",
)


class BoundedPaginator(BoundedBase):
    """Counts no further than MAX_COUNTED_ROWS: a long ledger is narrowed, not leafed through."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:MAX_COUNTED_ROWS].count()


class ReadOnly:
    """Nobody adds, changes or deletes here, superusers included."""

    def has_add_permission(self, *_: object) -> bool:
        return False

    def has_change_permission(self, *_: object) -> bool:
        return False

    def has_delete_permission(self, *_: object) -> bool:
        return False


class ValueFilter(admin.SimpleListFilter):
    """By one of the values that a column of the ledger holds.

    They are found by leaping through the column's index from one value to the next, where
    DISTINCT would read every row.
    """

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in self.values()]

    def values(self) -> Iterator[str]:
        column = str(self.parameter_name)
        rows = UsageRecord.objects.order_by(column).values_list(column, flat=True)
        value = ""
        while following := rows.filter(**{f"{column}__gt": value})[:1]:
            value = following[0]
            yield value

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(**{str(self.parameter_name): chosen}) if chosen else queryset


class ModelFilter(ValueFilter):
    title = "served model"
    parameter_name = "served_model"


class ProviderFilter(ValueFilter):
    title = parameter_name = "provider"


class UserFilter(ValueFilter):
    """By person; an erased account is there under its id."""

    title = "user"
    parameter_name = "user_ref"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = {user_ref(user): user.get_username() for user in get_user_model().objects.all()}
        people = [(ref, names.get(ref, f"{ref} (erased)")) for ref in self.values()]
        return sorted(people, key=lambda person: person[1])


def name_of(call: Call) -> str:
    """Whom a call was made for; the id alone once the account is erased."""
    return call.user.get_username() if call.user else call.user_ref


@admin.register(UsageRecord)
class UsageRecordAdmin(ReadOnly, UsageAdminBase):
    """The ledger, with the exact total of what is filtered."""

    change_list_template = "billing/ledger.html"
    list_display = (
        "time",
        "user",
        "cost",
        "standing",
        "served_model",
        "provider",
        "tokens",
        "purpose",
    )
    list_filter = (UserFilter, ModelFilter, ProviderFilter, "purpose", "standing", "kind")
    list_select_related = ("call__user",)
    date_hierarchy = "created_at"
    search_fields = ("generation_id__exact", "user_ref__exact", "conversation_ref__exact")
    search_help_text = SEARCH_HELP
    sortable_by = ("time", "cost")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the whole ledger
    paginator = BoundedPaginator
    fieldsets = (
        (None, {"fields": (*COST, "standing", "estimate_rule", "kind", "corrects")}),
        ("Asked", {"fields": (*ASKED, "call", "generation_id", "created_at")}),
        ("Answered", {"fields": ANSWERED}),
    )

    @admin.display(description="time (UTC)", ordering="created_at")
    def time(self, entry: UsageRecord) -> str:
        return f"{entry.created_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="user")
    def user(self, entry: UsageRecord) -> str:
        return name_of(entry.call)

    @admin.display(description="cost", ordering="cost_usd")
    def cost(self, entry: UsageRecord) -> str:
        correction = " (correction)" if entry.kind == Kind.CORRECTION else ""
        return usd_exact(entry.cost_usd) + correction

    @admin.display(description="tokens in, out")
    def tokens(self, entry: UsageRecord) -> str:
        counts = (entry.prompt_tokens, entry.completion_tokens)
        return ", ".join("unknown" if count is None else f"{count:,}" for count in counts)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().changelist_view(request, {"title": "Ledger", **(extra_context or {})})
        if isinstance(response, TemplateResponse) and response.context_data:
            response.context_data["total"] = total_of(response.context_data["cl"].queryset)
            response.context_data["overdue"] = Call.objects.overdue(timezone.now()).count()
        return response


def total_of(entries: QuerySet[UsageRecord]) -> dict[str, Any]:
    """What the entries add up to, in one query: see templates/billing/ledger.html."""
    return entries.order_by().aggregate(
        entries=Count("pk"),
        corrections=Count("pk", filter=Q(kind=Kind.CORRECTION)),
        paid_usd=UsdTotal("cost_usd"),
        estimated_usd=UsdTotal("cost_usd", filter=Q(standing=Standing.ESTIMATED)),
        own_key_usd=UsdTotal("upstream_cost_usd", filter=Q(is_byok=True)),
    )


class SettlementFilter(admin.SimpleListFilter):
    """By where the bill of a call stands."""

    title = "settlement"
    parameter_name = "settlement"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("waiting", "waiting for its bill"),
            ("overdue", "overdue: look at these"),
            ("unknown", "no id to ask with"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = {
            "waiting": Call.objects.billable(),
            "overdue": Call.objects.overdue(timezone.now()),
            "unknown": Call.objects.unknown(),
        }.get(self.value() or "")
        return queryset if found is None else queryset & found


@admin.register(Call)
class CallAdmin(ReadOnly, CallAdminBase):
    """Every call and where it stands; the pending ones wait for their bill."""

    list_display = (
        "time",
        "state",
        "person",
        "requested_model",
        "reserved",
        "generation_id",
        "purpose",
        "error",
        "asked_for",
    )
    list_filter = ("state", SettlementFilter, "purpose")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    search_fields = ("generation_id__exact", "user_ref__exact", "conversation_ref__exact")
    search_help_text = SEARCH_HELP
    sortable_by = ("time",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the whole ledger
    paginator = BoundedPaginator
    fieldsets = (
        (None, {"fields": ("state", "generation_id", "error", "reserved_usd")}),
        ("Its bill", {"fields": ("attempts", "last_answer", "next_try_at")}),
        ("Asked", {"fields": ("user", *ASKED, "fallback_models", *TIMES)}),
        ("Answered", {"fields": (*ANSWERED, "upstream_cost_usd", "is_byok")}),
    )

    @admin.display(description="time (UTC)", ordering="created_at")
    def time(self, call: Call) -> str:
        return f"{call.created_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="user")
    def person(self, call: Call) -> str:
        return name_of(call)

    @admin.display(description="reserved")
    def reserved(self, call: Call) -> str:
        return usd_exact(call.reserved_usd) or "unknown"

    @admin.display(description="bill asked for")
    def asked_for(self, call: Call) -> str:
        return f"{call.attempts} times, {call.last_answer}" if call.last_answer else ""


@admin.register(Budget)
class BudgetAdmin(BudgetAdminBase):
    """Who may spend how much. A change takes effect with the next message."""

    list_display = ("__str__", "per_day", "per_month", "requests_per_minute", "left")
    list_select_related = ("user", "group")
    autocomplete_fields = ("user", "group")

    @admin.display(description="USD per day", ordering="per_day_usd")
    def per_day(self, budget: Budget) -> str:
        return usd_exact(budget.per_day_usd) or "no limit"

    @admin.display(description="USD per month", ordering="per_month_usd")
    def per_month(self, budget: Budget) -> str:
        return usd_exact(budget.per_month_usd) or "no limit"

    @admin.display(description="spent")
    def left(self, budget: Budget) -> str:
        """Of a user's or a group's; the one for everybody is each user's own."""
        lines = allowance_of_budget(budget).lines
        return ", ".join(
            f"{usd_exact(line.spent_usd)} this {line.limit.period} ({line.percent} %)"
            for line in lines
            if line.limit.usd is not None
        )

    def save_model(self, request: HttpRequest, obj: Budget, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        if change:
            forget_accounts(Budget.objects.get(pk=obj.pk))
        super().save_model(request, obj, form, change)
        forget_accounts(obj)

    def delete_model(self, request: HttpRequest, obj: Budget) -> None:
        forget_accounts(obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Budget]) -> None:
        for budget in queryset:
            forget_accounts(budget)
        super().delete_queryset(request, queryset)


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnly, ReconciliationAdminBase):
    """Our sum and OpenRouter's, day by day, as `manage.py reconcile` found them."""

    list_display = ("day", "ours", "theirs", "residual", "verdict", "pending", "estimated", "time")
    list_filter = ("verdict",)
    date_hierarchy = "day"
    sortable_by = ("day", "time")
    change_form_template = "billing/reconciliation.html"
    fields = (
        *("day", "created_at", "verdict", "ours_usd", "theirs_usd", "residual_usd"),
        *("pending", "estimated", "only_theirs", "only_ours"),
        *("ledger_usd", "key_usage_usd", "credits_usd", "credits_used_usd"),
    )

    @admin.display(description="ours", ordering="ours_usd")
    def ours(self, record: Reconciliation) -> str:
        return usd_exact(record.ours_usd)

    @admin.display(description="theirs", ordering="theirs_usd")
    def theirs(self, record: Reconciliation) -> str:
        return usd_exact(record.theirs_usd)

    @admin.display(description="residual", ordering="residual_usd")
    def residual(self, record: Reconciliation) -> str:
        return usd_exact(record.residual_usd)

    @admin.display(description="compared (UTC)", ordering="created_at")
    def time(self, record: Reconciliation) -> str:
        return f"{record.created_at:%Y-%m-%d %H:%M}"
