"""Instructions of a conversation, and the small library that they may come from."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.pages import ChatPage

pytestmark = pytest.mark.browser


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


def test_a_chat_begins_with_a_prompt_of_the_library_as_its_instructions(chat: ChatPage) -> None:
    save(chat, "Pirate", "You are a pirate.")
    chat.page.get_by_role("button", name="Begin a chat with Pirate").click()
    expect(chat.composer).to_be_visible()
    expect(instructions(chat).get_by_label("Instructions")).to_have_value("You are a pirate.")


def test_instructions_are_filled_from_the_library_and_belong_to_one_chat(
    chat: ChatPage,
) -> None:
    save(chat, "Poet", "You rhyme.")
    chat.open()
    chat.ask("Hello? [[say: Hello.]]")
    chat.ends()
    sheet = instructions(chat)
    sheet.get_by_role("button", name="Poet").click()
    expect(sheet.get_by_label("Instructions")).to_have_value("You rhyme.")
    sheet.get_by_role("button", name="Keep").click()
    sheet.get_by_role("button", name="Done").click()
    chat.open()
    chat.ask("Another? [[say: Yes.]]")
    chat.ends()
    expect(instructions(chat).get_by_label("Instructions")).to_have_value("")


def test_a_prompt_is_changed_and_deleted(chat: ChatPage) -> None:
    save(chat, "Draft", "One.")
    chat.page.get_by_role("link", name="Change Draft").click()
    chat.page.get_by_label("Text").fill("Two.")
    chat.page.get_by_role("button", name="Keep").click()
    row = chat.page.locator(".row", has_text="Draft")
    expect(row).to_contain_text("Two.")
    chat.page.get_by_role("button", name="Delete Draft").click()
    expect(row).to_have_count(0)
