"""A real Chromium, and the real server behind it, in processes of their own.

Nothing here touches the ORM: Playwright keeps an event loop running in this thread, where Django
refuses it. For the same reason its fixture ends with this package, so that tests elsewhere find
no loop running. The database is installed once and copied for each server.

Most tests share one server, and nobody on it: each has a person of its own, who was never there
before. So what a test leaves behind, no other one finds, whatever their order.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    StorageState,
    StorageStateCookie,
    expect,
    sync_playwright,
)

from accounts.management.commands.create_demo import PASSWORD
from tests import processes
from tests.browser.cable import Cable, cable_to
from tests.browser.pages import ChatPage, Watch
from tests.browser.truth import PATIENCE_S, Books, Upstream
from tests.processes import Running

ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)
AT_ONCE = 100  # people that are made by one process: it takes about two seconds to start

expect.set_options(timeout=PATIENCE_S * 1000)  # milliseconds, as in all of Playwright


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS.split()
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("emulator")
    flags = ["--tokens-per-s", "400", "--first-token-s", "0.05"]
    with processes.emulator(processes.environment(folder), folder / "log", *flags) as running:
        yield running


@pytest.fixture(scope="package")
def installed(emulator: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database as `make run` prepares it."""
    folder = tmp_path_factory.mktemp("installed")
    env = processes.environment(folder, emulator.url)
    processes.install(env)
    return folder


@dataclass(frozen=True)
class Site:
    """A running Switchboard, and the truth about it."""

    server: Running
    folder: Path
    upstream: Upstream
    books: Books

    @property
    def url(self) -> str:
        return self.server.url


@pytest.fixture(scope="package")
def upstream(emulator: Running) -> Iterator[Upstream]:
    upstream = Upstream(emulator.url)
    yield upstream
    upstream.close()


@dataclass(frozen=True)
class Host:
    """Starts servers, on databases of their own or on one that is there."""

    emulator: Running
    upstream: Upstream
    installed: Path
    stack: ExitStack

    def copy(self, folder: Path) -> Path:
        """A folder with a database of its own."""
        shutil.copytree(self.installed, folder, dirs_exist_ok=True)
        return folder

    def start(self, folder: Path, port: int = 0) -> Site:
        """A server on the database in `folder`; it ends with the fixture."""
        env = processes.environment(folder, self.emulator.url)
        running = self.stack.enter_context(
            processes.switchboard(env, folder / "server.log", port=port)
        )
        return Site(running, folder, self.upstream, Books(folder / "switchboard.sqlite3"))


@pytest.fixture(scope="package")
def site(
    emulator: Running,
    upstream: Upstream,
    installed: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The server that most tests share."""
    with ExitStack() as stack:
        host = Host(emulator, upstream, installed, stack)
        yield host.start(host.copy(tmp_path_factory.mktemp("site")))


@pytest.fixture
def host(emulator: Running, upstream: Upstream, installed: Path) -> Iterator[Host]:
    """For tests that end their server."""
    with ExitStack() as stack:
        yield Host(emulator, upstream, installed, stack)


@pytest.fixture
def cable(site: Site) -> Iterator[Cable]:
    """The shared server behind a cable that can be pulled."""
    with cable_to(site.server.port) as cable:
        yield cable


@dataclass(frozen=True)
class Person:
    """An account on the shared server, and a browser's state in which they are signed in.

    Their password is PASSWORD.
    """

    name: str
    state: StorageState

    @classmethod
    def signed_in(cls, name: str, session_key: str) -> Person:
        cookies = [_cookie("sessionid", session_key), _cookie("csrftoken", secrets.token_hex(16))]
        return cls(name, {"cookies": cookies, "origins": []})


def _cookie(name: str, value: str) -> StorageStateCookie:
    """A cookie of the shared server, and of the cable to it."""
    return {
        "name": name,
        "value": value,
        "domain": "127.0.0.1",
        "path": "/",
        "expires": -1,
        "httpOnly": name == "sessionid",
        "secure": False,
        "sameSite": "Lax",
    }


def arriving(env: dict[str, str]) -> Iterator[Person]:
    for first in count(1, AT_ONCE):
        names = [f"person{number}" for number in range(first, first + AT_ONCE)]
        for name, key in processes.sign_in(env, names, PASSWORD).items():
            yield Person.signed_in(name, key)


@pytest.fixture(scope="package")
def newcomers(emulator: Running, site: Site) -> Iterator[Person]:
    """`next(newcomers)` is somebody who was never there before."""
    return arriving(processes.environment(site.folder, emulator.url))


@pytest.fixture
def person(newcomers: Iterator[Person]) -> Person:
    """The one whom a test is about, and no other test."""
    return next(newcomers)


@pytest.fixture(scope="module")
def administrator(emulator: Running, site: Site, request: pytest.FixtureRequest) -> Person:
    """Somebody who may do everything; each file of tests has its own."""
    env, name = processes.environment(site.folder, emulator.url), f"admin-of-{request.path.stem}"
    keys = processes.sign_in(env, [name], PASSWORD, is_admin=True)
    return Person.signed_in(name, keys[name])


@pytest.fixture
def context(browser: Browser, person: Person) -> Iterator[BrowserContext]:
    """The browser of the person, signed in."""
    with browser.new_context(storage_state=person.state) as context:
        yield context


@pytest.fixture
def guests_context(browser: Browser, newcomers: Iterator[Person]) -> Iterator[BrowserContext]:
    """The browser of another person, signed in."""
    with browser.new_context(storage_state=next(newcomers).state) as context:
        yield context


@pytest.fixture
def chat(context: BrowserContext, site: Site) -> ChatPage:
    """A tab of the person with an empty conversation."""
    chat = ChatPage(context.new_page(), site.url)
    chat.open()
    return chat


@pytest.fixture
def second_tab(context: BrowserContext, site: Site) -> ChatPage:
    """Another tab of the same person, with nothing opened yet."""
    return ChatPage(context.new_page(), site.url)


@pytest.fixture
def watch() -> Watch:
    return Watch()
