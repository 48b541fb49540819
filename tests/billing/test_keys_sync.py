"""`manage.py sync_keys` against the emulator: the difference both ways, and what can go wrong."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest
from django.core.management import CommandError
from django.db.models import F
from pytest_django import Settings

from accounts.models import User
from billing.key_models import KeyKind, UpstreamKey
from billing.key_users import CLAIM, claim, ensure_key
from billing.keys import key_for
from billing.limits import Budget
from openrouter.emulator.settings import DEMO_KEY
from tests.billing.keyring import enter, key_of, run, world

pytestmark = pytest.mark.django_db
KEYS = "/api/v1/keys"


@pytest.fixture(autouse=True)
def _upstream(settings: Settings) -> None:
    world.reset(settings)
    settings.PER_USER_KEYS = True


def budget(user: User | None = None, **limits: str) -> None:
    Budget.objects.update_or_create(
        user=user, defaults={name: Decimal(amount) for name, amount in limits.items()}
    )


# --- Making, limiting, disabling ---


def test_everybody_active_gets_a_key_of_their_own(person: User) -> None:
    User.objects.create_user("gone", is_active=False)
    said = run("sync_keys")
    kept = key_of(person)
    assert "Made: 1\n    for ada" in said
    assert [key.hash for key in world.remote("Switchboard")] == [kept.hash]
    assert kept.label.startswith(f"Switchboard user-{person.pk} ")
    assert UpstreamKey.objects.count() == 1


def test_a_second_run_has_nothing_to_do(person: User) -> None:
    run("sync_keys")
    token = key_of(person).token
    said = run("sync_keys")
    assert "There is nothing to change." in said
    assert key_of(person).token == token
    assert len(world.remote("Switchboard")) == 1


def test_a_dry_run_tells_and_does_nothing(person: User) -> None:
    budget(person, per_month_usd="5")
    said = run("sync_keys", "--dry-run")
    assert "Would make: 1\n    for ada (limit: $5.5 monthly)" in said
    assert not world.remote("Switchboard")
    assert not UpstreamKey.objects.exists()


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({}, (None, None)),
        ({"per_month_usd": "10"}, (Decimal("11"), "monthly")),
        ({"per_day_usd": "1"}, (Decimal("1.1"), "daily")),
        ({"per_day_usd": "1", "per_month_usd": "10"}, (Decimal("11"), "monthly")),
        ({"per_day_usd": "0.1", "per_month_usd": "10"}, (Decimal("0.11"), "daily")),
        ({"per_month_usd": "0"}, (Decimal(0), "monthly")),
    ],
    ids=["none", "month", "day", "a month is less", "a day is less", "nothing"],
)
def test_the_limit_at_openrouter_is_the_tightest_budget_and_the_margin(
    person: User, limits: dict[str, str], told: tuple[Decimal | None, str | None]
) -> None:
    budget(person, **limits)
    run("sync_keys")
    (key,) = world.remote("Switchboard")
    assert (key.limit, key.limit_reset) == told


def test_a_changed_budget_is_carried_over(person: User, settings: Settings) -> None:
    run("sync_keys")
    budget(None, per_day_usd="2")
    settings.PER_USER_KEY_MARGIN_PERCENT = 50
    said = run("sync_keys")
    (key,) = world.remote("Switchboard")
    assert "limit: $3 daily" in said
    assert (key.limit, key.limit_reset) == (Decimal(3), "daily")
    assert (key_of(person).limit_usd, key_of(person).limit_reset) == (Decimal(3), "daily")
    Budget.objects.all().delete()
    run("sync_keys")
    assert (key.limit, key.limit_reset) == (None, None)


def test_deactivating_a_person_disables_the_key_and_activating_enables_it(person: User) -> None:
    run("sync_keys")
    (key,) = world.remote("Switchboard")
    User.objects.update(is_active=False)
    assert "disable: the account is inactive" in run("sync_keys")
    assert (key.disabled, key_of(person).is_disabled) == (True, True)
    User.objects.update(is_active=True)
    assert "enable: the account is active again" in run("sync_keys")
    assert (key.disabled, key_of(person).is_disabled) == (False, False)


def test_a_key_that_was_disabled_at_openrouter_stays_so(person: User) -> None:
    run("sync_keys")
    (key,) = world.remote("Switchboard")
    key.disabled = True
    run("sync_keys")
    assert key.disabled
    assert key_of(person).is_disabled


def test_erasing_a_person_disables_the_key(person: User) -> None:
    run("sync_keys")
    person.delete()
    assert "disable: the person was erased" in run("sync_keys")
    (key,) = world.remote("Switchboard")
    kept = UpstreamKey.objects.get()
    assert key.disabled
    assert (kept.token, kept.user, kept.hash) == ("", None, key.hash)
    assert "nothing to change" in run("sync_keys")


def test_when_switched_off_no_key_is_made_and_departures_are_still_carried_over(
    person: User, settings: Settings
) -> None:
    run("sync_keys")
    settings.PER_USER_KEYS = False
    User.objects.create_user("grace")
    User.objects.filter(pk=person.pk).update(is_active=False)
    run("sync_keys")
    (key,) = world.remote("Switchboard")
    assert key.disabled


# --- The difference, both ways ---


def test_what_only_they_have_is_named_and_left_alone(person: User) -> None:
    world.emulator.world.accounts.issue("Somebody's notebook")
    said = run("sync_keys")
    assert "Only at OpenRouter: 2\n    Somebody's notebook\n    Emulator" in said
    assert not any(key.disabled for key in world.remote())


def test_the_key_of_the_environment_is_no_stranger(person: User, settings: Settings) -> None:
    settings.OPENROUTER_API_KEY, settings.OPENROUTER_MANAGEMENT_KEY = DEMO_KEY, "set"
    assert "Only at OpenRouter" not in run("sync_keys")


def test_a_key_that_is_gone_there_is_given_up_here_and_made_again(person: User) -> None:
    run("sync_keys")
    first = key_of(person)
    world.emulator.world.accounts.delete(first.hash)
    said = run("sync_keys")
    assert f"Only here, gone at OpenRouter: 1\n    {first.label}" in said
    assert key_of(person).hash == world.remote("Switchboard")[0].hash != first.hash
    first.refresh_from_db()
    assert (first.token, first.ended_at is None) == ("", False)


def test_a_key_whose_secret_never_arrived_is_disabled_and_another_made(person: User) -> None:
    wanted = claim(person)
    assert wanted is not None
    world.emulator.world.accounts.issue(wanted.label)
    UpstreamKey.objects.update(claimed_at=None)
    assert "its secret never arrived" in run("sync_keys")
    lost, kept = world.remote("Switchboard")
    assert (lost.disabled, kept.disabled) == (True, False)
    assert key_of(person).hash == kept.hash


def test_more_than_a_page_of_keys_is_read_to_its_end(person: User) -> None:
    for number in range(230):
        world.emulator.world.accounts.issue(f"key {number}")
    said = run("sync_keys")
    assert "231 keys at OpenRouter" in said
    assert "and 211 more" in said


# --- Lazily, with the first message ---


def test_the_first_message_makes_the_key(person: User) -> None:
    budget(person, per_day_usd="1")
    ensure_key(person)
    ensure_key(person)
    (key,) = world.remote("Switchboard")
    assert key.limit == Decimal("1.1")
    assert key_for(person).key_hash == key.hash


def test_where_no_key_can_be_made_the_shared_one_serves(
    person: User, caplog: pytest.LogCaptureFixture
) -> None:
    world.management_key = DEMO_KEY
    ensure_key(person)
    assert key_for(person).kind == KeyKind.SHARED
    assert "No key was made" in caplog.text
    assert DEMO_KEY not in caplog.text


def test_it_is_not_tried_with_every_message(person: User) -> None:
    asked = []

    def away(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ConnectError("nobody there", request=request)

    world.transport = httpx.MockTransport(away)
    ensure_key(person)
    ensure_key(person)
    assert asked == [KEYS]
    UpstreamKey.objects.update(claimed_at=F("claimed_at") - CLAIM * 2)
    ensure_key(person)
    assert asked == [KEYS, KEYS]


def test_of_two_that_make_a_key_one_does(person: User) -> None:
    assert claim(person) is not None
    assert claim(person) is None
    ensure_key(person)
    assert not world.remote("Switchboard")


def test_switched_off_nothing_is_asked(person: User, settings: Settings) -> None:
    settings.PER_USER_KEYS = False
    ensure_key(person)
    assert not UpstreamKey.objects.exists()


# --- What can go wrong on the way: a clear word, the right status, nothing half-written ---


def half_a_page(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b'{"data":[{"hash":"ab12","name":"Ada","disab')


def not_a_list(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=[{"hash": "ab12"}])


def html(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, html="<title>Sign in to the network</title>")


def too_slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too slow", request=request)


@pytest.mark.parametrize(
    ("handler", "word"),
    [
        (half_a_page, "something that is not an answer"),
        (not_a_list, "something that is not an answer"),
        (html, "Sign in"),
        (too_slow, "too slow"),
    ],
    ids=["half a page", "no list", "a page of the network", "timeout"],
)
def test_trouble_on_the_way_changes_nothing(
    person: User, handler: Callable[[httpx.Request], httpx.Response], word: str
) -> None:
    world.transport = httpx.MockTransport(handler)
    with pytest.raises(CommandError, match=f"Nothing was compared.*{word}") as caught:
        run("sync_keys")
    assert caught.value.returncode == 1
    assert not UpstreamKey.objects.exists()


def test_the_second_page_missing_changes_nothing(person: User) -> None:
    row = {"hash": "ab12", "name": "Ada", "label": "sk-or-…"}

    def one_page(request: httpx.Request) -> httpx.Response:
        if request.url.params["offset"] == "0":
            return httpx.Response(200, json={"data": [row]})
        return httpx.Response(200, content=b'{"data":[{"ha')

    world.transport = httpx.MockTransport(one_page)
    with pytest.raises(CommandError) as caught:
        run("sync_keys")
    assert caught.value.returncode == 1
    assert not UpstreamKey.objects.exists()


def test_a_wrong_key_is_told(person: User) -> None:
    world.management_key = "sk-or-v1-wrong-wrong-wrong"
    with pytest.raises(CommandError, match="does not know the management key") as caught:
        run("sync_keys")
    assert caught.value.returncode == 1
    assert "wrong-wrong" not in str(caught.value)


def test_a_plain_key_is_told_from_a_management_key(person: User) -> None:
    world.management_key = DEMO_KEY
    with pytest.raises(CommandError, match="wants a management key") as caught:
        run("sync_keys")
    assert caught.value.returncode == 1
    assert DEMO_KEY not in str(caught.value)


def test_a_missing_management_key_is_told_before_anything_is_asked(
    person: User, settings: Settings
) -> None:
    settings.OPENROUTER_API_KEY, settings.OPENROUTER_MANAGEMENT_KEY = "sk-or-v1-x", ""
    with pytest.raises(CommandError, match="OPENROUTER_MANAGEMENT_KEY") as caught:
        run("sync_keys")
    assert caught.value.returncode == 1


def test_without_encryption_no_key_is_made(person: User, settings: Settings) -> None:
    settings.KEY_ENCRYPTION_KEYS = []
    with pytest.raises(CommandError, match="Set KEY_ENCRYPTION_KEYS first") as caught:
        run("sync_keys")
    assert caught.value.returncode == 1
    assert not world.remote("Switchboard")


def test_what_fails_half_way_is_told_and_done_by_the_next_run(person: User) -> None:
    for name in ("grace", "edsger"):
        User.objects.create_user(name)
    emulated, made = world.transport, []

    async def second_fails(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            made.append(request.url.path)
            if len(made) == 2:
                return httpx.Response(500, json={"error": {"code": 500, "message": "Oh"}})
        return await emulated.handle_async_request(request)

    world.transport = httpx.MockTransport(second_fails)
    with pytest.raises(CommandError, match="for grace: ") as caught:
        run("sync_keys")
    assert caught.value.returncode == 2
    assert UpstreamKey.objects.usable().count() == 2
    assert "Made: 1\n    for grace" in run("sync_keys")
    assert len(world.remote("Switchboard")) == UpstreamKey.objects.usable().count() == 3


def test_a_network_that_breaks_away_ends_the_run(person: User) -> None:
    User.objects.create_user("grace")
    emulated = world.transport

    async def only_lists(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ConnectError("nobody there", request=request)
        return await emulated.handle_async_request(request)

    world.transport = httpx.MockTransport(only_lists)
    with pytest.raises(CommandError, match="1 further changes were not tried") as caught:
        run("sync_keys")
    assert caught.value.returncode == 2
    assert not UpstreamKey.objects.usable().exists()


def test_help_names_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("sync_keys", "rotate_keys"):
        with pytest.raises(SystemExit) as caught:
            run(command, "--help")
        assert caught.value.code == 0
        assert "Exit status: 0" in " ".join(capsys.readouterr().out.split())


def test_a_management_key_that_was_entered_in_the_admin_is_used(
    person: User, settings: Settings
) -> None:
    settings.OPENROUTER_API_KEY, settings.OPENROUTER_MANAGEMENT_KEY = "sk-or-v1-x", ""
    enter(KeyKind.MANAGEMENT, "sk-or-v1-management-of-ours")
    assert "Made: 1" in run("sync_keys")
