"""Reading while an answer grows: it is followed only while the reader is at its end."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.pages import ChatPage
from tests.browser.prompts import paced, say, words

pytestmark = pytest.mark.browser

AT_END = """() => {
  const list = document.querySelector("#messages");
  return list.scrollHeight - list.scrollTop - list.clientHeight < 24 && list.scrollTop > 100;
}"""


def top(chat: ChatPage) -> float:
    place: float = chat.page.locator("#messages").evaluate("it => it.scrollTop")
    return place


def latest(chat: ChatPage) -> Locator:
    return chat.page.get_by_role("button", name="Latest")


def scroll_up(chat: ChatPage) -> float:
    """As a hand on a wheel does; where the reader is then."""
    chat.page.locator("#messages").hover()
    chat.page.mouse.wheel(0, -400)
    expect(latest(chat)).to_be_visible()
    return top(chat)


def test_the_answer_is_followed_at_its_end_and_left_alone_elsewhere(chat: ChatPage) -> None:
    chat.ask(say(words(3000), 300))
    for letters in (4000, 5000):
        chat.see(letters)
        chat.page.wait_for_function(AT_END)
        expect(latest(chat)).to_be_hidden()
    place = scroll_up(chat)
    seen = len(chat.visible())
    chat.see(seen + 500)
    assert top(chat) == place, "the page moved under the reader"
    latest(chat).click()
    chat.page.wait_for_function(AT_END)
    expect(latest(chat)).to_be_hidden()
    chat.see(len(chat.visible()) + 500)
    chat.page.wait_for_function(AT_END)
    chat.stop.click()
    chat.ends("stopped")


def test_the_end_of_an_answer_does_not_move_who_reads_above(chat: ChatPage) -> None:
    chat.ask(say(words(1200), 300))
    chat.see(4000)
    place = scroll_up(chat)
    chat.ends()
    assert top(chat) == place
    expect(latest(chat)).to_be_visible()


def test_a_new_question_goes_to_the_top_and_its_answer_grows_below(chat: ChatPage) -> None:
    chat.ask(say(words(600), 4000))
    chat.ends()
    chat.ask(paced(25, "Explain how a lock works, in one paragraph."))
    chat.see(20)
    chat.page.wait_for_function(
        """() => {
          const list = document.querySelector("#messages").getBoundingClientRect();
          const asked = [...document.querySelectorAll("article.user")].pop();
          const top = asked.getBoundingClientRect().top, still = top === window.lastTop;
          window.lastTop = top;
          return still && Math.abs(top - list.top) < 80;
        }"""
    )
    before = chat.questions.last.bounding_box()
    chat.see(200)
    assert chat.questions.last.bounding_box() == before, "the question moved while it was answered"
    chat.ends()
    assert chat.questions.last.bounding_box() == before


def test_a_conversation_opens_at_its_end(chat: ChatPage) -> None:
    chat.ask(say(words(900), 4000))
    chat.ends()
    chat.page.reload()
    chat.page.wait_for_function(AT_END)
    expect(latest(chat)).to_be_hidden()
