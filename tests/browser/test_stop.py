"""Stop: at once, from any tab, and what came is kept."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage, squeezed
from tests.browser.prompts import say, words
from tests.browser.truth import eventually

pytestmark = pytest.mark.browser

SLOW = 40  # words a second: these answers would take ten seconds
ANSWER = words(400)


def ended_upstream(site: Site, generation: str) -> None:
    """The connection was closed long before the answer's end, and the emulator saw it."""
    eventually(lambda: not site.upstream.is_writing(generation))
    assert site.upstream.entry(generation)["cancelled"] is True
    assert len(site.upstream.sent(generation)) < len(ANSWER) / 2


def is_kept(chat: ChatPage, site: Site, seen: str, generation: str) -> None:
    """What had been seen is there, and it is the beginning of what was sent."""
    assert site.upstream.sent(generation).startswith(chat.source)
    assert squeezed(chat.source).startswith(seen)
    expect(chat.answer).to_contain_text("You stopped this answer.")


def test_stop_keeps_what_came_and_closes_the_upstream_at_once(chat: ChatPage, site: Site) -> None:
    chat.ask(say(ANSWER, SLOW))
    seen = chat.see(200)
    generation = site.books.generation(chat.conversation)
    chat.stop.click()
    chat.ends("stopped")
    ended_upstream(site, generation)
    is_kept(chat, site, seen, generation)
    expect(chat.cost).to_have_text("cost pending")
    expect(chat.page.locator("#total")).to_contain_text("and some pending")
    assert site.books.ended(chat.conversation).state == "pending"
    chat.page.reload()
    is_kept(chat, site, seen, generation)


def test_another_tab_can_stop_it(chat: ChatPage, second_tab: ChatPage, site: Site) -> None:
    chat.ask(say(ANSWER, SLOW))
    seen = chat.see(100)
    generation = site.books.generation(chat.conversation)
    second_tab.open(f"/c/{chat.conversation}/")
    second_tab.see(len(seen))
    second_tab.stop.click()
    for tab in (chat, second_tab):
        tab.ends("stopped")
        is_kept(tab, site, seen, generation)
    ended_upstream(site, generation)


def test_a_stopped_answer_can_be_asked_for_again(
    chat: ChatPage, second_tab: ChatPage, site: Site
) -> None:
    chat.ask("[[fault: stall after=30 times=1]] " + say(words(80), 100))
    chat.see(30)
    chat.stop.click()
    chat.ends("stopped")
    second_tab.open(f"/c/{chat.conversation}/")
    chat.retry.click()
    for tab in (chat, second_tab):
        tab.ends("done")
        assert tab.source == words(80)
        expect(tab.answers).to_have_count(1)
        expect(tab.questions).to_have_count(1)
    assert [call.state for call in site.books.calls(chat.conversation)] == ["pending", "settled"]
    chat.page.reload()
    expect(chat.answers).to_have_count(1)
    assert chat.source == words(80)
