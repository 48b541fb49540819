"""`manage.py openrouter_emulator` says what is wrong before it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError, call_command

from openrouter.emulator.server import bind

KNOBS = ("port", "tokens-per-s", "first-token-s", "seed", "fault-rate", "instant", "wire-style")
ROOT = Path(__file__).resolve().parents[2]


def test_a_port_that_is_taken_is_named() -> None:
    with bind(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} cannot be had"):
            call_command("openrouter_emulator", port=port)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"fault_rate": 1.2}, "fault_rate must be from 0 to 1"),
        ({"tokens_per_s": -3.0}, "tokens_per_s"),
        ({"first_token_s": 1e9}, "first_token_s"),
        ({"credits": "plenty"}, "Not started"),
        ({"port": 70_000}, "--port must be from 0 to 65535"),
    ],
)
def test_a_figure_out_of_range_is_named(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("openrouter_emulator", **wrong)


def test_the_help_names_every_knob(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("openrouter_emulator", "--help")
    told = capsys.readouterr().out
    assert all(f"--{name}" in told for name in KNOBS)


def test_it_runs_prints_its_address_and_stops_when_told() -> None:
    command = [sys.executable, "manage.py", "openrouter_emulator", "--port", "0", "--instant"]
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        try:
            assert httpx.get(f"{url}/models/count", timeout=20).json()["data"]["count"] > 300
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
