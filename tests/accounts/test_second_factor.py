"""The second step: set up, asked for, encrypted at rest, and no code twice."""

from __future__ import annotations

import base64
import json
import re
import time

import hypothesis
import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from tests.accounts.conftest import SECRET, code_of, is_in, protect, sign_in

STEP = "/accounts/2fa/authenticate/"
LOGIN = "/accounts/login/"


def reauthenticate(client: Client, password: str = "engine") -> None:
    client.post("/accounts/reauthenticate/", {"password": password})


def test_an_app_is_set_up_and_then_asked_for(client: Client, ada: User) -> None:
    sign_in(client)
    assert client.get("/accounts/2fa/totp/activate/").status_code == 302  # is it you?
    reauthenticate(client)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    found = re.search(r'id="authenticator_secret">(\w+)<', page)
    assert found
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(found[1])})
    assert answer.headers["Location"] == "/accounts/2fa/recovery-codes/"
    assert (
        len(re.findall(r"<code>\d{8}</code>", client.get(answer["Location"]).content.decode()))
        == 10
    )

    stranger = Client()
    assert sign_in(stranger) == STEP
    assert not is_in(stranger)
    stranger.post(STEP, {"code": code_of(found[1], steps_ago=-1)})
    assert is_in(stranger)


def test_a_wrong_code_lets_nobody_in(client: Client, ada: User) -> None:
    protect(ada)
    sign_in(client)
    assert client.post(STEP, {"code": "000000"}).status_code == 200
    assert not is_in(client)


