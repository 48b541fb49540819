"""Usage review, for the person who pays: the calls and the ledger, to look at and never to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.template.response import TemplateResponse
from django.utils.functional import cached_property

from billing.models import Call, Kind, Standing, UsageRecord, user_ref
from billing.money import UsdTotal
from billing.templatetags.money import usd_exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    CallAdminBase = admin.ModelAdmin[Call]
    UsageAdminBase = admin.ModelAdmin[UsageRecord]
    BoundedBase = Paginator[Any]
else:
    CallAdminBase = UsageAdminBase = admin.ModelAdmin
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
    )
    list_filter = ("state", "purpose")
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
