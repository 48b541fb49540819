"""The catalogue in the admin: to look at. `sync_models` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import FloatField
from django.db.models.functions import Cast
from django.http import HttpRequest

from routing.models import LanguageModel
from routing.prices import per_mtok

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

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: LanguageModel | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: LanguageModel | None = None) -> bool:
        return False
