"""Invitations in the admin: made, shown once as a link, listed, taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.admin import is_superuser
from accounts.invitations import MOST_DAYS, CannotInvite, invite, mail, path_of, take_back
from accounts.models import Invitation, User

if TYPE_CHECKING:
    from django.db.models import QuerySet

    FormBase = forms.ModelForm[Invitation]
    InvitationAdminBase = admin.ModelAdmin[Invitation]
else:
    FormBase, InvitationAdminBase = forms.ModelForm, admin.ModelAdmin


class InvitationForm(FormBase):
    days = forms.IntegerField(label="Days that it lasts", min_value=1, max_value=MOST_DAYS)
    send = forms.BooleanField(
        label="Send it by e-mail",
        required=False,
        help_text="Whoever uses it has thereby confirmed the address.",
    )

    class Meta:
        model = Invitation
        fields = ("email", "groups")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["days"].initial = settings.INVITATION_DAYS

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("send") and not cleaned.get("email"):
            raise ValidationError("To send it, say to which address.")
        email = cleaned.get("email")
        if email and User.objects.filter(email__iexact=email).exists():
            raise ValidationError("Somebody has an account with this address already.")
        return cleaned


class StandingFilter(admin.SimpleListFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "open"), ("used", "used"), ("over", "expired or taken back")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "open":
            return queryset & Invitation.objects.open()
        if self.value() == "used":
            return queryset.filter(used_at__isnull=False)
        if self.value() == "over":
            gone = queryset.filter(used_at=None)
            return gone.filter(expires_at__lte=timezone.now()) | gone.exclude(ended_at=None)
        return queryset


@admin.register(Invitation)
class InvitationAdmin(InvitationAdminBase):
    """Only superusers invite into groups: a group may give rights."""

    form = InvitationForm
    list_display = ("__str__", "email", "state", "into", "invited_by", "used_by", "expires_at")
    list_filter = (StandingFilter,)
    list_select_related = ("invited_by", "used_by")
    search_fields = ("email", "invited_by__username", "used_by__username")
    filter_horizontal = ("groups",)
    actions = ("end",)
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        if obj is None:
            groups = ("groups",) if is_superuser(request) else ()
            return ("email", "send", *groups, "days")
        people = ("invited_by", "used_by", "used_at")
        return ("email", "state", "into", "created_at", "expires_at", *people)

    def get_readonly_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def has_change_permission(self, *_: object) -> bool:
        return False

    def has_delete_permission(self, *_: object) -> bool:
        """They are taken back, and cleared away when they are long over (apply_retention)."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Invitations", **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if settings.SIGN_UP == "off":
            self.message_user(request, "Nobody can be invited: SIGN_UP is off.", messages.WARNING)
            return self.response_post_save_add(request, Invitation())
        return super().add_view(request, *args, **kwargs)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Invitation:  # noqa: FBT001 (Django's signature)
        """Made by the service, so that there is one way to make them."""
        told = form.cleaned_data
        groups = told.get("groups", ()) if is_superuser(request) else ()
        by = cast("User", request.user)
        try:
            made, token = invite(by=by, email=told["email"], groups=groups, days=told["days"])
        except CannotInvite as error:  # SIGN_UP is looked at before: it cannot be
            raise PermissionDenied(error.for_person) from error
        form.instance = made
        request.invitation_link = request.build_absolute_uri(path_of(token))  # type: ignore[attr-defined]
        return made

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        """It is stored already."""

    def save_related(self, *_: object) -> None:
        """Its groups, too."""

    def response_add(
        self, request: HttpRequest, obj: Invitation, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The link, which is never shown again."""
        link = str(request.invitation_link)  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "The invitation is made",
            "invitation": obj,
            "link": link,
            "sent": request.POST.get("send") == "on" and self._sent(request, obj, link),
        }
        return TemplateResponse(request, "account/invitation_made.html", context)

    def _sent(self, request: HttpRequest, obj: Invitation, link: str) -> bool:
        try:
            mail(obj, link)
        except OSError as error:
            told = f"The mail was not sent ({type(error).__name__}). Hand the link on yourself."
            self.message_user(request, told, messages.ERROR)
            return False
        return True

    @admin.action(description="Take the selected invitations back", permissions=["add"])
    def end(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        ended = sum(take_back(each) for each in queryset)
        self.message_user(request, f"{ended} invitations were taken back.", messages.SUCCESS)

    @admin.display(description="is")
    def state(self, invitation: Invitation) -> str:
        return invitation.standing

    @admin.display(description="groups")
    def into(self, invitation: Invitation) -> str:
        return ", ".join(group.name for group in invitation.groups.all())
