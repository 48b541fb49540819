"""T9: no form sets a right, a budget or an owner that it does not show.

Every address of the resolver is posted to by its owner with fields that are none of the form's;
whoever may change accounts in the admin is in test_t09_rights_of_staff.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from billing.credits_models import CreditsSnapshot
from billing.models import Budget, UpstreamKey, UsageRecord
from chat.models import Conversation
from tests.security.matrix import ALL, FORM, Belongings, filled

RIGHTS = ("is_staff", "is_superuser", "is_active")
SEIZED: dict[str, Any] = {
    **dict.fromkeys(("is_staff", "is_superuser", "staff", "superuser", "admin", "verified"), "on"),
    **dict.fromkeys(("groups", "user_permissions", "group", "group_id", "groups_id"), "1"),
    **dict.fromkeys(("balance", "credit", "budget", "per_day_usd", "per_month_usd"), "1000000"),
    **dict.fromkeys(("user__is_superuser", "user.is_superuser", "user[is_superuser]"), "1"),
    "role": "admin",
    "requests_per_minute": "",
    "is_active": "on",
    "permissions": "all",
    "user_id": "2",
    "user": "2",
    "owner": "2",
    "owner_id": "2",
    "requested_by": "2",
    "pk": "1",
    "id": "1",
}
LEAVES = {"account_logout", "account_erase", "account_end_session"}  # what they do is asked for


pytestmark = pytest.mark.usefixtures("idle")


def test_t09_no_form_gives_a_right_a_budget_or_a_thing_to_another(
    hers: Belongings, ada: User, eve: User, client: Client
) -> None:
    Group.objects.create(pk=1, name="rulers")
    Authenticator.objects.all().delete()  # hers is of no use, and pages that ask for it say so
    for address in ALL:
        if address.name in LEAVES:
            continue
        for url in filled(address, hers):
            client.force_login(User.objects.get(pk=ada.pk))
            answer = client.post(url, FORM | SEIZED)
            assert answer.status_code < 500, url
    for person in User.objects.all():
        assert [getattr(person, it) for it in RIGHTS] == [False, False, True]
        assert not person.groups.exists()
        assert not person.user_permissions.exists()
    assert not Budget.objects.exists()
    assert not UpstreamKey.objects.exists()
    assert not UsageRecord.objects.filter(cost_usd__lt=0).exists()
    assert not CreditsSnapshot.objects.exists()
    assert owners() <= {ada.pk}


def owners() -> set[int]:
    """Whose rows there are, of every model of the project that has an owner."""
    found = set()
    for model in apps.get_models():
        columns = {it.name for it in model._meta.concrete_fields}
        if model._meta.app_label in ("chat", "billing", "routing") and "user" in columns:
            found |= set(model._default_manager.exclude(user=None).values_list("user", flat=True))
    return found


def test_t09_eves_own_forms_take_nothing_of_adas(
    hers: Belongings, ada: User, eve: User, client: Client
) -> None:
    """A form with the fields of an owner leaves what is another's alone."""
    client.force_login(eve)
    sent = FORM | SEIZED | {"user": str(ada.pk), "user_id": str(ada.pk), "owner": str(ada.pk)}
    before = Conversation.objects.filter(user=ada).count()
    for url in ("/send/", "/folders/", "/library/prompts/", "/models/favourite/"):
        client.post(url, sent)
    assert Conversation.objects.filter(user=ada).count() == before
    assert Conversation.objects.filter(user=eve).exists()


def test_t09_who_signs_up_is_nobody_special(db: None, client: Client, settings: Settings) -> None:
    settings.SIGN_UP = "open"
    Group.objects.create(pk=1, name="rulers")
    password = "a-long-enough-Passw0rd"
    client.post(
        "/accounts/signup/",
        SEIZED | {"username": "mallory", "email": "m@example.org", "password1": password,
                  "password2": password},
    )  # fmt: skip
    made = User.objects.get(username="mallory")
    assert (made.is_staff, made.is_superuser) == (False, False)
    assert not made.groups.exists()


@pytest.mark.parametrize("field", ["spent_usd", "requests", "cost_usd", "state", "user_ref"])
def test_t09_an_administrator_cannot_write_into_the_books(
    hers: Belongings, root: User, client: Client, field: str
) -> None:
    """Calls, entries and accounts are there to be read."""
    client.force_login(root)
    for model in ("call", "usagerecord"):
        url = f"/admin/billing/{model}/"
        assert client.post(f"{url}add/", {field: "1"}).status_code == 403
        assert client.post(f"{url}1/change/", {field: "1"}).status_code in (302, 403)
        assert client.post(f"{url}1/delete/", {"post": "yes"}).status_code in (302, 403)
