"""Instructions of a conversation, and the small library that they may come from."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage

pytestmark = pytest.mark.browser


@pytest.fixture
def guest(guests_context: BrowserContext, site: Site) -> ChatPage:
    return ChatPage(guests_context.new_page(), site.url)


def save(chat: ChatPage, name: str, text: str) -> None:
    chat.open("/library/prompts/")
    chat.page.get_by_label("Name", exact=True).fill(name)
    chat.page.get_by_label("Text", exact=True).fill(text)
    chat.page.get_by_role("button", name="Keep").click()
    expect(chat.page.locator(".row", has_text=name)).to_be_visible()


def instructions(chat: ChatPage) -> Locator:
    chat.page.get_by_role("link", name="Options for this conversation").click()
    chat.page.get_by_role("link", name="Instructions").click()
    return chat.page.locator("#sheet")


def test_a_chat_begins_with_a_prompt_of_the_library_as_its_instructions(guest: ChatPage) -> None:
    save(guest, "Pirate", "You are a pirate.")
    guest.page.get_by_role("button", name="Begin a chat with Pirate").click()
    expect(guest.composer).to_be_visible()
    expect(instructions(guest).get_by_label("Instructions")).to_have_value("You are a pirate.")


def test_instructions_are_filled_from_the_library_and_belong_to_one_chat(
    guest: ChatPage,
) -> None:
    save(guest, "Poet", "You rhyme.")
    guest.open()
    guest.ask("Hello? [[say: Hello.]]")
    guest.ends()
    sheet = instructions(guest)
    sheet.get_by_role("button", name="Poet").click()
    expect(sheet.get_by_label("Instructions")).to_have_value("You rhyme.")
    sheet.get_by_role("button", name="Keep").click()
    sheet.get_by_role("button", name="Done").click()
    guest.open()
    guest.ask("Another? [[say: Yes.]]")
    guest.ends()
    expect(instructions(guest).get_by_label("Instructions")).to_have_value("")


def test_a_prompt_is_changed_and_deleted(guest: ChatPage) -> None:
    save(guest, "Draft", "One.")
    guest.page.get_by_role("link", name="Change Draft").click()
    guest.page.get_by_label("Text").fill("Two.")
    guest.page.get_by_role("button", name="Keep").click()
    row = guest.page.locator(".row", has_text="Draft")
    expect(row).to_contain_text("Two.")
    guest.page.get_by_role("button", name="Delete Draft").click()
    expect(row).to_have_count(0)
