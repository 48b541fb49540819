"""What an administrator sees of how people sign in: that it is so, and never a secret.

Nothing is added or changed here. A second factor, a session or a connection may be deleted: for
who has lost the telephone, and for an account that somebody else is in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.http import HttpRequest

from billing.audited import Audited
from billing.models import user_ref

if TYPE_CHECKING:
    AdminBase = admin.ModelAdmin[Any]
else:
    AdminBase = admin.ModelAdmin

for model in (Authenticator, UserSession, SocialApp, SocialToken, SocialAccount):
    admin.site.unregister(model)


class ToLookAt(AdminBase):
    """Read and deleted; `fields` names all that is shown."""

    list_select_related = ["user"]
    search_fields = ["user__username", "user__email"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser's is a superuser's to delete, as their account is."""
        whose = getattr(obj, "user", None)
        protected = whose is not None and whose.is_superuser
        allowed = not protected or bool(getattr(request.user, "is_superuser", False))
        return allowed and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """To delete many at once asks for no right to each of them."""
        actions = super().get_actions(request)
        return actions if getattr(request.user, "is_superuser", False) else {}


@admin.register(Authenticator)
class SecondFactorAdmin(Audited, ToLookAt):
    audit_action = "factor-removed"
    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    fields = ["user", "type", "created_at", "last_used_at"]

    def audit_subject(self, obj: Authenticator) -> str:
        return user_ref(obj.user)

    def audit_facts(self, obj: Authenticator) -> dict[str, Any]:
        return {"factor": obj.type}


@admin.register(UserSession)
class SessionAdmin(Audited, ToLookAt):
    audit_action = "session-ended"
    list_display = ["user", "ip", "user_agent", "created_at", "last_seen_at"]
    fields = ["user", "ip", "user_agent", "created_at", "last_seen_at"]

    def audit_subject(self, obj: UserSession) -> str:
        return user_ref(obj.user)

    def delete_model(self, request: HttpRequest, obj: UserSession) -> None:
        """To delete the line is to end the session."""
        obj.end()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        Session.objects.filter(pk__in=list(queryset.values_list("session_key", flat=True))).delete()
        queryset.delete()


@admin.register(SocialAccount)
class ConnectionAdmin(ToLookAt):
    list_display = ["user", "provider", "date_joined", "last_login"]
    fields = ["user", "provider", "date_joined", "last_login"]
