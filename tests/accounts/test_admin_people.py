"""People and groups in the admin: what is told of changes, and where a group's budget is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.models import Action, User
from billing.models import Budget
from routing.policy_models import PolicyVersion, Standing
from tests.accounts.people import noted

pytestmark = pytest.mark.django_db


def form(user: User, **more: Any) -> dict[str, Any]:
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return {"username": user.username, "is_active": "on", **dates, **more}


def test_rights_are_told_before_and_after(ada: User, root: User, client: Client) -> None:
    group = Group.objects.create(name="Law")
    client.force_login(root)
    page = f"/admin/accounts/user/{ada.pk}/change/"
    client.post(page, form(ada, is_staff="on", groups=[group.pk]))
    client.post(page, form(ada, first_name="Ada", is_staff="on", groups=[group.pk]))
    client.post(page, form(ada, groups=[]) | {"is_active": ""})
    first, last = noted(Action.RIGHTS_CHANGED)  # a name is no right
    assert (first.actor_ref, first.subject_ref) == (f"user-{root.pk}", f"user-{ada.pk}")
    assert first.detail == {"is_staff": True, "groups given": ["Law"]}
    assert last.detail == {"is_active": False, "is_staff": False, "groups taken": ["Law"]}


def test_a_password_that_an_administrator_sets_is_told(
    ada: User, root: User, client: Client
) -> None:
    client.force_login(root)
    sent = {"usable_password": "true", "password1": "n3w-Passw0rd", "password2": "n3w-Passw0rd"}
    client.post(f"/admin/accounts/user/{ada.pk}/password/", sent)
    assert User.objects.get(pk=ada.pk).check_password("n3w-Passw0rd")
    assert [entry.subject_ref for entry in noted(Action.PASSWORD_CHANGED)] == [f"user-{ada.pk}"]


def test_a_new_account_is_told(root: User, client: Client) -> None:
    client.force_login(root)
    sent = {
        "username": "bea",
        "usable_password": "true",
        "password1": "n3w-Passw0rd",
        "password2": "n3w-Passw0rd",
    }
    assert client.post("/admin/accounts/user/add/", sent).status_code == 302
    bea = User.objects.get(username="bea")
    assert [entry.subject_ref for entry in noted(Action.ACCOUNT_MADE)] == [f"user-{bea.pk}"]


def test_a_group_tells_its_permissions(root: User, client: Client) -> None:
    may = Permission.objects.get(codename="view_budget")
    client.force_login(root)
    client.post("/admin/auth/group/add/", {"name": "Books", "permissions": [may.pk]})
    group = Group.objects.get()
    client.post(f"/admin/auth/group/{group.pk}/change/", {"name": "Books", "permissions": []})
    client.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})
    told = [entry.detail for entry in noted(Action.GROUP_CHANGED)]
    assert told == [
        {"done": "added", "name": "Books", "permissions given": ["view_budget"]},
        {"done": "changed", "name": "Books", "permissions taken": ["view_budget"]},
        {"done": "deleted", "name": "Books"},
    ]


def test_who_may_change_groups_gives_them_no_permissions(client: Client) -> None:
    """T9: else the permission to change a group would be the permission to everything."""
    clerk = User.objects.create_user("clerk", password="engine", is_staff=True)
    group = Group.objects.create(name="Clerks")
    clerk.groups.add(group)
    clerk.user_permissions.add(Permission.objects.get(codename="change_group"))
    client.force_login(clerk)
    everything = list(Permission.objects.values_list("pk", flat=True))
    sent = {"name": "Renamed", "permissions": everything}
    assert client.post(f"/admin/auth/group/{group.pk}/change/", sent).status_code == 302
    group.refresh_from_db()
    assert (group.name, group.permissions.count()) == ("Renamed", 0)


def test_a_groups_page_leads_to_its_budget_policy_and_members(
    ada: User, root: User, client: Client
) -> None:
    group = Group.objects.create(name="Law")
    client.force_login(root)
    page = f"/admin/auth/group/{group.pk}/change/"
    assert f"/admin/billing/budget/add/?group={group.pk}" in client.get(page).content.decode()
    ada.groups.add(group)
    budget = Budget.objects.create(group=group, per_month_usd=Decimal("12.50"))
    live = PolicyVersion.objects.create(
        name="law", group=group, for_everybody=False, standing=Standing.LIVE
    )
    shown = client.get(page).content.decode()
    assert f'href="/admin/billing/budget/{budget.pk}/change/">$12.5 per month</a>' in shown
    assert f'href="/admin/routing/policyversion/{live.pk}/change/">law@1 (live)</a>' in shown
    assert f'href="/admin/accounts/user/?groups__id__exact={group.pk}">1</a>' in shown
    added = client.get(f"/admin/billing/budget/add/?group={group.pk}").content.decode()
    assert f'<option value="{group.pk}" selected>Law</option>' in added


def test_a_password_of_nobody_is_no_fault(root: User, client: Client) -> None:
    client.force_login(root)
    for number in ("x", "999", "9" * 40):
        answer = client.post(f"/admin/accounts/user/{number}/password/", {"password1": "x"})
        assert answer.status_code in (302, 404), number
