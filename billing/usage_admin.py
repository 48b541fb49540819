"""The ledger and the usage review in the admin, for the person who pays: to look at only.

No page here reads the whole ledger. Rows are found by index, a page at a time; sums come from
the rollup, but where somebody searches for one generation or conversation.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, FloatField, Q
from django.db.models.functions import Cast
from django.http import StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone

from billing.admin import BoundedPaginator, ReadOnly, name_of
from billing.models import Call, Kind, Standing, UsageRecord
from billing.money import UsdTotal
from billing.rollup import A_PAGE, catch_up
from billing.rollup_models import PendingRollup, UsageRollup
from billing.templatetags.money import usd_exact
from billing.usage import EVER, Choice, Used, known_days, known_months, total_of
from billing.usage_export import csv_of
from billing.usage_filters import (
    DayFilter,
    GroupFilter,
    ModelFilter,
    ProviderFilter,
    UserFilter,
    refs_of_group,
)
from billing.usage_links import IN_THE_LEDGER, days_of
from billing.usage_people import ref_of
from billing.usage_review import review

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

    UsageAdminBase = admin.ModelAdmin[UsageRecord]
    RollupAdminBase = admin.ModelAdmin[UsageRollup]
else:
    UsageAdminBase = RollupAdminBase = admin.ModelAdmin

SEARCH_HELP: Final = "A whole username, user id, generation id or conversation id."
SORTED_BY: Final = ("time", "cost")
FILTERS: Final = {"user_ref", "group", "day", *IN_THE_LEDGER.values()}


class LedgerList(ChangeList):
    """Sorted by what has an index, and by nothing else that somebody writes into the address."""

    def get_ordering_field(self, field_name: Any) -> Any:
        return super().get_ordering_field(field_name) if field_name in SORTED_BY else None


@admin.register(UsageRecord)
class UsageRecordAdmin(ReadOnly, UsageAdminBase):
    """The ledger, with the exact total of what is filtered."""

    change_list_template = "billing/ledger.html"
    list_display = (
        *("time", "user", "cost", "standing"),
        *("served_model", "provider", "tokens", "purpose"),
    )
    list_filter = (
        *(DayFilter, UserFilter, GroupFilter, ModelFilter, ProviderFilter),
        *("purpose", "standing", "kind"),
    )
    list_select_related = ("call__user",)
    search_fields = ("generation_id",)  # see get_search_results
    search_help_text = SEARCH_HELP
    sortable_by = SORTED_BY
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the whole ledger
    paginator = BoundedPaginator
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("cost_usd", "upstream_cost_usd", "is_byok", "price_entry"),
                    *("standing", "estimate_rule", "kind", "corrects"),
                )
            },
        ),
        (
            "Asked",
            {
                "fields": (
                    *("user_ref", "purpose", "requested_model", "conversation_ref"),
                    *("message_ref", "call", "generation_id", "created_at"),
                )
            },
        ),
        (
            "Answered",
            {
                "fields": (
                    *("served_model", "provider", "prompt_tokens", "completion_tokens"),
                    *("reasoning_tokens", "cached_tokens", "cache_write_tokens"),
                    *("ttft_ms", "duration_ms", "finish_reason"),
                )
            },
        ),
    )

    @admin.display(description="time (UTC)", ordering="created_at")
    def time(self, entry: UsageRecord) -> str:
        return f"{entry.created_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="user")
    def user(self, entry: UsageRecord) -> str:
        return name_of(entry.call)

    @admin.display(description="cost", ordering=Cast("cost_usd", FloatField()))
    def cost(self, entry: UsageRecord) -> str:
        correction = " (correction)" if entry.kind == Kind.CORRECTION else ""
        return usd_exact(entry.cost_usd) + correction

    @admin.display(description="tokens in, out")
    def tokens(self, entry: UsageRecord) -> str:
        counts = (entry.prompt_tokens, entry.completion_tokens)
        return ", ".join("unknown" if count is None else f"{count:,}" for count in counts)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """By what has an index, and by nothing else that somebody writes into the address."""
        return lookup in FILTERS

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UsageRecord], search_term: str
    ) -> tuple[QuerySet[UsageRecord], bool]:
        """A person, or whole ids: each is looked up in an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "\0" in term:  # PostgreSQL knows no such text
            return queryset.none(), False
        if ref := ref_of(term):
            return queryset.filter(user_ref=ref), False
        return queryset.filter(Q(generation_id=term) | Q(conversation_ref=term)), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LedgerList

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export)
        return [path("export/", export, name="billing_usagerecord_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The entries of the list as it is filtered, as CSV."""
        if not self.has_view_permission(request):
            return self.changelist_view(request)  # which refuses
        shown = self.get_changelist_instance(request).get_queryset(request)
        today = timezone.now().astimezone(dt.UTC).date()
        return StreamingHttpResponse(
            csv_of(shown.select_related(None)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="ledger-{today}.csv"'},
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        catch_up(most=A_PAGE)
        response = super().changelist_view(request, {"title": "Ledger", **(extra_context or {})})
        if isinstance(response, TemplateResponse) and response.context_data:
            changes = response.context_data["cl"]
            response.context_data |= {
                "total": ledger_total(request, changes.queryset),
                "overdue": Call.objects.overdue(timezone.now()).count(),
                "not_counted": PendingRollup.objects.count(),
                "days": days_to_choose(request, changes),
                "export_query": changes.get_query_string(remove=["p", "o"]),
            }
        return response


def ledger_total(request: HttpRequest, entries: QuerySet[UsageRecord]) -> Used:
    """What the filtered entries add up to: from the rollup, or of the few that a search found."""
    choice = choice_of(request)
    if choice is not None:
        return total_of(choice)
    found = entries.order_by().aggregate(
        entries=Count("pk"),
        corrections=Count("pk", filter=Q(kind=Kind.CORRECTION)),
        paid=UsdTotal("cost_usd"),
        estimated_usd=UsdTotal("cost_usd", filter=Q(standing=Standing.ESTIMATED)),
        own_key_usd=UsdTotal("upstream_cost_usd", filter=Q(is_byok=True)),
    )
    return Used(cost_usd=found.pop("paid"), **found)


def choice_of(request: HttpRequest) -> Choice | None:
    """The filters of the list as a choice; None where a search is for something else."""
    asked = {name: str(value) for name, value in request.GET.items()}
    days = days_of(asked["day"]) if asked.get("day") else (EVER.since, EVER.until)
    refs: set[str] | None = None
    if group := asked.get("group"):
        refs = set(refs_of_group(group))
    found = searched(request)
    if found == "":
        return None
    for ref in (asked.get("user_ref"), found):
        if ref:
            refs = {ref} if refs is None or ref in refs else set()
    if days is None:
        days = (EVER.until, EVER.since)  # no day at all
    alike: dict[str, Any] = {field: asked.get(name, "") for field, name in IN_THE_LEDGER.items()}
    return Choice(*days, None if refs is None else tuple(sorted(refs)), **alike)


def searched(request: HttpRequest) -> str | None:
    """The person that is searched for; "" for something else, None for no search."""
    term = request.GET.get("q", "").strip()
    return (ref_of(term) or "") if term else None


def days_to_choose(request: HttpRequest, changes: Any) -> list[tuple[str, str, bool]]:
    """The days of the chosen month, or of the newest: name, address, whether it is chosen."""
    months = known_months()
    chosen = days_of(request.GET.get("day", ""))
    if not months:
        return []
    month = chosen[0].replace(day=1) if chosen else months[0]
    return [
        (
            f"{day.day} {day:%b}",
            changes.get_query_string({"day": day.isoformat()}, ["p"]),
            chosen == (day, day),
        )
        for day in known_days(month)
    ]


@admin.register(UsageRollup)
class UsageReviewAdmin(ReadOnly, RollupAdminBase):
    """The review stands where the list of its rows would be."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)  # which refuses
        context = {
            **self.admin_site.each_context(request),
            "title": "Usage review",
            "opts": self.opts,
            **review(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "billing/usage_review.html", context)
