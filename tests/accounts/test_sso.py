"""Single sign-on with a provider on this machine: who gets in, and whose account stays theirs."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.sso import provider_is_whole
from tests.accounts.conftest import code_of, is_in, protect, sign_in
from tests.accounts.provider import BEGIN, address_in, provider, sign_in_as, somebody, way_back
from tests.processes import free_port

CONNECT = f"{BEGIN}?process=connect"
NOBODY = "No account here goes with that one"
PEOPLE = [
    somebody("grace-1", email="grace@example.org", email_verified=True, name="Grace Hopper",
             preferred_username="grace"),
    somebody("vague-1", email="ada@example.org", email_verified=False, preferred_username="vague"),
    somebody("wordy-1", email="ada@example.org", email_verified="false"),
    somebody("ada-1", email="ada@example.org", email_verified=True, preferred_username="ada"),
    somebody("root-1", preferred_username="ada", name="Ada"),
    somebody("else-1", email="eve@elsewhere.example", email_verified=True),
    somebody("bare-1"),
]  # fmt: skip


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with provider(PEOPLE) as issuer:
        yield issuer


@pytest.fixture(autouse=True)
def _single_sign_on(settings: Settings, issuer: str) -> None:
    settings.OIDC_ISSUER, settings.OIDC_NAME = issuer, "Acme"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = "switchboard", "hush-hush"
    settings.OIDC_SIGNUP, settings.OIDC_DOMAINS = True, []


@pytest.fixture
def ada(ada: User) -> User:
    """With an address that nobody has confirmed."""
    ada.email = "ada@example.org"
    ada.save()
    return ada


def test_somebody_new_gets_an_account_of_their_own(client: Client, ada: User) -> None:
    assert sign_in_as(client, "grace-1") == "/"
    assert is_in(client)
    grace = User.objects.get(username="grace")
    assert (grace.email, grace.first_name) == ("grace@example.org", "Grace")
    assert not grace.has_usable_password()
    assert not grace.is_staff
    assert not grace.is_superuser
    assert EmailAddress.objects.get(user=grace).verified
    again = Client()
    sign_in_as(again, "grace-1")
    assert is_in(again)
    assert User.objects.filter(email="grace@example.org").count() == 1


def test_nobody_new_gets_one_where_that_is_off(
    client: Client, settings: Settings, db: None
) -> None:
    settings.OIDC_SIGNUP = False
    assert NOBODY in sign_in_as(client, "grace-1")
    assert not is_in(client)
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("who", "joins"), [("grace-1", True), ("else-1", False), ("bare-1", False),
                                           ("vague-1", False)])  # fmt: skip
def test_only_who_has_a_verified_address_of_ours(
    client: Client, settings: Settings, who: str, joins: bool
) -> None:
    settings.OIDC_DOMAINS = ["Example.org"]
    sign_in_as(client, who)
    assert is_in(client) == joins


@pytest.mark.parametrize("verified", [True, False])
def test_an_address_takes_no_account_over(client: Client, ada: User, verified: bool) -> None:
    """Not with an address that the provider vouches for, nor where ours is confirmed."""
    EmailAddress.objects.create(user=ada, email=ada.email, verified=verified, primary=True)
    assert NOBODY in sign_in_as(client, "ada-1")
    assert not is_in(client)
    ada.refresh_from_db()
    assert ada.check_password("engine")
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("who", ["vague-1", "wordy-1"])
def test_an_address_that_nobody_vouches_for_is_not_taken_along(
    client: Client, ada: User, who: str
) -> None:
    sign_in_as(client, who)
    assert is_in(client)
    new = User.objects.exclude(pk=ada.pk).get()
    assert new.email == ""
    assert not EmailAddress.objects.filter(user=new).exists()


def test_a_name_takes_no_account_over(client: Client, ada: User) -> None:
    sign_in_as(client, "root-1")
    assert is_in(client)
    new = User.objects.exclude(pk=ada.pk).get()
    assert new.username != "ada"
    assert new.pk != ada.pk


def test_an_account_is_connected_by_its_owner(client: Client, ada: User) -> None:
    sign_in(client)
    sign_in_as(client, "ada-1", CONNECT)
    assert not SocialAccount.objects.exists(), "a screen left open is not enough"
    client.post("/accounts/reauthenticate/", {"password": "engine"})
    assert SocialAccount.objects.get().user == ada
    other = Client()
    sign_in_as(other, "ada-1")
    assert other.session["_auth_user_id"] == str(ada.pk)
    assert "ada@example.org" in client.get("/accounts/3rdparty/").content.decode()
    client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk})
    assert not SocialAccount.objects.exists()


def test_one_identity_is_one_persons(client: Client, ada: User, eve: User) -> None:
    for name, password in (("ada", "engine"), ("eve", "listens")):
        browser = Client()
        sign_in(browser, name, password)
        browser.post("/accounts/reauthenticate/", {"password": password})
        sign_in_as(browser, "ada-1", CONNECT)
    assert SocialAccount.objects.get().user == ada


def test_a_link_connects_nothing(client: Client, ada: User) -> None:
    """Else any site could tie an account here to one that it holds over there."""
    sign_in(client)
    answer = client.get(CONNECT)
    assert "Go on to Acme?" in answer.content.decode()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.post(CONNECT).status_code == 403


def test_anothers_way_back_is_of_no_use(client: Client, ada: User) -> None:
    """T14: who is made to follow a link of theirs is not signed in as them."""
    theirs = way_back(Client(), "grace-1")
    assert client.get(theirs).status_code == 401
    assert not is_in(client)
    assert not User.objects.filter(username="grace").exists()


def test_a_way_back_works_once(client: Client, db: None) -> None:
    back = way_back(client, "grace-1")
    client.get(back)
    client.post("/accounts/logout/")
    assert client.get(back).status_code == 401
    assert not is_in(client)


def test_a_second_step_is_asked_for_here_too(client: Client, ada: User) -> None:
    sign_in(client)
    client.post("/accounts/reauthenticate/", {"password": "engine"})
    sign_in_as(client, "ada-1", CONNECT)
    protect(ada)
    other = Client()
    assert sign_in_as(other, "ada-1") == "/accounts/2fa/authenticate/"
    assert not is_in(other)
    other.post("/accounts/2fa/authenticate/", {"code": code_of()})
    assert is_in(other)


def test_who_was_deactivated_stays_out(client: Client, db: None) -> None:
    sign_in_as(client, "grace-1")
    User.objects.update(is_active=False)
    other = Client()
    sign_in_as(other, "grace-1")
    assert not is_in(other)


def test_another_issuers_people_are_others(client: Client, settings: Settings, db: None) -> None:
    """Ids are worth something only beside who gave them: `1` over there is not `1` here."""
    sign_in_as(client, "grace-1")
    with provider([somebody("grace-1", preferred_username="grace")]) as elsewhere:
        settings.OIDC_ISSUER = elsewhere
        sign_in_as(Client(), "grace-1")
    assert SocialAccount.objects.count() == 2
    assert User.objects.count() == 2


def test_the_form_stays_on_our_site(client: Client, issuer: str, db: None) -> None:
    """A redirect of a form is held to form-action; so the page goes on by itself."""
    answer = client.post(f"{BEGIN}?next=/usage/")
    assert answer.status_code == 200
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    there = address_in(answer.content.decode())
    assert there.startswith(f"{issuer}/oauth2/authorize?")
    assert "code_challenge_method=S256" in there
    assert "hush-hush" not in there


def test_one_comes_back_to_where_one_wanted_to_go(client: Client, db: None) -> None:
    assert sign_in_as(client, "grace-1", f"{BEGIN}?next=/usage/") == "/usage/"
    assert sign_in_as(Client(), "grace-1", f"{BEGIN}?next=https://evil.example/") == "/"


def test_who_breaks_it_off_is_told_that_nothing_happened(client: Client, db: None) -> None:
    state = parse_qs(urlsplit(address_in(client.post(BEGIN).content.decode())).query)["state"][0]
    told = {"error": "access_denied", "state": state}
    answer = client.get(f"{BEGIN}callback/", told, follow=True)
    assert "You did not sign in" in answer.content.decode()


@pytest.mark.parametrize("query", ["", "?code=x", "?code=x&state=y", "?error=no&state=y"])
def test_a_way_back_that_nobody_went_is_told(client: Client, db: None, query: str) -> None:
    answer = client.get(f"{BEGIN}callback/{query}")
    assert answer.status_code == 401
    assert "That did not work" in answer.content.decode()


def test_a_provider_that_is_away_is_told(client: Client, settings: Settings, db: None) -> None:
    settings.OIDC_ISSUER = f"http://localhost:{free_port()}"
    answer = client.post(BEGIN)
    assert answer.status_code == 502
    assert "That did not work" in answer.content.decode()


def test_without_the_settings_there_is_none(client: Client, settings: Settings, db: None) -> None:
    assert "Sign in with Acme" in client.get("/accounts/login/").content.decode()
    settings.OIDC_ISSUER = ""
    assert "Acme" not in client.get("/accounts/login/").content.decode()
    assert client.post(BEGIN).status_code == 404
    assert client.get(f"{BEGIN}callback/").status_code == 404


@pytest.mark.parametrize(
    ("issuer_url", "secret", "problems"),
    [
        ("https://id.example.org", "s", 0),
        ("http://localhost:9", "s", 0),
        ("http://[::1]:9", "s", 0),
        ("http://id.example.org", "s", 1),
        ("http://127.0.0.1.example.org", "s", 1),
        ("https://id.example.org", "", 1),
        ("", "", 0),
    ],
)
def test_settings_that_cannot_work_are_told_at_the_start(
    settings: Settings, issuer_url: str, secret: str, problems: int
) -> None:
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_SECRET = issuer_url, secret
    assert len(provider_is_whole()) == problems