@pytest.mark.parametrize(("steps_ago", "good"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_code_may_be_a_step_early_or_late(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch, steps_ago: int, good: bool
) -> None:
    protect(ada)
    sign_in(client)
    now = time.time()  # no step may end between the code and its check
    monkeypatch.setattr("time.time", lambda: now)
    client.post(STEP, {"code": code_of(steps_ago=steps_ago)})
    monkeypatch.undo()
    assert is_in(client) == good


def test_a_code_is_good_once_for_as_long_as_it_is_good(client: Client, ada: User) -> None:
    """allauth alone remembers it for 30 s; with a step of tolerance it is good for 90."""
    app, _ = protect(ada)
    code = code_of(steps_ago=-1)
    sign_in(client)
    client.post(STEP, {"code": code})
    assert is_in(client)
    cache.delete(f"allauth.mfa.totp.used?user={ada.pk}&code={code}")  # what 30 s later is gone
    thief = Client()
    sign_in(thief)
    thief.post(STEP, {"code": code})
    assert not is_in(thief)
    thief.post(STEP, {"code": f"{code[:3]}-{code[3:]}"})
    assert not is_in(thief)
    assert Authenticator.objects.filter(pk=app.pk).exists()


def test_a_recovery_code_signs_in_once(client: Client, ada: User) -> None:
    _, codes = protect(ada)
    sign_in(client)
    client.post(STEP, {"code": codes[3]})
    assert is_in(client)
    again = Client()
    sign_in(again)
    again.post(STEP, {"code": codes[3]})
    assert not is_in(again)
    again.post(STEP, {"code": codes[4]})
    assert is_in(again)


def test_guessing_codes_ends(client: Client, ada: User) -> None:
    protect(ada)
    sign_in(client)
    for guess in range(6):
        client.post(STEP, {"code": f"{guess:06}"})
    client.post(STEP, {"code": code_of()})
    assert not is_in(client)


def test_it_cannot_be_walked_around(client: Client, ada: User) -> None:
    protect(ada)
    sign_in(client)
    for address in (
        "/",
        "/accounts/",
        "/accounts/sessions/",
        "/accounts/2fa/",
        "/admin/",
        "/keys/",
    ):
        assert client.get(address).status_code == 302, address
    assert not is_in(client)


def test_secrets_are_encrypted_at_rest(ada: User) -> None:
    app, codes = protect(ada)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert SECRET not in kept
    assert "gAAAA" in kept
    seed = Authenticator.objects.get(type="recovery_codes")
    assert seed.wrap().get_unused_codes() == codes
    assert app.wrap().validate_code(code_of())


def test_a_dropped_key_makes_codes_wrong_and_nothing_worse(
    client: Client, ada: User, settings: Settings
) -> None:
    settings.KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    protect(ada)
    settings.KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    sign_in(client)
    assert client.post(STEP, {"code": code_of()}).status_code == 200
    assert not is_in(client)


def test_keys_are_rotated_with_the_others(ada: User, settings: Settings) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.KEY_ENCRYPTION_KEYS = [old]
    app, _ = protect(ada)
    settings.KEY_ENCRYPTION_KEYS = [new, old]
    call_command("rotate_keys")
    settings.KEY_ENCRYPTION_KEYS = [new]
    app.refresh_from_db()
    assert app.wrap().validate_code(code_of())
    settings.KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="second factor of ada"):
        call_command("rotate_keys")


@pytest.mark.parametrize(
    "address",
    ["totp/activate/", "totp/deactivate/", "recovery-codes/", "recovery-codes/generate/",
     "recovery-codes/download/", "webauthn/add/"],
)  # fmt: skip
def test_a_change_asks_who_it_is(client: Client, ada: User, address: str) -> None:
    """A screen left open is not enough: the password, or a code, once more."""
    if address != "totp/activate/":
        protect(ada)
    client.force_login(ada)
    answer = client.get(f"/accounts/2fa/{address}")
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    answer = client.post(f"/accounts/2fa/{address}")
    assert answer.status_code == 405 or "/accounts/reauthenticate/" in answer.headers["Location"]


def test_another_persons_passkey_does_not_exist(client: Client, ada: User, eve: User) -> None:
    hers = Authenticator.objects.create(
        user=ada, type="webauthn", data={"name": "key", "credential": {}}
    )
    sign_in(client, "eve", "listens")
    reauthenticate(client, "listens")
    for step in ("edit", "remove"):
        url = f"/accounts/2fa/webauthn/keys/{hers.pk}/{step}/"
        assert client.get(url).status_code == 404
        assert client.post(url, {"name": "mine"}).status_code == 404
    assert Authenticator.objects.get(pk=hers.pk).data["name"] == "key"


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[]", "null", "7", '{"id": 1}', '{"response": {}}', "x", '{"response": []}',
     '{"response": {"userHandle": "MQ"}}'],
)  # fmt: skip
def test_what_is_no_passkey_is_refused(client: Client, ada: User, body: str) -> None:
    """From anybody, without a sign-in: words, and no fault of ours."""
    answer = client.post("/accounts/2fa/webauthn/login/", {"credential": body})
    assert answer.status_code == 302
    assert answer.headers["Location"] == LOGIN
    assert not is_in(client)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
CODED = st.binary(max_size=60).map(lambda it: base64.urlsafe_b64encode(it).decode().rstrip("="))
ANSWERS = st.fixed_dictionaries(
    {"clientDataJSON": CODED | VALUES, "authenticatorData": CODED | VALUES},
    optional={"signature": CODED | VALUES, "userHandle": CODED | VALUES},
)
PASSKEYS = st.fixed_dictionaries(
    {"rawId": CODED | VALUES, "type": st.just("public-key") | VALUES, "response": ANSWERS | VALUES},
    optional={"id": CODED | VALUES, "clientExtensionResults": VALUES},
)


@given(body=PASSKEYS | VALUES)
@hypothesis.settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
def test_no_passkey_is_a_fault_of_ours(client: Client, ada: User, body: object) -> None:
    cache.clear()
    client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
    answer = client.post("/accounts/2fa/webauthn/login/", {"credential": json.dumps(body)})
    assert answer.headers["Location"] == LOGIN


def test_the_question_for_a_passkey_names_nobody(client: Client, ada: User) -> None:
    protect(ada)
    answer = client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
    question = answer.json()["request_options"]["publicKey"]
    assert question["userVerification"] == "required"
    assert not question.get("allowCredentials")
