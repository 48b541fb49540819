"""`manage.py create_demo` makes the account of a demo, and nothing anywhere else."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture
def demo(settings: Any) -> None:
    settings.DEMO = True


def create_demo() -> str:
    out = io.StringIO()
    call_command("create_demo", stdout=out)
    return out.getvalue()


def test_it_says_how_to_sign_in_and_that_works(demo: None, client: Client) -> None:
    assert create_demo() == "Sign in as demo with the password switchboard-demo.\n"
    assert client.login(username="demo", password="switchboard-demo")
    assert client.get(reverse("admin:index")).status_code == 200


def test_a_second_run_keeps_the_account_and_who_is_signed_in(demo: None, client: Client) -> None:
    create_demo()
    client.login(username="demo", password="switchboard-demo")
    create_demo()
    assert User.objects.count() == 1
    assert client.get(reverse("admin:index")).status_code == 200


def test_a_demo_account_that_was_changed_is_mended(demo: None, client: Client) -> None:
    create_demo()
    demo_user = User.objects.get()
    demo_user.set_password("another")
    demo_user.is_active = demo_user.is_staff = False
    demo_user.save()
    create_demo()
    assert client.login(username="demo", password="switchboard-demo")


def test_where_no_demo_is_meant_no_account_is_made(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO is off"):
        create_demo()
    assert not User.objects.exists()
