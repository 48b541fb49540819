"""Credits and price book in the admin: to look at, never to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from billing.admin import BoundedPaginator, ReadOnly
from billing.credits import credits_chart
from billing.credits_models import CreditsSnapshot
from billing.money import format_usd, usd_text
from billing.pricebook_models import PriceEntry
from billing.pricebook_prices import PER_MTOK, price_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    CreditsAdminBase = admin.ModelAdmin[CreditsSnapshot]
    PriceAdminBase = admin.ModelAdmin[PriceEntry]
else:
    CreditsAdminBase = PriceAdminBase = admin.ModelAdmin


@admin.register(CreditsSnapshot)
class CreditsAdmin(ReadOnly, CreditsAdminBase):
    """What `manage.py sync_credits` was told, with how it went."""

    change_list_template = "billing/credits.html"
    list_display = ("time", "left", "bought", "used")
    list_display_links = None
    sortable_by = ()
    date_hierarchy = "taken_at"
    show_full_result_count = False
    paginator = BoundedPaginator

    @admin.display(description="asked (UTC)")
    def time(self, snapshot: CreditsSnapshot) -> str:
        return f"{snapshot.taken_at:%Y-%m-%d %H:%M}"

    @admin.display(description="left")
    def left(self, snapshot: CreditsSnapshot) -> str:
        return format_usd(snapshot.left_usd)

    @admin.display(description="bought")
    def bought(self, snapshot: CreditsSnapshot) -> str:
        return format_usd(snapshot.total_usd)

    @admin.display(description="used")
    def used(self, snapshot: CreditsSnapshot) -> str:
        return format_usd(snapshot.used_usd)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "title": "Credits",
            "chart": credits_chart(),
            "latest": CreditsSnapshot.objects.first(),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})


@admin.register(PriceEntry)
class PriceEntryAdmin(ReadOnly, PriceAdminBase):
    """What each model charged from which day on, as `manage.py sync_models` found it."""

    list_display = ("model", "time", "listing", "prompt", "completion", "alias_target")
    list_filter = ("listing",)
    date_hierarchy = "seen_at"
    search_fields = ("model", "permaslug__exact")
    search_help_text = "Part of a model's name, or its whole dated name."
    sortable_by = ("model", "time")
    show_full_result_count = False
    paginator = BoundedPaginator
    fields = ("model", "permaslug", "alias_target", "listing", "expires_on", "prices", "seen_at")

    @admin.display(description="seen (UTC)", ordering="seen_at")
    def time(self, entry: PriceEntry) -> str:
        return f"{entry.seen_at:%Y-%m-%d %H:%M}"

    @admin.display(description="prompt, per million tokens")
    def prompt(self, entry: PriceEntry) -> str:
        return per_million(entry, "prompt")

    @admin.display(description="completion, per million tokens")
    def completion(self, entry: PriceEntry) -> str:
        return per_million(entry, "completion")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Price book", **(extra_context or {})})


def per_million(entry: PriceEntry, name: str) -> str:
    """A price of the book; where it is none, that it depends."""
    price = price_of(entry.prices, name)
    return "depends" if price is None else f"${usd_text(price * PER_MTOK)}"
