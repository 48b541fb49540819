"""Keys at rest: encrypted in every copy of the database, shown by nothing, and rotated."""

from __future__ import annotations

import logging
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from pytest_django import Settings

from accounts.models import User
from billing.key_crypto import KeysNotEncrypted, KeyUnreadable, can_keep_keys, decrypt, encrypt
from billing.key_models import KeyKind, UpstreamKey, hash_of
from billing.keys import Credential, NoUsableKey, connect_own, key_for, own_key
from openrouter.types import ChatRequest
from tests.billing.keyring import enter, run, world

SECRET = "sk-or-v1-a-secret-that-nobody-may-ever-read-0123456789"


@pytest.fixture(autouse=True)
def _upstream(settings: Settings) -> None:
    world.reset(settings)


def test_what_is_stored_is_a_token_and_not_the_key(person: User) -> None:
    key = enter(KeyKind.SHARED, SECRET)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM billing_upstreamkey")
        row = repr(cursor.fetchall())
    assert SECRET not in row
    assert key.token in row
    assert decrypt(key.token) == SECRET


def test_neither_repr_nor_log_nor_export_holds_a_key(
    person: User, caplog: pytest.LogCaptureFixture
) -> None:
    key = connect_own(user=person, secret=SECRET)
    credential = key_for(person)
    request = ChatRequest(model="a/b", messages=[], max_completion_tokens=1, api_key=SECRET)
    out = StringIO()
    call_command("dumpdata", "billing", stdout=out)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").info("%r %s %r %r", key, key, credential, request)
    assert credential.secret == SECRET
    assert SECRET not in out.getvalue() + caplog.text + str(request.body(stream=True))
    assert hash_of(SECRET) in out.getvalue()


def test_two_tokens_of_one_key_differ() -> None:
    assert encrypt(SECRET) != encrypt(SECRET)


def test_without_an_encryption_key_nothing_can_be_kept(person: User, settings: Settings) -> None:
    settings.KEY_ENCRYPTION_KEYS = []
    assert not can_keep_keys()
    with pytest.raises(KeysNotEncrypted):
        connect_own(user=person, secret=SECRET)
    assert not UpstreamKey.objects.exists()


@pytest.mark.parametrize(
    ("keys", "problems"),
    [([], 0), ([Fernet.generate_key().decode()], 0), (["too short"], 1), (["ä" * 44], 1)],
)
def test_a_mistyped_encryption_key_is_told_by_check(
    settings: Settings, keys: list[str], problems: int
) -> None:
    settings.KEY_ENCRYPTION_KEYS = keys
    found = [message for message in run_checks() if message.id == "billing.E001"]
    assert len(found) == problems


def test_rotation_leaves_every_key_readable_by_the_new_one_alone(
    person: User, settings: Settings
) -> None:
    old, new = settings.KEY_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    enter(KeyKind.SHARED, SECRET)
    connect_own(user=person, secret=f"{SECRET}-own")
    settings.KEY_ENCRYPTION_KEYS = [new, old]
    assert "2 keys" in run("rotate_keys")
    settings.KEY_ENCRYPTION_KEYS = [new]
    assert key_for(person).secret == f"{SECRET}-own"
    settings.KEY_ENCRYPTION_KEYS = [old]
    with pytest.raises(NoUsableKey):
        key_for(person)


def test_rotation_names_what_nobody_can_decrypt(person: User, settings: Settings) -> None:
    enter(KeyKind.SHARED, SECRET)
    settings.KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match=r"the shared one \(…6789\)") as caught:
        run("rotate_keys")
    assert caught.value.returncode == 2
    assert SECRET not in str(caught.value)


def test_rotation_without_an_encryption_key_does_nothing(person: User, settings: Settings) -> None:
    token = enter(KeyKind.SHARED, SECRET).token
    settings.KEY_ENCRYPTION_KEYS = []
    with pytest.raises(CommandError, match="Set KEY_ENCRYPTION_KEYS first") as caught:
        run("rotate_keys")
    assert caught.value.returncode == 1
    assert UpstreamKey.objects.get().token == token


def test_a_key_that_cannot_be_read_is_not_passed_over(person: User, settings: Settings) -> None:
    connect_own(user=person, secret=SECRET)
    settings.KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(NoUsableKey) as caught:
        key_for(person)
    assert "your OpenRouter account" in caught.value.for_person
    with pytest.raises(KeyUnreadable):
        decrypt(UpstreamKey.objects.get().token)


def test_there_is_one_live_key_for_everybody_of_each_kind(db: None) -> None:
    enter(KeyKind.SHARED, SECRET)
    with pytest.raises(IntegrityError):
        enter(KeyKind.SHARED, f"{SECRET}2")


def test_deleting_a_person_deletes_the_key_of_their_own_account(person: User) -> None:
    connect_own(user=person, secret=SECRET)
    person.delete()
    assert not UpstreamKey.objects.exists()


def test_the_order_is_own_then_personal_then_shared(person: User, settings: Settings) -> None:
    settings.PER_USER_KEYS = True
    assert key_for(person) == Credential()
    enter(KeyKind.SHARED, f"{SECRET}-shared")
    assert key_for(person).kind == KeyKind.SHARED
    run("sync_keys")
    assert key_for(person).kind == KeyKind.PERSONAL
    own = connect_own(user=person, secret=SECRET)
    assert (key_for(person).kind, key_for(person).key_id) == (KeyKind.OWN, own.pk)
    assert own_key(person) == own
    settings.OWN_KEYS, settings.PER_USER_KEYS = False, False
    assert key_for(person).kind == KeyKind.SHARED


def test_nobody_is_served_by_the_key_of_another(person: User) -> None:
    connect_own(user=person, secret=SECRET)
    other = User.objects.create_user("grace")
    assert key_for(other) == Credential()
    assert own_key(other) is None
