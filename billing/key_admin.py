"""Keys in the admin: entered once, then shown by label, last letters and hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError

from billing.key_crypto import A_KEY, can_keep_keys
from billing.key_models import ENTERED, KeyKind, UpstreamKey, hash_of
from billing.keys import give_up, is_emulated, keep
from billing.templatetags.money import usd_exact

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from billing.key_models import UpstreamKeyQuerySet

    FormBase = forms.ModelForm[UpstreamKey]
    KeyAdminBase = admin.ModelAdmin[UpstreamKey]
else:
    FormBase, KeyAdminBase = forms.ModelForm, admin.ModelAdmin

EMULATED = (
    "The built-in emulator answers here, and would be asked with this key. Set "
    "EMULATE_WITHOUT_KEY=false, or OPENROUTER_API_KEY, and restart first."
)


class KeyForm(FormBase):
    """The secret goes in and never comes back: an empty field keeps the one that is there."""

    secret = forms.CharField(
        label="Key",
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "size": 80}),
        help_text="Stored encrypted and never shown again. On a change, empty keeps the old one.",
    )

    class Meta:
        model = UpstreamKey
        fields = ("kind", "label")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            choices = [(kind.value, kind.label) for kind in ENTERED]
            self.fields["kind"] = forms.ChoiceField(choices=choices, initial=KeyKind.SHARED)

    def clean_kind(self) -> str:
        kind: str = self.cleaned_data["kind"]
        if UpstreamKey.objects.live().filter(kind=kind).exclude(pk=self.instance.pk).exists():
            raise ValidationError("There is a key of this kind already: replace its secret.")
        if kind == KeyKind.SHARED and is_emulated():
            raise ValidationError(EMULATED)
        return kind

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"]
        if not secret and self.instance.pk is None:
            raise ValidationError("Enter the key.")
        if not secret:
            return ""
        if not can_keep_keys():
            raise ValidationError("Set KEY_ENCRYPTION_KEYS first (see .env.example).")
        if not A_KEY.fullmatch(secret):
            raise ValidationError("This is no key: it has blanks, or letters that no key has.")
        others = UpstreamKey.objects.live().exclude(pk=self.instance.pk)
        if others.filter(hash=hash_of(secret)).exists():
            raise ValidationError("This key is here already.")
        return secret


class StandingFilter(admin.SimpleListFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("live", "in use"), ("ended", "given up")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(ended_at__isnull=self.value() == "live")


@admin.register(UpstreamKey)
class UpstreamKeyAdmin(KeyAdminBase):
    """Management and shared keys are entered here; those of people are only looked at."""

    form = KeyForm
    list_display = ("label", "kind", "person", "ending", "standing", "limit", "used", "synced_at")
    list_filter = ("kind", StandingFilter)
    list_select_related = ("user",)
    search_fields = ("label", "hash", "user__username")
    actions = ("forget",)
    show_facets = admin.ShowFacets.NEVER

    def get_fields(self, request: HttpRequest, obj: UpstreamKey | None = None) -> Any:
        told = ["ending", "hash", "standing", "limit", "used", "created_at", "synced_at"]
        if obj is None:
            return ["kind", "label", "secret"]
        if self.has_change_permission(request, obj):
            return ["kind", "label", "secret", *told]
        return ["kind", "label", "person", *told, "ended_at"]

    def get_readonly_fields(
        self, request: HttpRequest, obj: UpstreamKey | None = None
    ) -> list[str]:
        fields = self.get_fields(request, obj)
        return [name for name in fields if name not in ("label", "secret")] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: UpstreamKey | None = None) -> bool:
        if obj is not None and (obj.kind not in ENTERED or obj.ended_at):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, *_: object) -> bool:
        """The books point at keys: a secret is forgotten, the row stays."""
        return False

    def save_model(self, request: HttpRequest, obj: UpstreamKey, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        if secret := form.cleaned_data.get("secret"):
            keep(obj, secret)
        else:
            obj.save(update_fields=["label"])

    @admin.action(
        description="Forget the secret of the selected keys (they cannot be used any more)",
        permissions=["change"],
    )
    def forget(self, request: HttpRequest, queryset: UpstreamKeyQuerySet) -> None:
        count = give_up(queryset)
        self.message_user(request, f"{count} keys were given up.", messages.SUCCESS)

    @admin.display(description="user")
    def person(self, key: UpstreamKey) -> str:
        return key.user.get_username() if key.user else ""

    @admin.display(description="ends in")
    def ending(self, key: UpstreamKey) -> str:
        return f"…{key.last_four}" if key.last_four else ""

    @admin.display(description="standing")
    def standing(self, key: UpstreamKey) -> str:
        if key.ended_at:
            return "given up"
        if not key.token:
            return "wanted: sync_keys makes it"
        if key.is_disabled:
            return "disabled, its user is inactive" if key.is_paused else "disabled at OpenRouter"
        return "in use"

    @admin.display(description="limit at OpenRouter")
    def limit(self, key: UpstreamKey) -> str:
        return f"{usd_exact(key.limit_usd)} {key.limit_reset}" if key.limit_usd is not None else ""

    @admin.display(description="used, says OpenRouter")
    def used(self, key: UpstreamKey) -> str:
        return usd_exact(key.usage_usd)
