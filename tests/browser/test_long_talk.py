"""A long talk: it opens with its newest messages, and the older ones come as they are wanted."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from chat.exporting import FORMAT
from chat.shown import NEWEST
from tests.browser.conftest import Site
from tests.browser.pages import ChatPage
from tests.browser.prompts import say

pytestmark = pytest.mark.browser

MESSAGES = 130
# Where a message stands on the screen once it stands still: what was never near has a guessed
# height until it is drawn, some frames after the jump.
PLACE = """async (id) => {
  const top = () => document.getElementById(id).getBoundingClientRect().top;
  for (let was, same = 0; same < 3; was = top()) {
    await new Promise(requestAnimationFrame);
    same = top() === was ? same + 1 : 0;
  }
  return top();
}"""
UP = """() => { const list = document.querySelector("#messages"); list.scrollTop = 300; }"""


def talk() -> bytes:
    messages = [
        {
            "id": number,
            "parent": number - 1 or None,
            "role": "user" if number % 2 else "assistant",
            "state": "done",
            "text": f"Words number {number}.\n\n" + "More of them. " * 40,
        }
        for number in range(1, MESSAGES + 1)
    ]
    whole = {"title": "A long talk", "head": MESSAGES, "messages": messages}
    return json.dumps({"format": FORMAT, "version": 1, "conversations": [whole]}).encode()


@pytest.fixture
def address(context: BrowserContext, site: Site) -> str:
    """Where the talk is, once it has been brought in from a file."""
    page = context.new_page()
    page.goto(f"{site.url}/library/files/")
    page.get_by_label("File of conversations").set_input_files(
        {"name": "talk.json", "mimeType": "application/json", "buffer": talk()}
    )
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("status")).to_contain_text(f"{MESSAGES} messages")
    page.goto(site.url)
    href = page.get_by_role("link", name="A long talk", exact=True).get_attribute("href")
    assert href
    page.close()
    return href


def shown(page: Page) -> int:
    return page.locator("#messages .message").count()


def test_older_messages_come_as_the_reader_nears_them_and_nothing_jumps(
    chat: ChatPage, address: str
) -> None:
    page, places = chat.page, []
    chat.open(address)
    expect(chat.answer).to_contain_text(f"Words number {MESSAGES}.")
    assert shown(page) == NEWEST
    first = page.locator("#messages .message").first
    name = first.get_attribute("id")

    def look_first(route: Route) -> None:
        places.append(page.evaluate(PLACE, name))
        route.continue_()

    page.route("**/earlier/*", look_first, times=1)
    page.evaluate(UP)
    expect(page.locator("#messages .message")).to_have_count(2 * NEWEST)
    assert page.evaluate(PLACE, name) == pytest.approx(places[0], abs=2)
    while page.locator("#earlier").count():
        had = shown(page)
        page.evaluate(UP)
        expect(page.locator("#messages .message").nth(had)).to_be_attached()
    assert shown(page) == MESSAGES
    expect(first).to_contain_text("Words number 1.")


def test_the_browsers_own_search_finds_what_was_not_there_yet(chat: ChatPage, address: str) -> None:
    chat.open(address)
    chat.page.keyboard.press("Control+f")
    expect(chat.page.locator("#messages .message")).to_have_count(MESSAGES)


def test_an_address_that_names_an_old_message_shows_it(chat: ChatPage, address: str) -> None:
    chat.open(address)
    newest = chat.questions.first.get_attribute("id") or ""
    old = f"m{int(newest[1:]) - 40}"
    chat.open(f"{address}#{old}")
    expect(chat.page.locator(f"#{old}")).to_be_in_viewport()


def test_what_is_asked_in_a_long_talk_is_answered_at_its_end(chat: ChatPage, address: str) -> None:
    chat.open(address)
    chat.ask(say("Last of all.", 400))
    chat.ends()
    expect(chat.text).to_have_text("Last of all.")
    chat.page.evaluate("dispatchEvent(new Event('online'))")  # the socket comes again
    expect(chat.text).to_have_text("Last of all.")
    expect(chat.page.locator("#earlier")).to_have_count(1)


def test_without_javascript_a_link_leads_to_them(
    context: BrowserContext, site: Site, address: str
) -> None:
    state = context.storage_state()
    assert context.browser
    with context.browser.new_context(storage_state=state, java_script_enabled=False) as plain:
        page = plain.new_page()
        page.goto(site.url + address)
        had = shown(page)
        page.locator("#earlier").click()
        assert shown(page) == had + NEWEST
