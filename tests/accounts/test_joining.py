"""Sign-up off, by invitation and open; confirming an address; choosing a new password."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from pytest_django import Settings

from accounts.models import Action, User
from tests.accounts.people import noted

pytestmark = pytest.mark.django_db
PASSWORD = "a-l0ng-Enough-one"
SIGN_UP = "/accounts/signup/"
FORM = {
    "username": "bea",
    "email": "bea@example.org",
    "password1": PASSWORD,
    "password2": PASSWORD,
}


@pytest.fixture
def _open(settings: Settings) -> None:
    settings.SIGN_UP, settings.ACCOUNT_EMAIL_VERIFICATION = "open", "mandatory"


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def link_in(message: Any) -> str:
    found = re.search(r"http://testserver(/\S+)", message.body)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("how", "words"), [("off", b"No sign-up here"), ("invitation", b"By invitation")]
)
def test_where_it_is_closed_nobody_signs_up(
    client: Client, settings: Settings, how: str, words: bytes
) -> None:
    settings.SIGN_UP = how
    for answer in (client.get(SIGN_UP), client.post(SIGN_UP, FORM)):
        assert words in answer.content
    assert not User.objects.exists()
    assert SIGN_UP.encode() not in client.get("/accounts/login/").content


@pytest.mark.usefixtures("_open")
def test_where_it_is_open_an_address_is_confirmed_first(client: Client) -> None:
    assert SIGN_UP.encode() in client.get("/accounts/login/").content
    answer = client.post(SIGN_UP, FORM | {"is_superuser": "on", "is_staff": "on"})
    assert answer.headers["Location"] == "/accounts/confirm-email/"
    assert not is_in(client)
    bea = User.objects.get(username="bea")
    assert (bea.is_staff, bea.is_superuser) == (False, False)
    client.post("/accounts/login/", {"login": "bea", "password": PASSWORD})
    assert not is_in(client)
    link = link_in(outbox.outbox[0])
    assert b"Yes, it is mine" in client.get(link).content
    client.post(link)
    client.post("/accounts/login/", {"login": "bea", "password": PASSWORD})
    assert is_in(client)


@pytest.mark.usefixtures("_open")
def test_who_was_made_by_an_administrator_confirms_nothing(ada: User, client: Client) -> None:
    client.post("/accounts/login/", {"login": "ada", "password": "engine"})
    assert is_in(client)


@pytest.mark.usefixtures("_open")
def test_nobody_learns_whether_an_address_has_an_account(ada: User, client: Client) -> None:
    User.objects.filter(pk=ada.pk).update(email="ada@example.org")
    known = client.post(SIGN_UP, FORM | {"email": "ada@example.org"}, follow=True)
    new = Client().post(SIGN_UP, FORM | {"username": "cy", "email": "cy@example.org"}, follow=True)
    assert known.redirect_chain == new.redirect_chain
    told = [re.sub(rb"\w+@example.org", b"", each.content) for each in (known, new)]
    assert told[0] == told[1]
    assert not User.objects.filter(username="bea").exists()
    assert [message.to for message in outbox.outbox] == [["ada@example.org"], ["cy@example.org"]]
    assert "There is an account with this" in outbox.outbox[0].body


def test_a_reset_tells_nobody_whether_there_is_an_account(ada: User, client: Client) -> None:
    User.objects.filter(pk=ada.pk).update(email="ada@example.org")
    answers = [
        client.post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in ("ada@example.org", "nobody@example.org")
    ]
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert answers[0].content == answers[1].content
    assert len(outbox.outbox) == 2


def test_a_new_password_ends_every_session(ada: User, client: Client) -> None:
    User.objects.filter(pk=ada.pk).update(email="ada@example.org")
    elsewhere = Client()
    elsewhere.post("/accounts/login/", {"login": "ada", "password": "engine"})
    assert elsewhere.get("/usage/").status_code == 200
    client.post("/accounts/password/reset/", {"email": "ada@example.org"})
    (message,) = outbox.outbox
    assert "account ada" in message.body
    page = client.get(link_in(message), follow=True)
    where = page.redirect_chain[-1][0]
    assert b"Choose a new password" in page.content
    client.post(where, {"password1": PASSWORD, "password2": PASSWORD})
    assert elsewhere.get("/usage/").status_code == 302
    assert [entry.subject_ref for entry in noted(Action.PASSWORD_RESET)] == [f"user-{ada.pk}"]
    again = Client().get(link_in(message), follow=True)
    assert b"This link is used up" in again.content
    fresh = Client()
    fresh.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    assert is_in(fresh)


def test_an_address_is_changed_by_who_reads_it(ada: User, client: Client) -> None:
    client.post("/accounts/login/", {"login": "ada", "password": "engine"})
    client.post("/accounts/reauthenticate/", {"password": "engine"})
    form = {"email": "ada@example.org", "action_add": "1"}
    assert client.post("/accounts/email/", form).status_code == 302
    ada.refresh_from_db()
    assert ada.email == ""
    assert b"waits for you to follow the link" in client.get("/accounts/email/").content
    client.post(link_in(outbox.outbox[0]))
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"
    assert noted(Action.EMAIL_CHANGED)
