"""Switchboard and its upstream as processes of their own: for browser tests and for the bench."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from openrouter.emulator.settings import DEMO_KEY

ROOT = Path(__file__).resolve().parent.parent
START_S = 30.0
STOP_S = 5.0
SERVERS = {
    "daphne": "daphne --bind 127.0.0.1 --port {port} --verbosity 1",
    "uvicorn": (
        "uvicorn --host 127.0.0.1 --port {port} --ws websockets-sansio --loop uvloop"
        " --lifespan on --log-level warning --no-access-log"
    ),
}
PEOPLE = """
import json
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.test import Client
password = make_password({password!r})  # once: it is slow on purpose
keys = {{}}
for name in {names!r}:
    client = Client()
    rights = dict(is_staff={is_admin}, is_superuser={is_admin})
    user = get_user_model().objects.create(username=name, password=password, **rights)
    client.force_login(user)
    keys[name] = client.cookies["sessionid"].value
print(json.dumps(keys))
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that listens on 127.0.0.1; `log` is a file with what it says."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def environment(folder: Path, upstream: str = "", **more: str) -> dict[str, str]:
    """A whole installation in `folder`: fresh database, demo account allowed.

    `upstream`: the address of an emulator; empty for the one that is built in.
    """
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "only-for-tests",
        "DATABASE_URL": f"sqlite:///{folder}/switchboard.sqlite3",
        "DEMO": "true",
        "DEBUG": "false",
        "HTTPS": "false",
        "ADMIN_READS_CHATS": "true",
        "MAX_REQUESTS_PER_MINUTE": "0",  # all of us come from one address
        "MAX_REQUESTS_PER_MINUTE_ADDRESS": "0",
        "TITLES": "prompt",  # a model's title is a call of its own, at a moment of its own
        "OPENROUTER_API_KEY": DEMO_KEY if upstream else "",
        "OPENROUTER_BASE_URL": f"{upstream or 'https://openrouter.ai'}/api/v1",
        **more,
    }


def manage(env: dict[str, str], *words: str) -> None:
    """Run one `manage.py` command to its end. Raises CalledProcessError, with its output."""
    command = [sys.executable, "manage.py", *words]
    subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)


def install(env: dict[str, str]) -> None:
    """What `make run` does before it starts the server."""
    manage(env, "migrate", "--verbosity", "0")
    manage(env, "collectstatic", "--noinput", "--verbosity", "0")
    manage(env, "sync_models")
    manage(env, "create_demo")


def sign_in(
    env: dict[str, str],
    names: Sequence[str],
    password: str | None = None,
    *,
    is_admin: bool = False,
) -> dict[str, str]:
    """Make these accounts; the key of a session of each, by name. None: they have no password.

    The page of sign-in would let in only some a minute.
    Raises CalledProcessError where a name is taken.
    """
    code = PEOPLE.format(names=list(names), password=password, is_admin=is_admin)
    told = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=ROOT,
        env=env,
        check=True,
        stdout=subprocess.PIPE,
    )
    keys: dict[str, str] = json.loads(told.stdout.splitlines()[-1])
    return keys


@contextmanager
def switchboard(
    env: dict[str, str], log: Path, server: str = "daphne", port: int = 0
) -> Iterator[Running]:
    """Switchboard under one of SERVERS, installed already; ended with the block."""
    port = port or free_port()
    command = ["-m", *SERVERS[server].format(port=port).split(), "config.asgi:application"]
    with listening([sys.executable, *command], env, port, log) as running:
        yield running


@contextmanager
def emulator(env: dict[str, str], log: Path, *flags: str) -> Iterator[Running]:
    """The emulator; `flags` are those of `manage.py openrouter_emulator`."""
    port = free_port()
    command = ["manage.py", "openrouter_emulator", "--port", str(port), *flags]
    with listening([sys.executable, *command], env, port, log) as running:
        yield running


@contextmanager
def listening(
    command: Sequence[str], env: dict[str, str], port: int, log: Path
) -> Iterator[Running]:
    """A program that listens on this port of 127.0.0.1; ended with the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)
    try:
        _wait_for(port, process, log)
        yield Running(process, port, log)
    finally:
        end(process)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the process listens. Raises RuntimeError, with what it said, if it does not."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"port {port} was never listened on:\n{log.read_text()[-4000:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make it."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
