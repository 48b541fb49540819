"""A real Chromium, and the real server behind it, in processes of their own.

Nothing here touches the ORM: Playwright keeps an event loop running in this thread, where Django
refuses it. For the same reason its fixture ends with this package, so that tests elsewhere find
no loop running. The database is installed once and copied for each server.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, StorageState, expect, sync_playwright

from accounts.management.commands.create_demo import PASSWORD, USERNAME
from tests import processes
from tests.browser.cable import Cable, cable_to
from tests.browser.pages import ChatPage, Watch
from tests.browser.truth import PATIENCE_S, Books, Upstream
from tests.processes import Running

ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)
GUEST = "guest"
MAKE_GUEST = (
    "from django.contrib.auth import get_user_model as model;"
    f" model().objects.create_user('{GUEST}', password='{PASSWORD}')"
)

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
    """A folder with a database as `make run` prepares it, and a second person's account."""
    folder = tmp_path_factory.mktemp("installed")
    env = processes.environment(folder, emulator.url)
    processes.install(env)
    processes.manage(env, "shell", "-c", MAKE_GUEST)
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


@pytest.fixture(scope="package")
def sessions(browser: Browser, site: Site) -> Callable[[str], StorageState]:
    """The cookies of somebody who has signed in on the shared server."""
    known: dict[str, StorageState] = {}

    def session(username: str) -> StorageState:
        if username not in known:
            with browser.new_context() as context:
                ChatPage(context.new_page(), site.url).sign_in(username, PASSWORD)
                known[username] = context.storage_state()
        return known[username]

    return session


@pytest.fixture
def context(browser: Browser, sessions: Callable[[str], StorageState]) -> Iterator[BrowserContext]:
    """The browser of the demo person, signed in."""
    with browser.new_context(storage_state=sessions(USERNAME)) as context:
        yield context


@pytest.fixture
def guests_context(
    browser: Browser, sessions: Callable[[str], StorageState]
) -> Iterator[BrowserContext]:
    """The browser of another person, signed in."""
    with browser.new_context(storage_state=sessions(GUEST)) as context:
        yield context


@pytest.fixture
def chat(context: BrowserContext, site: Site) -> ChatPage:
    """A tab of the demo person with an empty conversation."""
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
