"""Connecting an OpenRouter account in a real browser: there, back, an answer on it, and out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage, Watch

pytestmark = pytest.mark.browser


@pytest.fixture
def page(context: BrowserContext, site: Site) -> Page:
    """A tab on the page of the person's own OpenRouter account."""
    page = context.new_page()
    page.goto(f"{site.url}/keys/")
    return page


def connect(page: Page, site: Site) -> None:
    page.get_by_role("button", name="Connect OpenRouter").click()
    expect(page.get_by_role("heading")).to_have_text(re.compile("use your credits"))
    page.locator("#authorize").click()
    expect(page).to_have_url(f"{site.url}/keys/")


def test_an_account_is_connected_pays_for_an_answer_and_is_disconnected(
    page: Page, site: Site
) -> None:
    connect(page, site)
    watch = Watch()  # from now on: the emulator's own page lacks an icon, and says so
    watch.over(page)
    expect(page.get_by_role("status")).to_contain_text("Your OpenRouter account is connected")
    expect(page.locator("dl")).to_contain_text("ends in")
    chat = ChatPage(page, site.url)
    chat.open()
    chat.ask("Tell me about bees")
    expect(chat.cost).to_contain_text("on your account")
    page.goto(f"{site.url}/keys/")
    expect(page.locator("dl")).to_contain_text(re.compile(r"Spent from here\s+\$0\.\d*[1-9]"))
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("status")).to_contain_text("disconnected")
    expect(page.get_by_role("button", name="Connect OpenRouter")).to_be_visible()
    assert watch.complaints == []


def test_the_way_back_works_once(page: Page, site: Site) -> None:
    backs: list[str] = []
    page.on("request", lambda request: backs.append(request.url))
    connect(page, site)
    (back,) = (url for url in backs if "/keys/callback/" in url)
    page.goto(back)
    expect(page).to_have_url(f"{site.url}/keys/")
    expect(page.get_by_role("status")).to_contain_text("No connection was begun here")
    expect(page.get_by_role("button", name="Disconnect")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(page: Page, scheme: str) -> None:
    page.set_viewport_size({"width": 375, "height": 667})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 375
