"""Policies in the admin: the form, the versions, the shadow's numbers, promotion and replay."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.module_loading import import_string

from routing.policy_forms import PolicyForm, pool_of
from routing.policy_models import PolicyVersion, Standing
from routing.policy_services import CannotRetire, go_live, go_shadow, next_version, retire
from routing.policy_words import differences, patterns, said
from routing.replay_forms import ReplayForm
from routing.replay_tables import notes, tables
from routing.replays import replay
from routing.services import catalogue
from routing.shadow_numbers import numbers_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    PolicyAdminBase = admin.ModelAdmin[PolicyVersion]
else:
    PolicyAdminBase = admin.ModelAdmin

ON_A_PAGE = 500  # messages that a page replays: a second or two
STEPS = {
    "live": (go_live, "Make it live", "It decides every message of {scope} from now on."),
    "shadow": (
        go_shadow,
        "Let it decide in the shadow",
        "It decides every message of {scope} beside the live policy, silently, and costs nothing.",
    ),
    "retire": (retire, "Retire it", "It decides nothing any more, and stays in the list."),
}
OFFERED = {
    Standing.DRAFT: ("live", "shadow"),
    Standing.SHADOW: ("live", "retire"),
    Standing.LIVE: (),
    Standing.RETIRED: ("live", "shadow"),
}
STANDING_WORDS = {
    Standing.DRAFT: "A draft: it decides nothing yet.",
    Standing.SHADOW: "In the shadow of the live policy",
    Standing.LIVE: "Live",
    Standing.RETIRED: "Retired",
}


@admin.register(PolicyVersion)
class PolicyAdmin(PolicyAdminBase):
    """Each row is a version. Saving a version that has been at work makes the next one."""

    form = PolicyForm
    change_form_template = "routing/policy_form.html"
    list_display = ("__str__", "state", "decides_for", "setting", "pool", "cap", "floor", "note")
    list_display_links = ("__str__",)
    list_filter = ("standing", "name")
    list_select_related = ("group",)
    search_fields = ("name", "note")
    ordering = ("name", "-number")
    actions = None
    fieldsets = (
        (None, {"fields": ("name", "group", "precedence", "note")}),
        (
            "Quality and cost",
            {
                "fields": (
                    "dial",
                    ("dial_least", "dial_most"),
                    "quality_floor_percent",
                    "price_cap_usd",
                )
            },
        ),
        ("Who may answer", {"fields": ("allowed", "excluded", "allow_free", "fallbacks")}),
        ("Privacy", {"fields": ("no_training", "zero_retention")}),
        ("For those who measure", {"classes": ("collapse",), "fields": ("explores", "weights")}),
    )

    class Media:
        css = {"all": ["switchboard/policies.css"]}

    # --- The list ---

    @admin.display(description="is", ordering="standing")
    def state(self, version: PolicyVersion) -> str:
        return format_html(
            '<span class="standing standing-{0}">{0}</span>', version.get_standing_display().lower()
        )

    @admin.display(description="for")
    def decides_for(self, version: PolicyVersion) -> str:
        return version.scope

    @admin.display(description="dial", ordering="dial")
    def setting(self, version: PolicyVersion) -> str:
        return said(version, "dial")

    @admin.display(description="pool")
    def pool(self, version: PolicyVersion) -> str:
        return patterns(version.allowed, empty="every model")

    @admin.display(description="costs at most")
    def cap(self, version: PolicyVersion) -> str:
        return said(version, "price_cap_usd")

    @admin.display(description="chance at least", ordering="quality_floor_percent")
    def floor(self, version: PolicyVersion) -> str:
        return said(version, "quality_floor_percent")

    # --- Who may what ---

    def get_readonly_fields(
        self, request: HttpRequest, obj: PolicyVersion | None = None
    ) -> tuple[str, ...]:
        return ("name", "group") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: PolicyVersion | None = None) -> bool:
        """Only drafts: what has decided stays on record."""
        return (obj is None or not obj.is_frozen) and super().has_delete_permission(request, obj)

    def may_promote(self, request: HttpRequest) -> bool:
        return request.user.has_perm("routing.promote_policyversion")

    # --- Saving ---

    def save_model(
        self,
        request: HttpRequest,
        obj: PolicyVersion,
        form: Any,
        change: bool,  # noqa: FBT001 (Django's signature)
    ) -> None:
        if not change:
            obj.for_everybody, obj.created_by_id = obj.group is None, request.user.pk
        stored = PolicyVersion.objects.filter(pk=obj.pk).first()
        if stored is None or not stored.is_frozen or stored.values() == obj.values():
            super().save_model(request, obj, form, change)
            return
        values = {name: getattr(obj, name) for name in form.cleaned_data}
        obj.pk = next_version(stored, values, by=request.user.pk).pk
        obj.refresh_from_db()

    def response_change(self, request: HttpRequest, obj: PolicyVersion) -> HttpResponse:
        """To the version that was made, which may be another than the one on the page."""
        if obj.is_frozen:
            messages.info(request, "No value was changed, so there is no new version.")
        else:
            messages.success(request, f"Saved {obj.ref}, as a draft.")
        return redirect("admin:routing_policyversion_change", obj.pk)

    def response_add(
        self, request: HttpRequest, obj: PolicyVersion, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, f"Saved {obj.ref}, as a draft.")
        return redirect("admin:routing_policyversion_change", obj.pk)

    # --- The page of a version ---

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        version: PolicyVersion | None = kwargs.get("obj")
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        if version is not None:
            context |= self._about(request, version)
        return super().render_change_form(request, context, *args, **kwargs)

    def _about(self, request: HttpRequest, version: PolicyVersion) -> dict[str, Any]:
        return {
            "state": state_of(version),
            "pool_size": len(pool_of(version.policy(), catalogue())),
            "steps": self._steps(version) if self.may_promote(request) else [],
            "versions": versions_of(version),
            "shadow": numbers_of(version),
        }

    def _steps(self, version: PolicyVersion) -> list[tuple[str, str]]:
        offered = list(OFFERED[Standing(version.standing)])
        if version.standing == Standing.LIVE and not version.for_everybody:
            offered.append("retire")
        return [
            (reverse("admin:routing_policyversion_work", args=[version.pk, step]), STEPS[step][1])
            for step in offered
        ]

    # --- Putting to work, and replay ---

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/work/<slug:step>/", view(self.work), name="routing_policyversion_work"),
            path("<int:pk>/replay/", view(self.replayed), name="routing_policyversion_replay"),
            *super().get_urls(),
        ]

    def work(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        """Ask with the numbers; with a POST, do it."""
        version = self._version(request, pk)
        if step not in STEPS:
            raise Http404
        if not self.may_promote(request):
            raise PermissionDenied
        do, title, meaning = STEPS[step]
        if request.method == "POST":
            return self._do(request, version, do, title)
        shown = replay(
            version.policy(), since=ReplayForm.days_ago(30), newest=ON_A_PAGE, pause=breathe
        )
        context = {
            "title": f"{title}: {version.ref}",
            "meaning": meaning.format(scope=version.scope),
            "replaces": replaced_by(version, step),
            "shadow": numbers_of(version),
            "notes": notes(shown),
            "tables": tables(shown),
            "button": title,
        }
        return self._page(request, version, "routing/policy_work.html", context)

    def _do(
        self, request: HttpRequest, version: PolicyVersion, do: Any, title: str
    ) -> HttpResponse:
        try:
            with transaction.atomic():
                do(version)
                version.refresh_from_db()
                facts = {"policy": version.ref, "now": version.standing, "for": version.scope}
                note = import_string(settings.AUDIT_LOG)
                note("policy-moved", subject=f"policyversion-{version.pk}", detail=facts)
        except (CannotRetire, ValueError) as error:
            messages.error(request, str(error))
        except IntegrityError:
            messages.error(request, "Somebody else was quicker. Look again, and decide anew.")
        else:
            self.log_change(request, version, title)
            messages.success(request, f"Done. {version.ref}: {state_of(version)}")
        return redirect("admin:routing_policyversion_change", version.pk)

    def replayed(self, request: HttpRequest, pk: int) -> HttpResponse:
        version = self._version(request, pk)
        form = ReplayForm(request.GET or None)
        context: dict[str, Any] = {
            "title": f"Replay: {version.ref}",
            "form": form,
            "most": ON_A_PAGE,
        }
        if form.is_valid():
            since, until = form.span()
            shown = replay(
                version.policy(), since=since, until=until, newest=ON_A_PAGE, pause=breathe
            )
            context |= {"notes": notes(shown), "tables": tables(shown)}
        return self._page(request, version, "routing/policy_replay.html", context)

    def _version(self, request: HttpRequest, pk: int) -> PolicyVersion:
        version = self.get_object(request, str(pk))
        if version is None:
            raise Http404
        if not self.has_view_permission(request, version):
            raise PermissionDenied
        return version

    def _page(
        self, request: HttpRequest, version: PolicyVersion, template: str, context: dict[str, Any]
    ) -> HttpResponse:
        common = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media}
        return TemplateResponse(request, template, {**common, "original": version, **context})


def breathe() -> None:
    """Let other threads of this process go on: replies are being written meanwhile."""
    time.sleep(0)


def state_of(version: PolicyVersion) -> str:
    words = STANDING_WORDS[Standing(version.standing)]
    if version.standing == Standing.DRAFT:
        return words
    return f"{words} for {version.scope} since {version.standing_since:%Y-%m-%d %H:%M} UTC."


def versions_of(version: PolicyVersion) -> list[dict[str, Any]]:
    """The versions of its name, newest first, each with what it changed."""
    rows: QuerySet[PolicyVersion] = PolicyVersion.objects.filter(name=version.name)
    ordered = list(rows.select_related("created_by", "group").order_by("number"))
    told = [
        {"version": row, "changed": differences(before, row), "is_this": row.pk == version.pk}
        for before, row in zip([None, *ordered], ordered, strict=False)
    ]
    return told[::-1]


def replaced_by(version: PolicyVersion, step: str) -> PolicyVersion | None:
    """Who has to go for it."""
    if step == "retire":
        return None
    peers = PolicyVersion.objects.of_the_scope_of(version).filter(standing=step)
    return peers.exclude(pk=version.pk).first()
