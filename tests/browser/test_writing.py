"""Writing a message: with an input method, over many lines, in several chats, with files."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, FloatRect, Locator, expect

from tests.browser.pages import ChatPage
from tests.browser.prompts import never_ending, words

pytestmark = pytest.mark.browser

DROP = """() => {
  const data = new DataTransfer();
  data.items.add(new File(["# Notes"], "dropped.md", { type: "text/markdown" }));
  const box = document.querySelector("#prompt");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    box.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


def box_of(it: Locator) -> FloatRect:
    box = it.bounding_box()
    assert box
    return box


def test_enter_chooses_a_word_of_an_input_method_and_only_then_sends(
    chat: ChatPage, context: BrowserContext
) -> None:
    keyboard = context.new_cdp_session(chat.page)
    composing = {"text": "かんじ", "selectionStart": 3, "selectionEnd": 3}
    keyboard.send("Input.imeSetComposition", composing)
    expect(chat.composer).to_have_value("かんじ")
    enter = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    keyboard.send("Input.dispatchKeyEvent", enter)
    keyboard.send("Input.insertText", {"text": "漢字 [[say: はい。]]"})
    expect(chat.composer).to_have_value("漢字 [[say: はい。]]")
    expect(chat.questions).to_have_count(0)
    chat.composer.press("Enter")
    expect(chat.text).to_have_text("はい。")
    expect(chat.questions).to_have_count(1)


def test_the_box_grows_with_the_text_up_to_a_cap_and_shrinks_again(chat: ChatPage) -> None:
    one = box_of(chat.composer)["height"]
    chat.composer.fill("line\n" * 5)
    six = box_of(chat.composer)["height"]
    assert six > 3 * one
    chat.composer.fill("line\n" * 500)
    most = box_of(chat.composer)
    assert six < most["height"] < 500
    expect(chat.page.get_by_role("button", name="Send")).to_be_in_viewport()
    chat.composer.fill("")
    assert box_of(chat.composer)["height"] == one


def test_every_conversation_keeps_its_own_draft(chat: ChatPage) -> None:
    names = ("Apples", "Pears")
    for name in names:
        chat.page.get_by_role("link", name="New chat").first.click()
        expect(chat.page.locator("#empty")).to_be_visible()
        chat.ask(f"{name} [[say: Yes.]]")
        chat.ends()
        chat.composer.press_sequentially(f"more about {name}")
    chat.page.get_by_role("link", name="New chat").first.click()
    expect(chat.page.locator("#empty")).to_be_visible()
    expect(chat.composer).to_have_value("")
    for name in names:
        chat.page.locator("#sidebar").get_by_role("link", name=name).first.click()
        expect(chat.questions.first).to_contain_text(name)
        expect(chat.composer).to_have_value(f"more about {name}")


def test_a_file_that_is_dropped_is_attached_and_goes_along(chat: ChatPage) -> None:
    chat.page.evaluate(DROP)
    expect(chat.page.locator("#attached li")).to_contain_text("dropped.md")
    expect(chat.page.locator(".dropping")).to_have_count(0)
    chat.ask("What is it? [[say: Notes.]]")
    chat.ends()
    expect(chat.questions.last.get_by_role("link", name="dropped.md")).to_be_visible()


def test_stop_takes_the_place_of_send_and_typing_stays_possible(chat: ChatPage) -> None:
    send = chat.page.get_by_role("button", name="Send")
    before = box_of(send)
    chat.ask(never_ending(words(80)))
    chat.see(40)
    expect(send).to_be_hidden()
    expect(chat.stop).to_have_count(1)
    assert box_of(chat.stop) == before
    expect(chat.composer).to_be_focused()
    chat.page.keyboard.type("typed meanwhile")
    expect(chat.composer).to_have_value("typed meanwhile")
    chat.stop.click()
    chat.ends("stopped")
    expect(send).to_be_visible()
    expect(chat.composer).to_have_value("typed meanwhile")
    expect(chat.composer).to_be_focused()


def test_the_composer_keeps_its_height_when_a_message_is_sent(chat: ChatPage) -> None:
    box = chat.page.locator("#composer .box")
    before = box_of(box)["height"]
    chat.ask("Hello? [[say: Hello.]]")
    chat.ends()
    assert box_of(box)["height"] == before


def test_an_example_is_put_into_the_box_and_not_sent(chat: ChatPage) -> None:
    example = chat.page.locator("#empty button").first
    prompt = example.get_attribute("data-example") or "?"
    example.click()
    expect(chat.composer).to_have_value(prompt)
    expect(chat.composer).to_be_focused()
    expect(chat.questions).to_have_count(0)
