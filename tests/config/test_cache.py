"""What is counted is counted by all processes together, and goes on being counted without Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from config.cache import SharedCache
from tests.conftest import REDIS_URL
from tests.processes import free_port

LOGIN = "/accounts/login/"


def another_process() -> SharedCache:
    return SharedCache(REDIS_URL, {"KEY_PREFIX": "switchboard-test"})


@pytest.fixture
def _on_redis(settings: Settings) -> Iterator[None]:
    settings.CACHES = {
        "default": {
            "BACKEND": "config.cache.SharedCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "switchboard-test",
        }
    }
    another_process().clear()
    yield
    another_process().clear()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> SharedCache:
    """A cache whose Redis does not answer; what it keeps alone is empty."""
    monkeypatch.setattr(SharedCache, "_away_until", 0.0)
    cache = SharedCache(f"redis://127.0.0.1:{free_port()}/0", {})
    cache._alone.clear()
    return cache


@pytest.mark.redis
@pytest.mark.usefixtures("_on_redis")
def test_guesses_at_one_process_count_at_the_other(client: Client, db: None) -> None:
    User.objects.create_user("ada", password="engine")
    for _ in range(5):
        client.post(LOGIN, {"login": "ada", "password": "wrong"})
    keys = [
        key for key in another_process()._cache.get_client().keys("*") if b"login_failed" in key
    ]
    assert keys, "they are in Redis, which all processes ask"
    client.post(LOGIN, {"login": "ada", "password": "engine"})
    assert "_auth_user_id" not in client.session


@pytest.mark.redis
@pytest.mark.usefixtures("_on_redis")
def test_what_one_adds_the_other_finds() -> None:
    one, other = another_process(), another_process()
    assert one.add("code", value=True, timeout=60)
    assert not other.add("code", value=True, timeout=60)
    one.set("count", 1, timeout=60)
    assert other.incr("count") == 2
    other.delete("count")
    assert one.get("count") is None
    assert one._cache is other._cache, "one pool of connections a process"


def test_without_redis_a_process_counts_for_itself(nowhere: SharedCache) -> None:
    assert nowhere.add("code", value=True, timeout=60)
    assert not nowhere.add("code", value=True, timeout=60)
    nowhere.set("count", 1, timeout=60)
    assert nowhere.incr("count") == 2
    assert nowhere.touch("count", 60)
    nowhere.delete("count")
    assert nowhere.get("count", 7) == 7


def test_redis_that_is_away_is_not_asked_each_time(
    nowhere: SharedCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    clock = [100.0]
    monkeypatch.setattr("config.cache.time.monotonic", lambda: clock[0])
    ask = nowhere._cache.get

    def noted(key: str, default: object) -> object:
        asked.append(key)
        return ask(key, default)

    monkeypatch.setattr(nowhere._cache, "get", noted)
    for _ in range(3):
        nowhere.get("x")
    assert len(asked) == 1
    clock[0] += 6
    nowhere.get("x")
    assert len(asked) == 2
