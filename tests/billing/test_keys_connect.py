"""Connecting an OpenRouter account through OAuth: what is kept, and what is refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.key_connect import LIFETIME_S, PENDING
from billing.key_models import KeyKind, UpstreamKey, hash_of
from billing.keys import connect_own, key_for
from openrouter.emulator.settings import DEMO_KEY
from tests.billing.keyring import world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _upstream(settings: Settings) -> None:
    world.reset(settings)
    settings.OPENROUTER_API_KEY = DEMO_KEY


@pytest.fixture
def browser(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def begun(browser: Client) -> str:
    """The address at OpenRouter that the browser is sent to."""
    response = browser.post("/keys/connect/")
    assert response.status_code == 302
    return response.headers["location"]


def granted(address: str) -> str:
    """Where the person comes back to, once they have granted a key at the emulator."""

    async def visit() -> str:
        async with httpx.AsyncClient(transport=world.transport) as visitor:
            query = f"{urlsplit(address).query}&auto=1"
            answer = await visitor.get(f"http://upstream/auth?{query}")
            return answer.headers["location"]

    return async_to_sync(visit)()


def told(browser: Client, address: str) -> str:
    """What the page says after the browser has come back by this address."""
    back = urlsplit(address)
    response = browser.get(f"{back.path}?{back.query}", follow=True)
    assert response.redirect_chain == [("/keys/", 302)]
    return response.content.decode()


def own() -> UpstreamKey | None:
    return UpstreamKey.objects.usable().filter(kind=KeyKind.OWN).first()


def test_a_granted_key_is_kept_and_used(browser: Client, person: User) -> None:
    page = told(browser, granted(begun(browser)))
    key = key_for(person)
    assert key.kind == KeyKind.OWN
    assert world.emulator.world.accounts._keys[hash_of(key.secret)].name == "Switchboard"
    assert "It is connected" in page
    assert key.secret not in page
    assert f"<code>{key.secret[-4:]}</code>" in page


def test_the_browser_carries_a_challenge_and_a_state_and_no_secret(browser: Client) -> None:
    address = begun(browser)
    query = parse_qs(urlsplit(address).query)
    kept = browser.session[PENDING]
    assert address.startswith("https://openrouter.ai/auth?")
    assert query["code_challenge_method"] == ["S256"]
    assert query["callback_url"] == [f"http://testserver/keys/callback/?state={kept['state']}"]
    assert kept["verifier"] not in address


def test_neither_code_nor_key_is_logged(
    browser: Client, person: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger=""):
        address = granted(begun(browser))
        told(browser, address)
    assert own() is not None
    assert key_for(person).secret not in caplog.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda query: query.replace("state=", "state=x"), "another attempt"),
        (lambda query: query.split("&", 1)[1], "another attempt"),
        (lambda query: query.split("&", 1)[0], "granted no key"),
        (lambda query: query.replace("code=", "code=x"), "did not take the code"),
        (lambda query: "", "another attempt"),
    ],
    ids=["other state", "no state", "no code", "other code", "nothing"],
)
def test_what_comes_back_changed_keeps_nothing(
    browser: Client, change: Callable[[str], str], words: str
) -> None:
    back = urlsplit(granted(begun(browser)))
    assert words in told(browser, back._replace(query=change(back.query)).geturl())
    assert own() is None
    assert PENDING not in browser.session


def test_an_answer_is_good_once(browser: Client) -> None:
    address = granted(begun(browser))
    told(browser, address)
    first = own()
    assert "No connection was begun here" in told(browser, address)
    assert own() == first


def test_an_answer_is_good_in_its_own_session_only(browser: Client, person: User) -> None:
    address = granted(begun(browser))
    elsewhere = Client()
    elsewhere.force_login(person)
    assert "No connection was begun here" in told(elsewhere, address)
    elsewhere.post("/keys/connect/")
    assert "another attempt" in told(elsewhere, address)
    assert own() is None


def test_another_person_in_the_same_session_gets_nothing(browser: Client) -> None:
    address = granted(begun(browser))
    session = browser.session
    pending = session[PENDING]
    browser.force_login(User.objects.create_user("eve"))
    session = browser.session
    session[PENDING] = pending
    session.save()
    assert "another attempt" in told(browser, address)
    assert own() is None


def test_an_attempt_ends_after_ten_minutes(browser: Client) -> None:
    address = granted(begun(browser))
    session = browser.session
    session[PENDING] |= {"began_s": timezone.now().timestamp() - LIFETIME_S - 1}
    session.save()
    assert "more than ten minutes" in told(browser, address)
    assert own() is None


def test_who_is_signed_out_meanwhile_signs_in_and_begins_again(browser: Client) -> None:
    address = urlsplit(granted(begun(browser)))
    browser.logout()
    response = browser.get(f"{address.path}?{address.query}", follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/login/?next=/keys/"
    assert "code=" not in str(response.redirect_chain)


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example/", "/admin/"])
def test_nothing_leads_elsewhere(browser: Client, address: str) -> None:
    for name in ("next", "callback_url", "redirect", "state"):
        response = browser.get("/keys/callback/", {name: address, "code": "x"})
        assert response.headers["location"] == "/keys/"
    begun_at = browser.post("/keys/connect/", {"callback_url": address, "next": address})
    query = parse_qs(urlsplit(begun_at.headers["location"]).query)
    assert query["callback_url"][0].startswith("http://testserver/keys/callback/?state=")


def test_methods_are_as_they_should_be(browser: Client) -> None:
    assert browser.post("/keys/callback/?state=a&code=b").status_code == 405
    assert browser.get("/keys/connect/").status_code == 405
    assert browser.get("/keys/disconnect/").status_code == 405


def test_commands_want_a_csrf_token(person: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)
    connect_own(user=person, secret=world.grant())
    assert strict.post("/keys/disconnect/").status_code == 403
    assert strict.post("/keys/connect/").status_code == 403
    assert own() is not None


def test_a_form_may_lead_to_openrouter_from_this_page_and_to_nowhere_else(browser: Client) -> None:
    policy = browser.get("/keys/").headers["content-security-policy"]
    assert "form-action 'self' https://openrouter.ai;" in f"{policy};"
    assert "openrouter.ai" not in browser.get("/").headers["content-security-policy"]


def test_disconnecting_forgets_the_secret_and_keeps_the_hash(browser: Client) -> None:
    told(browser, granted(begun(browser)))
    page = browser.post("/keys/disconnect/", follow=True).content.decode()
    gone = UpstreamKey.objects.get()
    assert "Your account is disconnected" in page
    assert "Connect OpenRouter" in page
    assert (gone.token, bool(gone.hash), gone.ended_at is None) == ("", True, False)


def test_connecting_again_replaces_the_key(browser: Client, person: User) -> None:
    for _ in range(2):
        told(browser, granted(begun(browser)))
    assert UpstreamKey.objects.filter(kind=KeyKind.OWN).count() == 2
    assert UpstreamKey.objects.usable().count() == 1


def test_a_person_sees_and_ends_only_their_own(browser: Client) -> None:
    other = User.objects.create_user("grace")
    connect_own(user=other, secret=world.grant())
    assert "Connect OpenRouter" in browser.get("/keys/").content.decode()
    browser.post("/keys/disconnect/")
    assert own() is not None


def test_a_key_that_openrouter_refuses_is_not_kept(browser: Client) -> None:
    address = granted(begun(browser))

    def grants_and_refuses(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/auth/keys"):
            return httpx.Response(200, json={"key": "sk-or-v1-never-good", "user_id": "u"})
        return httpx.Response(401, json={"error": {"code": 401, "message": "User not found."}})

    world.transport = httpx.MockTransport(grants_and_refuses)
    page = told(browser, address)
    assert "refused the key that it granted" in page
    assert "never-good" not in page
    assert own() is None


def too_slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too slow", request=request)


def half(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b'{"key":"sk-or-v1-ha')


@pytest.mark.parametrize(
    ("handler", "words"),
    [(too_slow, "could not be reached"), (half, "not an answer")],
    ids=["timeout", "half an answer"],
)
def test_trouble_on_the_way_keeps_an_older_key(
    browser: Client, person: User, handler: Callable[[httpx.Request], httpx.Response], words: str
) -> None:
    older = connect_own(user=person, secret=world.grant())
    address = granted(begun(browser))
    world.transport = httpx.MockTransport(handler)
    assert words in told(browser, address)
    assert own() == older


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"OWN_KEYS": False}, "does not use people’s own accounts"),
        ({"KEY_ENCRYPTION_KEYS": []}, "cannot be connected yet"),
    ],
)
def test_where_it_is_off_nothing_can_be_connected(
    browser: Client, settings: Settings, setting: dict[str, object], words: str
) -> None:
    address = granted(begun(browser))
    for name, value in setting.items():
        setattr(settings, name, value)
    assert words in told(browser, address)
    assert browser.post("/keys/connect/").headers["location"] == "/keys/"
    assert own() is None


def test_the_built_in_emulator_grants_keys_through_a_window_of_ours(
    browser: Client, settings: Settings
) -> None:
    settings.OPENROUTER_API_KEY = ""
    address = begun(browser)
    page = browser.get(address)
    assert address.startswith("/keys/emulator/?callback_url=")
    assert b"Let testserver use your credits?" in page.content
    settings.OPENROUTER_API_KEY = DEMO_KEY
    assert browser.get(address).status_code == 404
