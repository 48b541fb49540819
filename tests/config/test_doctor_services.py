"""The doctor on what Switchboard rests on: database, Redis, OpenRouter."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.db import connection as database_connection
from django.utils import timezone
from pytest_django import Settings

from accounts.management.commands.create_demo import PASSWORD, USERNAME
from accounts.models import User
from chat.models import Conversation, Message, Role, State
from config.doctor import database, machine, relay, upstream
from config.doctor.database import PostgresFacts
from config.doctor.findings import Finding, Level, fine
from config.doctor.relay import RedisFacts
from openrouter.errors import KeyRejected, NotConnected
from openrouter.results import Credits, KeyInfo
from tests import processes
from tests.browser.pair import OUR_REDIS
from tests.config.findings import faults, the_one, warnings

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
GOOD_POSTGRES = PostgresFacts(version=15, max_connections=100, pool_max=16, clock_s=0.1)
GOOD_REDIS = RedisFacts((7, 0), "noeviction", 0, 1_000_000, 0.0)


# --- Database ---


def test_a_database_that_cannot_be_reached_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> None:
        raise OperationalError("connection refused\nDETAIL: the row")

    monkeypatch.setattr("config.doctor.database.connection.ensure_connection", refuse)
    the_one(faults(database.check()), "cannot be reached: connection refused.")


def test_migrations_that_were_forgotten_are_counted(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = [(SimpleNamespace(app_label="chat", name="0009_tomorrow"), False)]
    executor = "config.doctor.database.MigrationExecutor.migration_plan"
    monkeypatch.setattr(executor, lambda *_: plan)
    said = faults(database.check())
    assert "1 migrations are not applied, the first is chat.0009_tomorrow." in said


def judged_sqlite(path: Path, **facts: str) -> list[str]:
    facts = {"mode": "wal", "health": "ok", "disk": "ext4"} | facts
    return faults(database.judge_sqlite(facts["mode"], facts["health"], path, facts["disk"]))


def test_sqlite_is_well_on_a_local_disk_with_wal(public: Settings, tmp_path: Path) -> None:
    assert judged_sqlite(tmp_path / "a.sqlite3") == []


@pytest.mark.parametrize(
    ("fact", "value", "words"),
    [
        ("mode", "delete", "journal is delete, not WAL"),
        ("disk", "nfs4", "on a network disk (nfs4)"),
        ("disk", "cifs", "on a network disk (cifs)"),
        ("health", "row 7 missing from index", "damaged: row 7 missing from index"),
    ],
)
def test_sqlite_where_it_cannot_work_is_a_fault(
    public: Settings, tmp_path: Path, fact: str, value: str, words: str
) -> None:
    the_one(judged_sqlite(tmp_path / "a.sqlite3", **{fact: value}), words)


def test_sqlite_in_a_folder_that_is_not_ours_is_a_fault(public: Settings, tmp_path: Path) -> None:
    the_one(judged_sqlite(tmp_path / "nowhere" / "a.sqlite3"), "cannot be written to")


def test_sqlite_with_redis_is_a_fault(public: Settings, tmp_path: Path) -> None:
    public.REDIS_URL = "redis://127.0.0.1/0"
    the_one(judged_sqlite(tmp_path / "a.sqlite3"), "SQLite has room for one writer")


def test_the_disk_of_a_file_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/a / ext4 rw 0 0\nhost:/x /data nfs4 rw 0 0\ntmp /database tmpfs rw 0 0\n"
    )
    assert database._disk_of(Path("/data/chat/a.sqlite3"), mounts) == "nfs4"
    assert database._disk_of(Path("/database/a.sqlite3"), mounts) == "tmpfs"
    assert database._disk_of(Path("/data2/a.sqlite3"), mounts) == "ext4"
    assert database._disk_of(Path("/data/a.sqlite3"), tmp_path / "none") == ""


def test_postgresql_as_it_should_be() -> None:
    said = [one.what for one in database.judge_postgres(GOOD_POSTGRES)]
    assert said == ["PostgreSQL 15.", "Its connections are enough for 6 processes."]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (PostgresFacts(13, 100, 16, 0.0), "PostgreSQL 13 is too old"),
        (PostgresFacts(15, 100, 0, 0.0), "no pool"),
        (PostgresFacts(15, 100, 16, -30.0), "differ by 30 s"),
    ],
)
def test_postgresql_where_it_cannot_work_is_a_fault(facts: PostgresFacts, words: str) -> None:
    the_one(faults(database.judge_postgres(facts)), words)


def test_too_few_connections_are_a_warning() -> None:
    the_one(warnings(database.judge_postgres(PostgresFacts(15, 20, 16, 0.0))), "20 connections")


def running_reply(user: User, owner: str) -> None:
    Message.objects.create(
        conversation=Conversation.objects.create(user=user, title="t"),
        role=Role.ASSISTANT,
        state=State.STREAMING,
        owner=owner,
        lease_until=timezone.now() + dt.timedelta(seconds=20),
    )


def test_two_writers_without_redis_are_a_fault(public: Settings, db: None) -> None:
    ada = User.objects.create_user("ada")
    running_reply(ada, "here:1:a")
    assert not [what for what in faults(database.check()) if "REDIS_URL" in what]
    running_reply(ada, "there:2:b")
    assert [what for what in faults(database.check()) if "2 processes write replies" in what]
    public.REDIS_URL = "redis://127.0.0.1/0"
    assert not [what for what in faults(database.check()) if "processes write" in what]


def test_a_demo_account_that_was_left_behind_is_a_fault(public: Settings, db: None) -> None:
    demo = get_user_model().objects.create_user(USERNAME, password=PASSWORD)
    assert [what for what in faults(database.check()) if "public password" in what]
    demo.set_password("another")
    demo.save()
    assert not [what for what in faults(database.check()) if "public password" in what]


# --- Redis ---


def test_redis_as_it_should_be() -> None:
    assert [one.level for one in relay.judge(GOOD_REDIS)] == [Level.FINE]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (RedisFacts((7, 0), "allkeys-lru", 10**9, 1, 0.0), "maxmemory-policy allkeys-lru"),
        (RedisFacts((7, 0), "noeviction", 10**9, 95 * 10**7, 0.0), "95% full"),
        (RedisFacts((7, 0), "noeviction", 0, 1, 9.0), "differ by 9 s"),
    ],
)
def test_redis_where_it_may_lose_something_is_a_warning(facts: RedisFacts, words: str) -> None:
    the_one(warnings(relay.judge(facts)), words)


def test_an_old_redis_is_a_fault() -> None:
    the_one(faults(relay.judge(RedisFacts((6, 0), "noeviction", 0, 1, 0.0))), "6.0 is too old")


def test_a_redis_that_is_not_there_is_a_fault_without_its_password(public: Settings) -> None:
    public.REDIS_URL = f"redis://:hush@127.0.0.1:{processes.free_port()}/0"
    said = list(relay.check())
    the_one(faults(said), "Redis cannot be used")
    assert "hush" not in repr(said)


@pytest.mark.redis
def test_a_redis_that_is_there_is_asked(public: Settings) -> None:
    public.REDIS_URL = OUR_REDIS
    assert faults(relay.check()) == []
    assert any(one.what.startswith("Redis ") for one in relay.check())


def a_process(proc: Path, number: int, command: str, folder: Path) -> None:
    (proc / str(number)).mkdir(parents=True)
    (proc / str(number) / "cmdline").write_bytes(command.replace(" ", "\0").encode() + b"\0")
    (proc / str(number) / "cwd").symlink_to(folder)


def test_servers_of_this_folder_are_counted_and_no_others(public: Settings, tmp_path: Path) -> None:
    here, there, proc = tmp_path / "here", tmp_path / "there", tmp_path / "proc"
    here.mkdir()
    there.mkdir()
    public.BASE_DIR = here
    for number in (1, 2):
        a_process(proc, number, "python -m daphne config.asgi:application", here)
    a_process(proc, 3, "python -m daphne config.asgi:application", there)
    a_process(proc, 4, "grep config.asgi:application.old", here)
    (proc / "5").mkdir()  # gone while we looked
    assert machine.servers_of_this_installation(proc) == 2


def test_two_servers_without_redis_are_a_fault() -> None:
    assert relay._alone(1).level == Level.FINE
    assert relay._alone(2).level == Level.FAULT


# --- OpenRouter ---


def asked(monkeypatch: pytest.MonkeyPatch, answer: KeyInfo | Exception) -> list[Finding]:
    class Client:
        async def key(self) -> KeyInfo:
            if isinstance(answer, Exception):
                raise answer
            return answer

        async def credits(self) -> Credits:
            raise KeyRejected("not with this key", status=403)

        async def aclose(self) -> None: ...

    monkeypatch.setattr(upstream, "make_client", Client)
    return list(upstream.check())


@pytest.fixture
def keyed(public: Settings) -> None:
    public.OPENROUTER_API_KEY = "sk-or-v1-hush"


def test_without_a_key_it_says_that_answers_are_made_up(public: Settings, db: None) -> None:
    public.OPENROUTER_API_KEY = ""
    the_one(warnings(upstream.check()), "the built-in emulator answers")


def test_a_key_that_is_taken(keyed: None, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fine("OpenRouter takes the key.") in asked(monkeypatch, KeyInfo())


def test_a_key_that_is_refused_is_a_fault(
    keyed: None, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = asked(monkeypatch, KeyRejected("sk-or-v1-hush is not known", status=401))
    assert any("refuses the key" in what for what in faults(said))
    assert "hush" not in repr(said)


def test_an_upstream_that_does_not_answer_is_a_fault(
    keyed: None, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = faults(asked(monkeypatch, NotConnected("connection refused")))
    assert any("could not be reached" in what for what in said)


@pytest.mark.parametrize(
    ("key", "level", "words"),
    [
        (KeyInfo(limit_remaining_usd=Decimal(0)), Level.FAULT, "has spent its limit"),
        (
            KeyInfo(limit_remaining_usd=Decimal("-0.1"), limit_reset="monthly"),
            Level.FAULT,
            "until its limit is reset (monthly)",
        ),
        (KeyInfo(limit_remaining_usd=Decimal("0.25")), Level.WARNING, "0.25 USD more"),
        (KeyInfo(is_management_key=True), Level.FAULT, "management key"),
        (KeyInfo(expires_at="2026-11-25T00:00:00Z"), Level.WARNING, "expires on 2026-11-25"),
    ],
)
def test_a_key_that_will_not_last_is_told(key: KeyInfo, level: Level, words: str) -> None:
    [said] = upstream.judge_key(key, NOW)
    assert said.level == level
    assert words in said.what


def test_a_key_without_a_limit_or_with_plenty_left_is_well() -> None:
    assert not list(upstream.judge_key(KeyInfo(), NOW))
    assert not list(upstream.judge_key(KeyInfo(limit_remaining_usd=Decimal(50)), NOW))


def test_credits_that_are_spent_are_a_fault() -> None:
    spent = Credits(total_credits_usd=Decimal(5), total_usage_usd=Decimal("5.01"))
    the_one(faults(upstream.judge_credits(spent)), "-0.01 USD")
    assert not list(upstream.judge_credits(None))


def test_the_age_of_the_catalogue() -> None:
    assert upstream.judge_catalogue(None, NOW).level == Level.FAULT
    assert upstream.judge_catalogue(NOW - dt.timedelta(days=9), NOW).level == Level.WARNING
    assert upstream.judge_catalogue(NOW - dt.timedelta(hours=9), NOW).level == Level.FINE


def test_on_sqlite_the_real_checks_run(db: None) -> None:
    assert database_connection.vendor in ("sqlite", "postgresql")
    assert not [what for what in faults(database.check()) if "migrations" in what]
