"""The catalogue in the admin: to look at. `sync_models` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import FloatField
from django.db.models.functions import Cast
from django.http import HttpRequest

from routing.admin_policies import PolicyAdmin
from routing.evidence_admin import EvidenceAdmin
from routing.live_figures import Figures
from routing.live_shelf import lately
from routing.models import LanguageModel
from routing.prices import per_mtok

__all__ = [
    "EvidenceAdmin",
    "LanguageModelAdmin",
    "PolicyAdmin",
]  # looked for here

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[LanguageModel]
else:
    _Admin = admin.ModelAdmin


@admin.register(LanguageModel)
class LanguageModelAdmin(_Admin):
    list_display = [
        "slug",
        "name",
        "prompt_per_mtok",
        "completion_per_mtok",
        "context_length",
        "created",
        "expires_on",
        "is_available",
        "own_calls",
    ]
    list_filter = ["is_available", "is_free", "is_batch", "is_router", "author"]
    search_fields = ["slug", "name", "canonical_slug"]
    date_hierarchy = "created"
    list_per_page = 100

    @admin.display(description="in, $/M tokens", ordering=Cast("prompt_usd", FloatField()))
    def prompt_per_mtok(self, model: LanguageModel) -> str:
        return per_mtok(model.prompt_usd)

    @admin.display(description="out, $/M tokens", ordering=Cast("completion_usd", FloatField()))
    def completion_per_mtok(self, model: LanguageModel) -> str:
        return per_mtok(model.completion_usd)

    @admin.display(description="own calls, lately")
    def own_calls(self, model: LanguageModel) -> str:
        """By provider; the newer a call, the more it counts."""
        told = lately(model.slug, model.canonical_slug)
        return "; ".join(_lately(provider, figures) for provider, figures in told) or "-"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: LanguageModel | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: LanguageModel | None = None) -> bool:
        return False


def _lately(provider: str, figures: Figures) -> str:
    """`Fireworks: first token after 0.4 s, 80 tokens a second, 0% failed`."""
    told = []
    if figures.waits:
        told.append(f"first token after {figures.wait_s / figures.waits:.1f} s")
    if figures.seconds:
        told.append(f"{figures.tokens / figures.seconds:.0f} tokens a second")
    if figures.calls:
        told.append(f"{figures.failures / figures.calls:.0%} failed")
    return f"{provider or 'unknown provider'}: {', '.join(told) or 'nothing known'}"
