"""What the page is measured on: an installation as production has it, and a long talk in it."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from accounts.management.commands.create_demo import PASSWORD, USERNAME
from tests.bench.page_wire import Counter, counted
from tests.processes import Running, emulator, environment, install, switchboard

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
SUBJECTS = (
    "Explain how a hash table works, with code in Python",
    "Compare SQLite and PostgreSQL in a table",
    "Why does the quadratic formula work? Show the equation",
    "How do I plan a week of meals? Give me steps",
    "Write a short note on tides",
    "Explain the difference between TCP and UDP",
)
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Site:
    """`wire` is where browsers go: in front of the server, counting."""

    server: Running
    wire: Counter
    folder: Path

    @property
    def url(self) -> str:
        return self.wire.url


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """uvicorn as `deploy/` starts it, SQLite, bundles as collectstatic makes them, an emulator."""
    log = folder / "log"
    offline = environment(folder)
    install(offline)
    with emulator(offline, log, "--instant", "--credits", "1000000") as upstream:
        env = environment(folder, upstream.url, MAX_COMPLETION_TOKENS="40000")
        with switchboard(env, log, "uvicorn") as server, counted(server.port) as wire:
            yield Site(server, wire, folder)


class Person:
    """Somebody who is signed in, without a browser."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=PATIENCE_S)
        form = {"login": USERNAME, "password": PASSWORD, **self._token("/accounts/login/")}
        self._client.post("/accounts/login/", data=form)
        self._csrf = self._token("/")

    def _token(self, path: str) -> dict[str, str]:
        found = TOKEN.search(self._client.get(path).raise_for_status().text)
        assert found is not None, f"{path} has no form"
        return {"csrfmiddlewaretoken": found[1]}

    def ask(self, prompt: str, path: str = "/", model: str = "") -> str:
        """Send a prompt, as soon as the answer before it has ended; return the talk's address."""
        form = {"prompt": prompt, "model": model, "nonce": secrets.token_hex(16), **self._csrf}
        htmx = {} if path == "/" else {"HX-Request": "true"}
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            answer = self._client.post(f"{path}send/", data=form, headers=htmx)
            if answer.status_code < 400:
                return str(answer.headers.get("location", path))
            time.sleep(0.01)  # an answer is still being written: nothing else tells its end
        raise TimeoutError(f"nothing could be sent: {answer.status_code} {answer.text[:300]}")

    def talk(self, messages: int) -> str:
        """A conversation of so many messages, all of them really asked; its address."""
        path = self.ask(SUBJECTS[0])
        for number in range(1, messages // 2):
            self.ask(f"{SUBJECTS[number % len(SUBJECTS)]}, part {number}", path)
        return path

    @property
    def cookies(self) -> list[dict[str, str]]:
        jar = self._client.cookies.jar
        return [{"name": each.name, "value": each.value or ""} for each in jar]

    def close(self) -> None:
        self._client.close()
