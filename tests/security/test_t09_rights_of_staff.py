"""T9: who may change accounts cannot make an administrator, not of themselves either."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.models import User


@pytest.fixture
def clerk(db: None, client: Client) -> User:
    """A member of staff who may do everything with accounts."""
    clerk = User.objects.create_user("clerk", password="engine", is_staff=True)
    mine = Permission.objects.filter(content_type__app_label="accounts")
    clerk.user_permissions.add(*mine)
    client.force_login(clerk)
    return clerk


def form(user: User, **more: Any) -> dict[str, Any]:
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return {"username": user.username, "is_active": "on", **dates, **more}


@pytest.mark.parametrize("right", ["is_superuser", "is_staff", "groups", "user_permissions"])
def test_t09_no_right_is_given(clerk: User, client: Client, right: str) -> None:
    group = Group.objects.create(name="rulers")
    everything = Permission.objects.values_list("pk", flat=True)
    values = {"groups": [group.pk], "user_permissions": list(everything)}
    other = User.objects.create_user("other", password="engine")
    for target in (clerk, other):
        held = target.user_permissions.count()
        sent = form(target, first_name="changed", **{right: values.get(right, "on")})
        answer = client.post(f"/admin/accounts/user/{target.pk}/change/", sent)
        assert answer.status_code == 302  # the rest of the form is taken
        now = User.objects.get(pk=target.pk)
        assert now.first_name == "changed"
        assert (now.is_superuser, now.is_staff) == (False, target == clerk)
        assert (now.groups.count(), now.user_permissions.count()) == (0, held)


@pytest.mark.parametrize("page", ["change", "password", "delete"])
def test_t09_a_superusers_account_is_not_touched(clerk: User, client: Client, page: str) -> None:
    root = User.objects.create_superuser("root", password="engine")
    sent = form(root, password1="n3w-Passw0rd", password2="n3w-Passw0rd", post="yes")
    answer = client.post(f"/admin/accounts/user/{root.pk}/{page}/", sent)
    assert answer.status_code == 403
    now = User.objects.get(pk=root.pk)
    assert now.is_superuser
    assert now.check_password("engine")


def test_t09_nor_by_the_list(clerk: User, client: Client) -> None:
    root = User.objects.create_superuser("root", password="engine")
    sent = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    client.post("/admin/accounts/user/", sent)
    assert User.objects.filter(pk=root.pk).exists()


def test_t09_a_superuser_gives_rights(client: Client, db: None) -> None:
    root = User.objects.create_superuser("root", password="engine")
    other = User.objects.create_user("other", password="engine")
    client.force_login(root)
    client.post(f"/admin/accounts/user/{other.pk}/change/", form(other, is_staff="on"))
    assert User.objects.get(pk=other.pk).is_staff
