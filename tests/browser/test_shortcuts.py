"""Shortcuts: what each does, the sheet that lists them, and the switch that turns them off."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage
from tests.browser.prompts import never_ending, say, words

pytestmark = pytest.mark.browser

CODE = "Here.\n\n```python\nprint(1)\n```\n\n```sh\necho two\n```\n\nDone."


def sheet(chat: ChatPage) -> Locator:
    return chat.page.get_by_role("dialog", name="Reading and keyboard")


def test_the_sheet_lists_them_traps_the_focus_and_gives_it_back(chat: ChatPage) -> None:
    chat.composer.focus()
    chat.page.keyboard.press("Control+/")
    expect(sheet(chat)).to_be_visible()
    for what in ("New chat", "Search", "Stop the answer", "Copy the last code"):
        expect(sheet(chat).locator("dt", has_text=what).first).to_be_attached()
    for _ in range(20):
        chat.page.keyboard.press("Tab")
        is_inside = "document.activeElement.closest('dialog') || document.activeElement.localName"
        assert chat.page.evaluate(f"({is_inside}) !== 'a'"), "the focus left the sheet"
    chat.page.keyboard.press("Escape")
    expect(sheet(chat)).to_be_hidden()
    expect(chat.composer).to_be_focused()


def test_a_new_chat_the_search_and_the_message_box(chat: ChatPage) -> None:
    chat.ask("Hello? [[say: Hello.]]")
    chat.ends()
    chat.page.locator("#messages").focus()
    chat.page.keyboard.press("Control+k")
    expect(chat.page.get_by_role("searchbox")).to_be_focused()
    chat.page.keyboard.press("Escape")
    chat.page.keyboard.press("Shift+Escape")
    expect(chat.composer).to_be_focused()
    chat.page.keyboard.press("Control+Shift+O")
    expect(chat.page.locator("#empty")).to_be_visible()
    expect(chat.composer).to_be_focused()


def test_the_list_of_conversations_is_put_away_and_stays_away(chat: ChatPage) -> None:
    sidebar = chat.page.locator("#sidebar")
    chat.page.keyboard.press("Control+Shift+S")
    expect(sidebar).to_be_hidden()
    chat.page.reload()
    expect(sidebar).to_be_hidden()
    chat.page.get_by_role("button", name="Conversations", exact=True).click()
    expect(sidebar).to_be_visible()
    sidebar.get_by_role("button", name="Close the list of conversations").click()
    expect(sidebar).to_be_hidden()
    expect(chat.page.get_by_role("button", name="Conversations", exact=True)).to_be_focused()
    chat.page.keyboard.press("Control+Shift+S")
    expect(sidebar).to_be_visible()


def test_on_a_phone_the_same_key_opens_the_drawer(chat: ChatPage) -> None:
    chat.page.set_viewport_size({"width": 375, "height": 700})
    sidebar = chat.page.locator("#sidebar")
    expect(sidebar).to_be_hidden()
    chat.page.keyboard.press("Control+Shift+S")
    expect(sidebar).to_be_visible()
    chat.page.keyboard.press("Control+Shift+S")
    expect(sidebar).to_be_hidden()


def test_the_last_code_is_copied(chat: ChatPage, context: BrowserContext, site: Site) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    chat.page.keyboard.press("Control+Shift+;")
    expect(chat.page.locator("#announce")).to_have_text("There is no code yet.")
    chat.ask(say(CODE, 1000))
    chat.ends()
    chat.page.keyboard.press("Control+Shift+;")
    expect(chat.page.locator("#announce")).to_have_text("The last code is copied.")
    copied: str = chat.page.evaluate("navigator.clipboard.readText()")
    assert copied == "echo two\n"


def test_escape_in_the_message_box_stops_the_answer_and_only_there(chat: ChatPage) -> None:
    chat.ask(never_ending(words(60)))
    chat.see(60)
    chat.page.locator("#messages").focus()
    chat.page.keyboard.press("Escape")
    chat.composer.focus()
    chat.page.keyboard.press("Control+/")
    expect(sheet(chat)).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(sheet(chat)).to_be_hidden()
    expect(chat.answer).to_have_attribute("data-state", "streaming")
    chat.page.keyboard.press("Escape")
    chat.ends("stopped")


def test_switched_off_they_do_nothing_until_they_are_switched_on(chat: ChatPage) -> None:
    chat.page.get_by_role("link", name="Reading and keyboard").click()
    sheet(chat).get_by_label("Keyboard shortcuts").uncheck()
    chat.page.keyboard.press("Escape")
    chat.page.reload()
    for key in ("Control+/", "Control+k", "Control+Shift+S"):
        chat.page.keyboard.press(key)
    expect(chat.page.locator("dialog[open]")).to_have_count(0)
    expect(chat.page.locator("#sidebar")).to_be_visible()
    chat.page.get_by_role("link", name="Reading and keyboard").click()
    sheet(chat).get_by_label("Keyboard shortcuts").check()
    chat.page.keyboard.press("Escape")
    chat.page.keyboard.press("Control+k")
    expect(chat.page.get_by_role("searchbox")).to_be_focused()


def test_who_does_not_want_to_be_followed_is_left_where_they_are(chat: ChatPage) -> None:
    chat.page.get_by_role("link", name="Reading and keyboard").click()
    sheet(chat).get_by_label("Follow an answer").uncheck()
    chat.page.keyboard.press("Escape")
    chat.ask(say(words(900), 400))
    chat.see(600)
    place = "document.querySelector('#messages').scrollTop"
    expect(chat.page.get_by_role("button", name="Latest")).to_be_visible()
    before = chat.page.evaluate(place)
    chat.ends()
    assert chat.page.evaluate(place) == before


def test_the_theme_is_chosen_in_the_sheet_too(chat: ChatPage) -> None:
    chat.page.get_by_role("link", name="Reading and keyboard").click()
    expect(sheet(chat).get_by_label("System")).to_be_checked()
    sheet(chat).get_by_label("Dark").check()
    expect(chat.page.locator("html")).to_have_attribute("data-theme", "dark")
    chat.page.reload()
    expect(chat.page.locator("html")).to_have_attribute("data-theme", "dark")
