"""People and groups in the admin; invitations and the audit log have modules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.audit import note
from accounts.erasure import CannotErase, erase, plan, require_erasable
from accounts.models import Action, User
from accounts.roles import changes, rights_of, rights_of_group
from billing.models import Budget
from routing.models import PolicyVersion

if TYPE_CHECKING:
    from django.db.models import QuerySet

    UserAdminBase = UserAdmin[User]
else:
    UserAdminBase = UserAdmin

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class PersonAdmin(UserAdminBase):
    """Who may change accounts gives no rights, to nobody, and touches no superuser's account.

    Otherwise the permission to change accounts would be the permission to everything.
    """

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if is_superuser(request) else (*fields, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_touch(request, obj) and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """To delete many at once asks for no right to each of them."""
        actions = super().get_actions(request)
        return actions if is_superuser(request) else {}

    # --- To delete an account is to erase its person

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The receipt in place of a list of rows: who may delete people may delete all of these."""
        receipts = [plan(user) for user in objs]
        lines = [
            [
                f"{user.get_username()} ({receipt.ref})",
                [f"{it.count} {it.what}" for it in receipt.removed],
            ]
            for user, receipt in zip(objs, receipts, strict=True)
        ]
        names = [user.get_username() for user in objs if _is_needed(user)]
        allowed = all(self.has_delete_permission(request, user) for user in objs)
        needed = set() if allowed else {str(self.opts.verbose_name)}
        return lines, {"people": len(receipts)}, needed, names

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """In no transaction: replies that are being written have to end meanwhile."""
        return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        erase(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            try:
                erase(user)
            except CannotErase as error:
                self.message_user(request, error.for_person, messages.ERROR)

    # --- What the audit log is told ---

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        request.rights_before = rights_of(obj)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        super().save_related(request, form, formsets, change)
        before = getattr(request, "rights_before", {})
        if change and (told := changes(before, rights_of(form.instance))):
            note(Action.RIGHTS_CHANGED, subject=form.instance, detail=told)

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> Any:
        told = changes(
            {"is_active": True, "is_staff": False, "is_superuser": False}, rights_of(obj)
        )
        note(Action.ACCOUNT_MADE, subject=obj, detail=told)
        return super().log_addition(request, obj, message)

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002 (Django's name)
        user = self.get_object(request, unquote(id))  # None where the id is none
        before = user.password if user else ""
        response = super().user_change_password(request, id, form_url)
        after = User.objects.filter(pk=user.pk).first() if user else None
        if request.method == "POST" and after is not None and after.password != before:
            note(Action.PASSWORD_CHANGED, subject=after)
        return response


admin.site.unregister(Group)


@admin.register(Group)
class TeamAdmin(GroupAdmin):
    """A group, with the way to its budget, its policy and its members.

    Only superusers give it permissions: who may change groups might be a member of one.
    """

    list_display = ("name", "budget", "policy", "members")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        links = ("budget", "policy", "members")
        return links if is_superuser(request) else ("permissions", *links)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("name", "permissions")})]
        links = ("budget", "policy", "members")
        return [(None, {"fields": ("name", *links)}), ("Rights", {"fields": ("permissions",)})]

    @admin.display(description="budget that its members share")
    def budget(self, group: Group) -> SafeString:
        found = Budget.objects.filter(group=group).first()
        if found is None:
            add = reverse("admin:billing_budget_add")
            return format_html('none <a href="{}?group={}">Add one</a>', add, group.pk)
        page = reverse("admin:billing_budget_change", args=[found.pk])
        return format_html('<a href="{}">{}</a>', page, _limits(found))

    @admin.display(description="policies, which say which models may answer")
    def policy(self, group: Group) -> SafeString:
        rows = PolicyVersion.objects.filter(group=group).at_work().order_by("standing")
        links = format_html_join(
            ", ",
            '<a href="{}">{} ({})</a>',
            (
                (
                    reverse("admin:routing_policyversion_change", args=[row.pk]),
                    row.ref,
                    row.standing,
                )
                for row in rows
            ),
        )
        add = reverse("admin:routing_policyversion_add")
        more = format_html('<a href="{}?group={}">Draft one</a>', add, group.pk)
        return format_html("{} {}", links or "that of everybody", more)

    @admin.display(description="members")
    def members(self, group: Group) -> SafeString:
        people = reverse("admin:accounts_user_changelist")
        count = User.objects.filter(groups=group).count()
        return format_html('<a href="{}?groups__id__exact={}">{}</a>', people, group.pk, count)

    # --- What the audit log is told ---

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        request.rights_before = rights_of_group(obj)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        super().save_related(request, form, formsets, change)
        group = form.instance
        told = changes(getattr(request, "rights_before", {}), rights_of_group(group))
        done = {"done": "changed" if change else "added", "name": group.name}
        note(Action.GROUP_CHANGED, subject=f"group-{group.pk}", detail=done | told)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for group in queryset:
            told = {"done": "deleted", "name": group.name}
            note(Action.GROUP_CHANGED, subject=f"group-{group.pk}", detail=told)
        return super().log_deletions(request, queryset)


def _limits(budget: Budget) -> str:
    limits = [f"${usd.normalize():f} per {period}" for period, usd in budget.money()]
    if budget.requests_per_minute is not None:
        limits.append(f"{budget.requests_per_minute} requests per minute")
    return ", ".join(limits) or "without a limit"


def _is_needed(user: User) -> bool:
    try:
        require_erasable(user)
    except CannotErase:
        return True
    return False


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _may_touch(request: HttpRequest, account: Any) -> bool:
    return account is None or not account.is_superuser or is_superuser(request)
