"""Calls, budgets and reconciliations in the admin; the ledger is in usage_admin.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils import timezone
from django.utils.functional import cached_property

from billing.audited import Audited
from billing.budgets import allowance_of_budget, forget_accounts
from billing.models import (
    Budget,
    Call,
    Reconciliation,
    UsageRecord,
)
from billing.templatetags.money import usd_exact
from billing.usage_filters import AskedModelFilter, DayFilter, ProviderFilter, UserFilter

if TYPE_CHECKING:
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


def name_of(call: Call) -> str:
    """Whom a call was made for; the id alone once the account is erased."""
    return call.user.get_username() if call.user else call.user_ref


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
    list_filter = (
        *("state", SettlementFilter, UserFilter, AskedModelFilter),
        *(DayFilter, ProviderFilter, "purpose"),
    )
    list_select_related = ("user",)
    search_fields = ("generation_id__exact", "user_ref__exact", "conversation_ref__exact")
    search_help_text = SEARCH_HELP
    sortable_by = ("time",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the whole ledger
    paginator = BoundedPaginator
    fieldsets = (
        (None, {"fields": ("state", "generation_id", "error", "reserved_usd")}),
        ("Its bill", {"fields": ("attempts", "last_answer", "next_try_at")}),
        ("Asked", {"fields": ("user", *ASKED, "fallback_models", "key", "key_kind", *TIMES)}),
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
class BudgetAdmin(Audited, BudgetAdminBase):
    """Who may spend how much. A change takes effect with the next message."""

    audit_action = "budget-changed"
    list_display = ("__str__", "per_day", "per_month", "per_minute", "left")
    list_select_related = ("user", "group")
    autocomplete_fields = ("user", "group")

    def audit_facts(self, obj: Budget) -> dict[str, Any]:
        owner = f"user-{obj.user_id}" if obj.user_id else str(obj)
        limits = {"per day": obj.per_day_usd, "per month": obj.per_month_usd}
        return {"of": owner, **limits, "per minute": obj.requests_per_minute}

    @admin.display(description="USD per day", ordering="per_day_usd")
    def per_day(self, budget: Budget) -> str:
        return usd_exact(budget.per_day_usd) or "no limit"

    @admin.display(description="USD per month", ordering="per_month_usd")
    def per_month(self, budget: Budget) -> str:
        return usd_exact(budget.per_month_usd) or "no limit"

    @admin.display(description="requests per minute", ordering="requests_per_minute")
    def per_minute(self, budget: Budget) -> str:
        limit = budget.requests_per_minute
        return "no limit" if limit is None else f"{limit:,}"

    @admin.display(description="spent", empty_value="counted for each person")
    def left(self, budget: Budget) -> str:
        """Of a user's or a group's; the one for everybody is each user's own."""
        lines = allowance_of_budget(budget).lines
        return ", ".join(
            f"{usd_exact(line.spent_usd)} this {line.limit.period} ({line.percent} %)"
            for line in lines
            if line.limit.usd is not None
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Budgets", **(extra_context or {})})

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
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ("day", "time")
    change_form_template = "billing/reconciliation.html"
    fields = (
        *("day", "created_at", "verdict", "ours_usd", "theirs_usd", "residual_usd"),
        *("pending", "estimated", "only_theirs", "only_ours"),
        *("ledger_usd", "key_usage_usd", "credits_usd", "credits_used_usd"),
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {"title": "Reconciliations"}
        return super().changelist_view(request, {**title, **(extra_context or {})})

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
