"""T10: the admin has no sign-in page of its own, which would know none of the limits."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User


@pytest.mark.parametrize("address", ["/admin/", "/admin/login/", "/admin/chat/", "/admin/jsi18n/"])
def test_t10_the_admin_sends_strangers_to_the_one_sign_in(client: Client, address: str) -> None:
    answer = client.get(address, follow=True)
    assert answer.request["PATH_INFO"] in ("/accounts/login/", address)
    if answer.request["PATH_INFO"] == address:
        assert answer.status_code == 404


@pytest.mark.django_db
def test_t10_the_admin_takes_no_password(client: Client) -> None:
    User.objects.create_superuser("root", password="engine")
    answer = client.post("/admin/login/", {"username": "root", "password": "engine"})
    assert answer["Location"].startswith("/accounts/login/")
    assert "_auth_user_id" not in client.session


def test_t10_who_is_no_administrator_is_not_asked_again(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.get("/admin/", follow=True).status_code == 403


def test_t10_guessing_a_password_ends(client: Client, ada: User) -> None:
    cache.clear()
    for _ in range(30):
        client.post("/accounts/login/", {"login": "ada", "password": "wrong"})
    client.post("/accounts/login/", {"login": "ada", "password": "engine"})
    assert "_auth_user_id" not in client.session
    cache.clear()
