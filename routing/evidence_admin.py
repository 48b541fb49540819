"""What people's votes taught the router, in the admin: to look at, and to take back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from routing.evidence_memory import memory
from routing.evidence_models import Evidence
from routing.reasons import demand_text, leaning
from routing.shelf import shelf

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Evidence]
else:
    _Admin = admin.ModelAdmin


@admin.register(Evidence)
class EvidenceAdmin(_Admin):
    """Counts by person, kind of prompt and model; deleting a row resets what it taught."""

    list_display = ["user", "kind", "model", "good", "bad", "as_expected", "lean", "updated_at"]
    list_filter = ["demand"]
    search_fields = ["user__username", "model"]
    list_select_related = ["user"]
    date_hierarchy = "updated_at"
    list_per_page = 100

    @admin.display(description="kind of prompt", ordering="demand")
    def kind(self, row: Evidence) -> str:
        return demand_text(row.demand)

    @admin.display(ordering="successes")
    def good(self, row: Evidence) -> str:
        return f"{row.successes:.1f}"

    @admin.display(ordering="failures")
    def bad(self, row: Evidence) -> str:
        return f"{row.failures:.1f}"

    @admin.display(description="good, as predicted", ordering="expected")
    def as_expected(self, row: Evidence) -> str:
        return f"{row.expected:.1f}"

    @admin.display(description="so the router")
    def lean(self, row: Evidence) -> str:
        moved = memory.of(row.user_id).shifts(row.demand, shelf.snapshot().ladder)
        return leaning(moved.get(row.model, 0.0))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Evidence | None = None) -> bool:
        return False
