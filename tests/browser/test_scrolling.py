"""Reading while an answer grows: it is followed only while the reader is at its end."""

from __future__ import annotations

import json

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


def long_talk(messages: int) -> bytes:
    """An export of ours: a talk of so many messages, each answer of a few paragraphs."""
    rows = [
        {"id": n, "parent": n - 1 or None, "role": "assistant", "text": f"{n}: {words(200)}"}
        if n % 2 == 0
        else {"id": n, "parent": n - 1 or None, "role": "user", "text": f"Question {n}"}
        for n in range(1, messages + 1)
    ]
    talk = {"id": "long", "title": "Five hundred messages", "messages": rows, "head": messages}
    head = {"format": "switchboard-conversations", "version": 1}
    return json.dumps(head | {"conversations": [talk]}).encode()


def test_older_messages_come_on_demand_and_move_nothing(chat: ChatPage) -> None:
    chat.open("/library/files/")
    chat.page.get_by_label("File of conversations").set_input_files(
        {"name": "talk.json", "mimeType": "application/json", "buffer": long_talk(500)}
    )
    chat.page.get_by_role("button", name="Import").click()
    expect(chat.page.get_by_role("status")).to_contain_text("500 messages")
    chat.open()
    chat.page.get_by_role("link", name="Five hundred messages", exact=True).click()
    expect(chat.answer).to_contain_text("500: ")
    chat.page.wait_for_function(AT_END)
    shown = chat.page.locator("#messages .message")
    few = shown.count()
    assert few < 100, "a long talk begins with its newest messages"
    name = shown.first.get_attribute("id")
    place: float = chat.page.evaluate(
        """(id) => {
          document.querySelector("#messages").scrollTop = 200;
          return document.getElementById(id).getBoundingClientRect().top;
        }""",
        name,
    )
    expect(shown).not_to_have_count(few)
    now = chat.page.locator(f"#{name}").bounding_box()
    assert now
    assert abs(now["y"] - place) < 3, "what is read has moved"
