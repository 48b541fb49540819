"""No server starts with settings that are not safe for others; `make run` on a fresh clone does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from config.safety import is_guessable, is_wildcard, refusals
from tests import processes

KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
PRODUCTION = {
    "SECRET_KEY": KEY,
    "DEBUG": "false",
    "DEMO": "false",
    "HTTPS": "true",
    "ALLOWED_HOSTS": "chat.example.org",
}
TRIAL = PRODUCTION | {"DEMO": "true", "HTTPS": "false", "ALLOWED_HOSTS": "localhost,127.0.0.1"}
START = "import config.asgi"


def run(folder: Path, values: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    env = processes.environment(folder, **values)
    return subprocess.run(
        [sys.executable, *words],
        cwd=processes.ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("values", [PRODUCTION, TRIAL], ids=["production", "trial"])
def test_good_settings_start(tmp_path: Path, values: dict[str, str]) -> None:
    started = run(tmp_path, values, "-c", START)
    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is empty"),
        ("SECRET_KEY", "short", "SECRET_KEY is short"),
        ("SECRET_KEY", "ab" * 40, "SECRET_KEY is short or not random"),
        ("SECRET_KEY", f"django-insecure-{KEY}", "SECRET_KEY is short or not random"),
        ("DEBUG", "true", "DEBUG is on"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS has a wildcard"),
        ("ALLOWED_HOSTS", "chat.example.org,*", "ALLOWED_HOSTS has a wildcard"),
        ("ALLOWED_HOSTS", ".org", "ALLOWED_HOSTS has a wildcard"),
        ("DEMO", "true", "DEMO is on"),
    ],
)
def test_unsafe_ones_do_not_and_are_told_why(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    refused = run(tmp_path, PRODUCTION | {name: value}, "-c", START)
    assert refused.returncode == 1
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not value or len(value) < 10 or value not in refused.stderr
    assert len(re.findall("^- ", refused.stderr, re.MULTILINE)) == 1


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    wrong = {"SECRET_KEY": "x", "DEBUG": "true", "DEMO": "true", "ALLOWED_HOSTS": "*"}
    refused = run(tmp_path, PRODUCTION | wrong, "-c", START)
    assert len(re.findall("^- ", refused.stderr, re.MULTILINE)) == 4


@pytest.mark.parametrize("server", processes.SERVERS)
def test_a_server_ends_with_these_words(tmp_path: Path, server: str) -> None:
    words = ["-m", *processes.SERVERS[server].format(port=processes.free_port()).split()]
    refused = run(tmp_path, PRODUCTION | {"DEBUG": "true"}, *words, "config.asgi:application")
    assert refused.returncode == 1
    assert "Switchboard does not start" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("SECRET_KEY", "short"), ("DEBUG", "true"), ("ALLOWED_HOSTS", "*")]
)
def test_what_only_this_machine_can_reach_may_be_tried(
    tmp_path: Path, name: str, value: str
) -> None:
    """But for a host that is not this machine: then it is no trial."""
    started = run(tmp_path, TRIAL | {name: value}, "-c", START)
    assert started.returncode == (1 if name == "ALLOWED_HOSTS" else 0), started.stderr


def test_what_is_not_called_a_demo_is_production(settings: Settings) -> None:
    """DEMO is off where nothing is said of it: to forget it lets nobody in."""
    settings.DEMO, settings.HTTPS, settings.ALLOWED_HOSTS = False, False, ["localhost"]
    settings.SECRET_KEY, settings.DEBUG = KEY, False
    assert not list(refusals(settings))
    settings.SECRET_KEY = "short"
    assert [name for name, _ in refusals(settings)] == ["E001"]


def test_the_check_of_a_deployment_is_clean(tmp_path: Path) -> None:
    checked = run(tmp_path, PRODUCTION, "manage.py", "check", "--deploy", "--fail-level", "DEBUG")
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [("SECRET_KEY", "x", 1), ("DEBUG", "true", 2), ("ALLOWED_HOSTS", "*", 3), ("DEMO", "true", 4)],
)
def test_the_check_says_what_a_server_would_end_with(
    tmp_path: Path, name: str, value: str, number: int
) -> None:
    checked = run(tmp_path, PRODUCTION | {name: value}, "manage.py", "check", "--deploy")
    assert checked.returncode == 1
    assert f"switchboard.E00{number}" in checked.stderr


def test_the_example_settings_are_a_trial(tmp_path: Path) -> None:
    """What `make run` copies; and a copy that is put on a real host as it is does not start."""
    lines = (processes.ROOT / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if re.match("[A-Z_]+=", line))
    wanted = {name: example[name] for name in PRODUCTION} | {"SECRET_KEY": KEY}
    assert run(tmp_path, wanted, "-c", START).returncode == 0
    moved = wanted | {"ALLOWED_HOSTS": "chat.example.org"}
    assert "DEMO is on" in run(tmp_path, moved, "-c", START).stderr


def test_a_key_that_make_run_writes_is_good() -> None:
    makefile = (processes.ROOT / "Makefile").read_text()
    assert "secrets.token_urlsafe(50)" in makefile
    assert not is_guessable(KEY)


@pytest.mark.parametrize(
    "host", ["chat.example.org", ".example.org", "localhost", "[::1]", "10.0.0.1"]
)
def test_a_name_of_ones_own_is_no_wildcard(host: str) -> None:
    assert not is_wildcard(host)
