"""Links that show a conversation as it was, and files that take it along."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import processes
from tests.browser.conftest import Site
from tests.browser.pages import ChatPage

pytestmark = pytest.mark.browser

EXPIRE = (
    "import datetime as dt; from django.utils import timezone; from chat.models import Share;"
    " Share.objects.filter(token='{token}').update("
    "expires_at=timezone.now() - dt.timedelta(seconds=1))"
)

MakeLink = Callable[..., str]


@pytest.fixture
def make_link(chat: ChatPage) -> MakeLink:
    """Makes a link to the conversation on show, from its menu."""

    def make(lasts: str = "30 days", name: str = "") -> str:
        chat.page.get_by_role("link", name="Options for this conversation").click()
        chat.page.get_by_role("link", name="Share by link").click()
        sheet = chat.page.locator("#sheet")
        sheet.get_by_label("It lasts").select_option(label=lasts)
        sheet.get_by_label("Name to show").fill(name)
        sheet.get_by_role("button", name="Make the link").click()
        link = sheet.get_by_label("The link").input_value()
        sheet.get_by_role("button", name="Close").click()
        return link

    return make


@pytest.fixture
def stranger(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as nobody:
        yield nobody.new_page()


def test_a_link_shows_the_conversation_as_it_was(
    chat: ChatPage, make_link: MakeLink, stranger: Page
) -> None:
    chat.ask("First? [[say: The **first** answer.]]")
    chat.ends()
    link = make_link(name="A. Friend")
    chat.ask("Second? [[say: A later answer.]]")
    chat.ends()
    stranger.goto(link)
    expect(stranger.get_by_label("Answer")).to_have_count(1)
    expect(stranger.get_by_label("Answer").locator("strong")).to_have_text("first")
    expect(stranger.get_by_text("shared by A. Friend")).to_be_visible()
    said = stranger.content()
    assert "A later answer" not in said
    assert "$0." not in said


def test_a_link_ends_by_itself(
    chat: ChatPage, make_link: MakeLink, stranger: Page, site: Site
) -> None:
    chat.ask("For a day [[say: Yes.]]")
    chat.ends()
    link = make_link("a day")
    stranger.goto(link)
    expect(stranger.get_by_label("Answer")).to_have_text("Yes.")
    token = link.rstrip("/").rpartition("/")[2]
    env = processes.environment(site.folder)
    processes.manage(env, "shell", "-c", EXPIRE.format(token=token))
    stranger.reload()
    expect(stranger.get_by_role("heading", name="This link has ended")).to_be_visible()
    expect(stranger.get_by_text("Yes.")).to_have_count(0)
    chat.open("/library/shared/")
    chat.page.get_by_role("button", name="Take the link to For a day").click()
    expect(chat.page.get_by_role("link", name="For a day")).to_have_count(0)


def test_a_conversation_is_exported_as_markdown(chat: ChatPage) -> None:
    chat.ask("Take it along? [[say: As **you** wish.]]")
    chat.ends()
    chat.page.get_by_role("link", name="Options for this conversation").click()
    menu = chat.page.locator("#menu")
    menu.get_by_text("Export").click()
    with chat.page.expect_download() as download:
        menu.get_by_role("link", name="Markdown").click()
    assert download.value.suggested_filename.endswith(".md")
    text = download.value.path().read_text()
    assert text.startswith("# Take it along?")
    assert "## You\n\nTake it along?" in text
    assert "As **you** wish." in text
