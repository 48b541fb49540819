"""Accounts in a real browser: the second step, sessions and their sockets, single sign-on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.management.commands.create_demo import PASSWORD
from tests import processes
from tests.accounts.conftest import code_of
from tests.accounts.provider import provider, somebody
from tests.browser.pages import ChatPage, Watch
from tests.processes import Running

pytestmark = pytest.mark.browser

NAMES = ("ada", "bea", "cleo", "dora", "emma")  # one a test, for what is done to their accounts
PEOPLE = [
    somebody("grace-1", email="grace@example.org", email_verified=True, preferred_username="grace")
]
PAGES = ("", "2fa/", "2fa/webauthn/", "sessions/", "3rdparty/", "password/change/", "login/")


@dataclass(frozen=True)
class Place:
    """A server with people of its own: what is done here would sign out those of other tests."""

    url: str
    browser: Browser

    def tab(self, name: str = "", **more: object) -> ChatPage:
        """A tab of a browser of its own, signed in if somebody is named."""
        chat = ChatPage(self.browser.new_context(**more).new_page(), self.url)  # type: ignore[arg-type]
        if name:
            chat.sign_in(name, PASSWORD)
        return chat


@pytest.fixture(scope="module")
def server(
    emulator: Running, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("accounts")
    shutil.copytree(installed, folder, dirs_exist_ok=True)
    with ExitStack() as stack:
        issuer = stack.enter_context(provider(PEOPLE))
        env = processes.environment(
            folder,
            emulator.url,
            OIDC_ISSUER=issuer,
            OIDC_CLIENT_ID="switchboard",
            OIDC_CLIENT_SECRET="hush-hush",
            OIDC_NAME="Acme",
            OIDC_SIGNUP="true",
        )
        processes.sign_in(env, NAMES, PASSWORD)
        yield stack.enter_context(processes.switchboard(env, folder / "server.log"))


@pytest.fixture
def place(browser: Browser, server: Running) -> Iterator[Place]:
    before = set(browser.contexts)
    yield Place(f"http://localhost:{server.port}", browser)  # passkeys want a name, not a number
    for context in set(browser.contexts) - before:
        context.close()


def account(chat: ChatPage, below: str = "") -> Page:
    chat.open(f"/accounts/{below}")
    return chat.page


def confirm(page: Page) -> None:
    """Show once more who one is."""
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def set_up_app(chat: ChatPage) -> tuple[str, str]:
    """Its secret, and the first recovery code."""
    page = account(chat, "2fa/")
    page.get_by_role("link", name="Set up").click()
    confirm(page)
    scanned = page.locator("img.scan").evaluate("it => it.complete && it.naturalWidth")
    assert scanned > 0, "the code to scan is drawn"
    page.get_by_text("No camera?").click()
    secret = page.locator("#authenticator_secret").inner_text()
    page.get_by_label("Authenticator code").fill(code_of(secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(page.locator(".codes code")).to_have_count(10)
    return secret, page.locator(".codes code").first.inner_text()


def enter(chat: ChatPage, name: str) -> Page:
    """By the password, as far as it leads."""
    page = account(chat, "login/")
    page.get_by_label("Username or email").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    return page


@pytest.mark.parametrize(("name", "scripts"), [("ada", True), ("bea", False)])
def test_a_second_step_is_set_up_and_asked_for(
    place: Place, watch: Watch, name: str, scripts: bool
) -> None:
    """Without JavaScript, too."""
    chat = place.tab(java_script_enabled=scripts)
    watch.over(chat.page)
    page = enter(chat, name)
    expect(page.locator("#composer")).to_be_visible()
    secret, recovery = set_up_app(chat)

    by_code = enter(place.tab(java_script_enabled=scripts), name)
    watch.over(by_code)
    by_code.get_by_label("Code").fill("000000")
    by_code.get_by_role("button", name="Sign in", exact=True).click()
    expect(by_code.get_by_text("That is not right")).to_be_visible()
    by_code.get_by_label("Code").fill(code_of(secret))
    by_code.get_by_role("button", name="Sign in", exact=True).click()
    expect(by_code.locator("#composer")).to_be_visible()

    by_recovery = enter(place.tab(java_script_enabled=scripts), name)
    by_recovery.get_by_label("Code").fill(recovery)
    by_recovery.get_by_role("button", name="Sign in", exact=True).click()
    expect(by_recovery.locator("#composer")).to_be_visible()
    page = account(chat)
    expect(page.get_by_role("link", name="Two-step sign-in")).to_contain_text("9 recovery codes")
    assert watch.complaints == []


def test_an_ended_session_loses_its_open_tab(place: Place, watch: Watch) -> None:
    mine, theirs = place.tab("cleo"), place.tab("cleo", user_agent="Firefox/140.0 (iPhone)")
    watch.over(mine.page)
    theirs.ask("Are you there? [[say: Yes.]]")
    theirs.ends()
    conversation = theirs.page.url
    page = account(mine, "sessions/")
    place_of_theirs = page.get_by_role("listitem").filter(has_text="Firefox on iPhone")
    expect(place_of_theirs).to_be_visible()
    place_of_theirs.get_by_role("button", name="End").click()
    expect(page.get_by_role("status")).to_contain_text("That session is ended.")
    expect(theirs.page).to_have_url(re.compile("/accounts/login/"))  # by itself: its socket closed
    theirs.page.goto(conversation)
    expect(theirs.page).to_have_url(re.compile("/accounts/login/"))
    page.goto(conversation)
    expect(mine.text).to_have_text("Yes.")
    assert watch.complaints == []


def test_a_changed_password_ends_the_other_sessions(place: Place) -> None:
    mine, theirs = place.tab("dora"), place.tab("dora")
    theirs.ask("Are you there? [[say: Yes.]]")
    theirs.ends()
    page = account(mine, "password/change/")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New Password", exact=True).fill("another-board-7")
    page.get_by_label("New Password (again)").fill("another-board-7")
    page.get_by_role("button", name="Change the password").click()
    expect(theirs.page).to_have_url(re.compile("/accounts/login/"))
    mine.open()
    expect(mine.composer).to_be_visible()


def test_a_passkey_signs_in_alone(place: Place, watch: Watch) -> None:
    chat = place.tab("emma")
    devices = chat.page.context.new_cdp_session(chat.page)
    devices.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    watch.over(chat.page)
    page = account(chat, "2fa/webauthn/")
    page.get_by_role("link", name="Add a passkey").click()
    confirm(page)
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page = account(chat, "2fa/webauthn/")
    expect(page.get_by_text("My laptop")).to_be_visible()
    expect(page.get_by_text("signs in alone")).to_be_visible()
    account(chat, "logout/").get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(chat.composer).to_be_visible()
    assert watch.complaints == []
    with_password = enter(place.tab(), "emma")  # which alone is not enough any more
    expect(with_password.get_by_role("button", name="Use a passkey")).to_be_visible()


def test_single_sign_on_goes_there_and_back(place: Place, watch: Watch) -> None:
    page = place.tab().page
    watch.over(page)
    page.goto(f"{place.url}/usage/")
    page.get_by_role("button", name="Sign in with Acme").click()
    page.get_by_role("button", name="grace-1").click()
    expect(page).to_have_url(f"{place.url}/usage/")
    page.goto(f"{place.url}/accounts/")
    expect(page.get_by_text("You are signed in as grace")).to_be_visible()
    expect(page.get_by_role("link", name="Sign-in with Acme")).to_contain_text("Connected")
    unheard = "Failed to load resource"  # what the provider's own page lacks here
    assert [it for it in watch.complaints if unheard not in it] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_the_narrowest_phone(place: Place, scheme: str) -> None:
    signed_in, stranger = place.tab("cleo"), place.tab()
    for chat, pages in ((signed_in, PAGES[:-1]), (stranger, PAGES[-1:])):
        chat.page.set_viewport_size({"width": 320, "height": 640})
        chat.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for below in pages:
            wide = account(chat, below).evaluate("document.documentElement.scrollWidth")
            assert wide <= 320, below
