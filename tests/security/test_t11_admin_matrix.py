"""T1, T9, T11: the admin's addresses, walked, and tried by staff without a single permission."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import URLPattern

from accounts.models import User
from billing.models import UsageRecord
from routing.policy_models import PolicyVersion, Standing

FILLED = {"<path:object_id>": "1", "<int:pk>": "1", "<slug:step>": "live", "<id>": "1"}


def addresses() -> Iterator[str]:
    for model, owner in admin.site._registry.items():
        start = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for entry in owner.get_urls():
            if isinstance(entry, URLPattern):
                route = str(entry.pattern)
                for name, value in FILLED.items():
                    route = route.replace(name, value)
                assert "<" not in route, f"say here what fits {route}"
                yield start + route


ALL = sorted(set(addresses()))


@pytest.fixture
def policy(db: None) -> PolicyVersion:
    existing = PolicyVersion.objects.filter(pk=1).first()
    return existing or PolicyVersion.objects.create(pk=1, name="first", number=1)


def test_t11_staff_without_permissions_see_and_do_nothing(
    client: Client, policy: PolicyVersion
) -> None:
    client.force_login(User.objects.create_user("clerk", password="engine", is_staff=True))
    standing = PolicyVersion.objects.get(pk=policy.pk).standing
    assert len(ALL) > 40
    for url in ALL:
        for answer in (client.get(url), client.post(url, {"post": "yes"})):
            onward = answer.headers.get("Location", "")
            refused = answer.status_code in (403, 404, 405)
            assert refused or (answer.status_code == 302 and onward.startswith("/admin/")), url
    assert PolicyVersion.objects.get(pk=policy.pk).standing == standing


def test_t11_who_may_only_look_at_policies_puts_none_to_work(
    client: Client, policy: PolicyVersion
) -> None:
    clerk = User.objects.create_user("clerk", password="engine", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_policyversion"))
    client.force_login(clerk)
    draft = PolicyVersion.objects.create(name="draft", number=1)
    url = f"/admin/routing/policyversion/{draft.pk}/"
    assert client.post(f"{url}work/live/").status_code == 403
    assert client.post(f"{url}change/", {"dial": 10}).status_code == 403
    assert PolicyVersion.objects.get(pk=draft.pk).standing == Standing.DRAFT


@pytest.mark.parametrize("hostile", ["'", "1 OR 1=1", "%", "\\", "{}", "__proto__", "9" * 40, "é"])
def test_t11_no_filter_of_the_ledger_is_a_statement(client: Client, db: None, hostile: str) -> None:
    """T11: what is written into the address is a value, or nothing."""
    client.force_login(User.objects.create_superuser("root", password="engine"))
    base = f"/admin/billing/{UsageRecord._meta.model_name}/"
    for name in ("q", "day", "user_ref", "group", "served_model", "provider", "o", "p",
                 "user__password__startswith", "cost_usd__gt", "id__in"):  # fmt: skip
        for url in (base, f"{base}export/"):
            answer = client.get(url, {name: hostile})
            assert answer.status_code < 500, (url, name)
