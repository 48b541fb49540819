"""From an invitation to an account, to its data in a zip, to its erasure: in a real browser."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.management.commands.create_demo import PASSWORD, USERNAME
from tests import processes
from tests.browser.pages import ChatPage
from tests.processes import Running

pytestmark = pytest.mark.browser
HERS = "a-l0ng-Enough-one"


@pytest.fixture(scope="module")
def server(
    emulator: Running, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("invitations")
    shutil.copytree(installed, folder, dirs_exist_ok=True)
    with ExitStack() as stack:
        env = processes.environment(
            folder, emulator.url, SIGN_UP="invitation", ADMIN_READS_CHATS="true"
        )
        yield stack.enter_context(processes.switchboard(env, folder / "server.log"))


@pytest.fixture
def tab(browser: Browser, server: Running) -> Iterator[ChatPage]:
    with browser.new_context() as context:
        yield ChatPage(context.new_page(), server.url)


def made_link(admin: Page, url: str, email: str) -> str:
    """What the admin shows once an invitation is made."""
    admin.goto(f"{url}/admin/accounts/invitation/add/")
    admin.get_by_label("E-mail:").fill(email)
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.get_by_role("heading", name="The invitation is made")).to_be_visible()
    return admin.get_by_label("Link of the invitation").input_value()


def join(page: Page, link: str, name: str) -> None:
    page.goto(link)
    expect(page.get_by_role("heading", name="You are invited")).to_be_visible()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(HERS)
    page.get_by_label("Password, once more").fill(HERS)
    page.get_by_role("button", name="Join").click()


def test_who_is_invited_joins_asks_takes_it_along_and_goes(
    browser: Browser, server: Running, tab: ChatPage
) -> None:
    tab.sign_in(USERNAME, PASSWORD)
    link = made_link(tab.page, server.url, "grace@example.org")
    with browser.new_context() as context:
        chat = ChatPage(context.new_page(), server.url)
        page = chat.page
        page.goto(link)
        expect(page.get_by_text(f"{USERNAME} invites you")).to_be_visible()
        expect(page.get_by_label("Email")).to_have_value("grace@example.org")
        join(page, link, "grace")
        expect(page.get_by_role("textbox", name="Message")).to_be_visible()
        chat.ask("Say hello to Grace")
        chat.ends()

        page.goto(f"{server.url}/accounts/data/")
        page.get_by_label("Password").fill(HERS)
        page.get_by_role("button", name="Go on").click()
        with page.expect_download() as told:
            page.get_by_role("button", name="Export everything").click()
        data = Path(told.value.path()).read_bytes()
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        assert {"account.json", "conversations.json", "usage.csv"} <= set(names)

        page.get_by_label("To erase it, type your username").fill("grace")
        page.get_by_role("button", name="Erase my account").click()
        expect(page.get_by_role("heading", name="Your account is erased")).to_be_visible()
        expect(page.get_by_text("entries of the ledger")).to_be_visible()
        page.goto(server.url)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_used_link_says_so(browser: Browser, server: Running, tab: ChatPage) -> None:
    tab.sign_in(USERNAME, PASSWORD)
    link = made_link(tab.page, server.url, "hedy@example.org")
    for attempt in ("joins", "is told"):
        with browser.new_context() as context:
            page = context.new_page()
            if attempt == "joins":
                join(page, link, "hedy")
                expect(page.get_by_role("textbox", name="Message")).to_be_visible()
            else:
                page.goto(link)
                expect(page.get_by_role("alert")).to_contain_text("was used already")


def test_a_chat_is_read_with_a_reason(tab: ChatPage, server: Running) -> None:
    tab.sign_in(USERNAME, PASSWORD)
    tab.open()
    tab.ask("Is anybody reading?")
    tab.ends()
    page = tab.page
    key = page.url.rstrip("/").split("/")[-1]
    page.goto(f"{server.url}/admin/chat/conversation/{key}/change/")
    expect(page.get_by_text("Is anybody reading?")).to_have_count(0)
    page.get_by_label("Why").fill("To see that it is written down")
    page.get_by_role("button", name="Write it down").click()
    expect(page.get_by_label("Question")).to_have_text("Is anybody reading?")
    page.goto(f"{server.url}/admin/accounts/auditentry/")
    expect(page.get_by_text("why: To see that it is written down")).to_be_visible()
