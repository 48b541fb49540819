"""Keys in the admin: entered, replaced, forgotten, and never shown."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from billing.key_crypto import decrypt
from billing.key_models import KeyKind, UpstreamKey, hash_of
from billing.keys import connect_own
from openrouter.emulator.settings import DEMO_KEY
from tests.billing.keyring import enter, key_of, run, world

pytestmark = pytest.mark.django_db
LIST, ADD = "/admin/billing/upstreamkey/", "/admin/billing/upstreamkey/add/"
SECRET = "sk-or-v1-entered-by-an-administrator-0001"


@pytest.fixture(autouse=True)
def _upstream(settings: Settings) -> None:
    world.reset(settings)
    settings.OPENROUTER_API_KEY = DEMO_KEY


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def add(admin: Client, kind: str = "shared", secret: str = SECRET) -> str:
    form = {"kind": kind, "label": "Team", "secret": secret}
    return admin.post(ADD, form, follow=True).content.decode()


def change(key: UpstreamKey) -> str:
    return f"{LIST}{key.pk}/change/"


def test_a_key_is_entered_and_never_shown_again(admin: Client) -> None:
    add(admin)
    key = UpstreamKey.objects.get()
    assert decrypt(key.token) == SECRET
    assert (key.kind, key.hash, key.last_four) == (KeyKind.SHARED, hash_of(SECRET), "0001")
    pages = [admin.get(address).content.decode() for address in (LIST, change(key))]
    for page in pages:
        assert "…0001" in page
        assert SECRET not in page
        assert key.token not in page
    assert SECRET not in str(list(LogEntry.objects.values_list("change_message", "object_repr")))


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("", "Enter the key."),
        ("sk-or v1", "This is no key"),
        ("sk-or-v1-…-pasted", "This is no key"),
        ("x" * 501, "This is no key"),
    ],
)
def test_what_is_no_key_is_refused_and_not_sent_back(
    admin: Client, secret: str, words: str
) -> None:
    page = add(admin, secret=secret)
    assert words in page
    assert not secret or secret not in page
    assert not UpstreamKey.objects.exists()


def test_a_secret_is_replaced_and_an_empty_field_keeps_it(admin: Client) -> None:
    key = enter(KeyKind.SHARED, SECRET)
    admin.post(change(key), {"label": "Renamed", "secret": ""})
    key.refresh_from_db()
    assert (key.label, decrypt(key.token)) == ("Renamed", SECRET)
    admin.post(change(key), {"label": "Renamed", "secret": f"{SECRET}-2"})
    key.refresh_from_db()
    assert decrypt(key.token) == f"{SECRET}-2"


def test_there_is_one_of_each_kind(admin: Client) -> None:
    enter(KeyKind.SHARED, SECRET)
    assert "There is a key of this kind already" in add(admin, secret=f"{SECRET}-2")
    assert "This key is here already" in add(admin, kind="management")
    assert UpstreamKey.objects.count() == 1


@pytest.mark.parametrize("kind", ["personal", "own", "nonsense"])
def test_keys_of_people_are_not_entered_here(admin: Client, kind: str) -> None:
    add(admin, kind=kind)
    assert not UpstreamKey.objects.exists()


def test_without_encryption_nothing_is_kept(admin: Client, settings: Settings) -> None:
    settings.KEY_ENCRYPTION_KEYS = []
    assert "Set KEY_ENCRYPTION_KEYS first" in add(admin)
    assert not UpstreamKey.objects.exists()


def test_an_emulated_installation_says_why_it_takes_no_shared_key(
    admin: Client, settings: Settings
) -> None:
    settings.OPENROUTER_API_KEY = ""
    assert "EMULATE_WITHOUT_KEY=false" in add(admin)
    settings.EMULATE_WITHOUT_KEY = False
    add(admin)
    assert UpstreamKey.objects.exists()


def test_keys_of_people_are_looked_at_and_not_changed(
    admin: Client, person: User, settings: Settings
) -> None:
    settings.PER_USER_KEYS, settings.OPENROUTER_MANAGEMENT_KEY = True, "set"
    run("sync_keys")
    own = connect_own(user=person, secret=world.grant())
    for key in (own, key_of(person)):
        page = admin.get(change(key)).content.decode()
        assert 'name="secret"' not in page
        assert admin.post(change(key), {"label": "x", "secret": SECRET}).status_code == 403


def test_a_secret_is_forgotten_and_the_row_stays(admin: Client, person: User) -> None:
    key = connect_own(user=person, secret=world.grant())
    admin.post(LIST, {"action": "forget", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert (key.token, key.ended_at is None) == ("", False)
    assert admin.post(f"{LIST}{key.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_without_the_right_sees_nothing(client: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=True)
    client.force_login(person)
    assert client.get(LIST).status_code == 403
