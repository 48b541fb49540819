"""`manage.py doctor` finds each fault that it knows, says what to do, and tells no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from config.doctor import deployment, machine
from config.doctor.findings import Finding, Level, fault, fine, warning
from config.management.commands import doctor
from tests import processes
from tests.browser.pair import OUR_REDIS
from tests.browser.pair import database as fresh_database
from tests.config.findings import faults, the_one, warnings

# --- Settings ---


def test_a_good_deployment_has_nothing_to_say_against_it(public: Settings) -> None:
    assert {one.level for one in deployment.check()} == {Level.FINE}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRET_KEY", "short", "easy to guess: 5 characters"),
        ("SECRET_KEY", "a" * 60, "easy to guess"),
        ("DEBUG", True, "DEBUG is on"),
        ("DEMO", True, "DEMO is on"),
        ("ALLOWED_HOSTS", ["*"], "ALLOWED_HOSTS has a wildcard"),
        ("HTTPS", False, "HTTPS is off"),
    ],
)
def test_a_setting_that_lets_others_in_is_a_fault(
    public: Settings, name: str, value: object, words: str
) -> None:
    setattr(public, name, value)
    the_one(faults(deployment.check()), words)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ALLOWED_HOSTS", ["localhost", "127.0.0.1"], "names this machine only"),
        ("CSRF_TRUSTED_ORIGINS", ["http://chat.example.org"], "http://chat.example.org"),
        ("ALLAUTH_TRUSTED_PROXY_COUNT", 0, "TRUSTED_PROXIES is 0"),
    ],
)
def test_a_setting_that_does_not_fit_is_a_warning(
    public: Settings, name: str, value: object, words: str
) -> None:
    setattr(public, name, value)
    assert faults(deployment.check()) == []
    the_one(warnings(deployment.check()), words)


def test_without_https_a_machine_of_ones_own_is_left_in_peace(public: Settings) -> None:
    public.HTTPS, public.ALLOWED_HOSTS = False, ["localhost"]
    assert faults(deployment.check()) == []


def test_the_secret_key_is_not_shown(public: Settings) -> None:
    public.SECRET_KEY = "hush"
    assert "hush" not in repr(list(deployment.check()))


# --- The machine ---


@pytest.mark.parametrize(
    ("limit", "level"),
    [(256, Level.FAULT), (1024, Level.WARNING), (65_536, Level.FINE), (-1, Level.FINE)],
)
def test_the_number_of_files(limit: int, level: Level) -> None:
    assert machine.judge_files(limit, max_streams=1000).level == level


def test_a_full_disk_is_a_fault() -> None:
    assert machine.judge_disk(5_000_000).level == Level.FAULT
    assert machine.judge_disk(5_000_000_000).level == Level.FINE


def test_static_files_that_were_never_collected_are_a_fault(
    public: Settings, tmp_path: Path
) -> None:
    public.STATIC_ROOT = tmp_path
    assert machine._static_missing() is None
    assert "never collected" in machine.judge_static(None).what


def test_a_static_file_that_came_later_is_named(public: Settings, tmp_path: Path) -> None:
    public.STATIC_ROOT = tmp_path
    (tmp_path / "staticfiles.json").write_text(json.dumps({"paths": {}}))
    everything = machine._static_missing()
    assert everything
    assert "switchboard/app.js" in everything
    rest = {path: "" for path in everything if path != "switchboard/app.js"}
    (tmp_path / "staticfiles.json").write_text(json.dumps({"paths": rest}))
    assert machine._static_missing() == ["switchboard/app.js"]
    assert machine.judge_static(["switchboard/app.js"]).level == Level.FAULT
    assert machine.judge_static([]).level == Level.FINE


# --- The command ---


def told(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> Callable[..., tuple[str, str]]:
    """Run the command where the checks say this; return what it wrote and how it failed."""

    def check() -> Iterator[Finding]:
        yield from findings

    monkeypatch.setattr(doctor, "CHECKS", {"settings": check, "redis": lambda: iter(())})

    def run(*words: str) -> tuple[str, str]:
        out = StringIO()
        try:
            call_command("doctor", *words, stdout=out)
        except CommandError as error:
            return out.getvalue(), str(error)
        return out.getvalue(), ""

    return run


BAD, POOR, GOOD = fault("It leaks.", "Mend it."), warning("It creaks.", "Oil it."), fine("It runs.")


def test_a_fault_fails_the_command_and_comes_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    said, failure = told(monkeypatch, GOOD, BAD)()
    assert failure == "1 faults, 0 warnings."
    assert "FAULT    It leaks.\n           Mend it.\n" in said
    assert "ok       It runs.\n" in said


def test_warnings_fail_it_only_when_it_is_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    run = told(monkeypatch, POOR)
    said, failure = run()
    assert failure == ""
    assert "warning  It creaks." in said
    assert "No fault, 1 warnings." in said
    assert run("--strict")[1] == "0 faults, 1 warnings."


def test_quiet_leaves_out_what_is_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    said, _ = told(monkeypatch, GOOD, POOR)("--quiet")
    assert "It runs." not in said
    assert "It creaks." in said


def test_one_part_can_be_asked_alone_and_no_other_name(monkeypatch: pytest.MonkeyPatch) -> None:
    run = told(monkeypatch, BAD)
    assert run("redis")[1] == ""
    assert "There is no part kitchen" in run("kitchen")[1]


def doctor_of(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "doctor", *words],
        cwd=processes.ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.postgres
@pytest.mark.redis
def test_a_whole_installation_passes_and_fails_once_it_is_broken(tmp_path: Path) -> None:
    with fresh_database(f"doctor_{os.getpid()}") as url:
        env = processes.environment(
            tmp_path,
            DATABASE_URL=url,
            REDIS_URL=OUR_REDIS,
            DEMO="false",
            SECRET_KEY="0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        )
        unprepared = doctor_of(env)
        assert unprepared.returncode == 1
        assert "migrations are not applied" in unprepared.stdout
        processes.manage(env, "migrate", "--verbosity", "0")
        processes.manage(env, "collectstatic", "--noinput", "--verbosity", "0")
        processes.manage(env, "sync_models")
        well = doctor_of(env)
        assert well.returncode == 0, well.stdout + well.stderr
        assert "PostgreSQL" in well.stdout
        broken = doctor_of(env | {"DEBUG": "true"}, "settings")
        assert broken.returncode == 1
        assert "DEBUG is on" in broken.stdout


def test_the_command_explains_itself() -> None:
    helped = doctor_of(dict(os.environ) | {"SECRET_KEY": "x"}, "--help")
    assert helped.returncode == 0
    assert "Exit status 1" in " ".join(helped.stdout.split())
