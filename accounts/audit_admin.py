"""The audit log in the admin: to look at, for superusers and who may view audit entries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin

from accounts.audit_models import SERVER, AuditEntry
from billing.admin import BoundedPaginator, ReadOnly
from billing.usage_people import REF, names_of, ref_of

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    AuditAdminBase = admin.ModelAdmin[AuditEntry]
else:
    AuditAdminBase = admin.ModelAdmin


class WhoFilter(admin.SimpleListFilter):
    """By who acted, or whom it was about: `?person=ada`, or an id, which the search makes."""

    title = "person"
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get(str(self.parameter_name), "")
        me = request.user.get_username()
        return [(name, name) for name in dict.fromkeys([chosen, me]) if name]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return about(queryset, str(self.value()))


def about(entries: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Entries by or about whom a text names; about anything else, by its whole id."""
    ref = ref_of(text) or text.strip()
    return entries.filter(actor_ref=ref) | entries.filter(subject_ref=ref)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly, AuditAdminBase):
    """Newest first. Nobody adds, changes or deletes here; the database refuses it, too."""

    list_display = ("time", "action", "who", "whom", "facts", "address")
    list_filter = ("action", WhoFilter)
    list_select_related = ("origin",)
    date_hierarchy = "created_at"
    search_fields = ("actor_ref",)  # see get_search_results
    search_help_text = "A username, or the whole id of a person, a conversation, a key, ..."
    sortable_by = ("time",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    fields = ("time", "action", "who", "whom", "facts", "address", "actor_ref", "subject_ref")
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (about(queryset, search_term) if search_term.strip() else queryset), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Audit log", **(extra_context or {})})

    @admin.display(description="time (UTC)", ordering="created_at")
    def time(self, entry: AuditEntry) -> str:
        return f"{entry.created_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="who")
    def who(self, entry: AuditEntry) -> str:
        return named(entry.actor_ref)

    @admin.display(description="to what or whom")
    def whom(self, entry: AuditEntry) -> str:
        return "" if entry.subject_ref == entry.actor_ref else named(entry.subject_ref)

    @admin.display(description="facts")
    def facts(self, entry: AuditEntry) -> str:
        return "; ".join(f"{name}: {said(value)}" for name, value in entry.detail.items())

    @admin.display(description="from address")
    def address(self, entry: AuditEntry) -> str:
        return entry.origin.address if hasattr(entry, "origin") else ""


def named(ref: str) -> str:
    """A person by name while there is one, anything else by its id."""
    if ref == SERVER:
        return "the server"
    if not ref:
        return "nobody signed in"
    return names_of([ref])[ref] if REF.fullmatch(ref) else ref


def said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(said, value)) or "none"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return {True: "yes", False: "no", None: "none"}.get(value, str(value))
