"""Without a mouse: everything is reached by Tab, and one sees where one is."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.pages import ChatPage
from tests.browser.prompts import say

pytestmark = pytest.mark.browser

# What a person may want to reach, as a list of names; of radio buttons one stands for its group.
WANTED = """() => {
  const kinds = ["a[href]", "button", "input:not([type=hidden])", "select", "textarea", "summary"];
  const closed = "[popover]:not(:popover-open):not(#sidebar), dialog:not([open])";
  window.wanted = [...document.querySelectorAll(`${kinds}, [tabindex="0"]`)].filter((it) =>
    !it.disabled && it.tabIndex >= 0 && !it.closest(closed) &&
    it.checkVisibility({ visibilityProperty: true }));
  return window.wanted.length;
}"""
# Where the focus is: which of them, and whether a person can see that.
HERE = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  await frame();
  await frame();
  const it = document.activeElement;
  const shown = [it, it.closest("label") ?? it].some((each) => {
    const style = getComputedStyle(each), box = each.getBoundingClientRect();
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    return box.width > 1 && box.height > 1 && (ring || each.closest(".box:focus-within"));
  });
  let opacity = 1;
  for (let each = it.closest("label") ?? it; each; each = each.parentElement) {
    opacity *= getComputedStyle(each).opacity;
  }
  return { at: window.wanted.indexOf(it), shown: shown && opacity > 0.5, html: it.outerHTML };
}"""
MISSED = "(reached) => wanted.filter((_, at) => !reached.includes(at)).map((it) => it.outerHTML)"


def test_tab_reaches_everything_and_the_focus_can_be_seen(chat: ChatPage) -> None:
    chat.ask(say("One.\n\n```python\nprint(1)\n```\n\nSee [there](https://example.org).", 400))
    chat.ends()
    chat.page.mouse.move(0, 0)
    expect(chat.page.locator("#sidebar .spinner")).to_have_count(0)  # the list is drawn anew then
    chat.page.emulate_media(reduced_motion="reduce")  # the ring is there at once
    count: int = chat.page.evaluate(WANTED)
    assert count > 25
    chat.page.evaluate("document.querySelector('.skip').focus()")
    reached: list[int] = []
    unseen: list[str] = []
    for _ in range(count + 10):
        here: dict[str, Any] = chat.page.evaluate(HERE)
        reached.append(here["at"])
        if not here["shown"] and here["at"] >= 0:
            unseen.append(here["html"][:120])
        chat.page.keyboard.press("Tab")
    assert chat.page.evaluate(MISSED, reached) == []
    assert unseen == []


def test_the_messages_are_a_named_log_that_announces_no_tokens(chat: ChatPage) -> None:
    chat.ask("Hello? [[say: Hello.]]")
    log = chat.page.get_by_role("log", name="Messages")
    expect(log).to_have_attribute("aria-live", "off")
    expect(log.locator("article")).to_have_count(2)
    chat.ends()
    expect(chat.page.locator("#announce")).to_have_text("Answer ready.")


def test_the_skip_link_leads_to_the_message_box(chat: ChatPage) -> None:
    chat.ask("Hello? [[say: Hello.]]")
    chat.ends()
    chat.page.reload()  # a conversation takes the focus nowhere
    chat.page.keyboard.press("Tab")
    expect(chat.page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    chat.page.keyboard.press("Enter")
    chat.page.keyboard.type("Arrived")
    expect(chat.composer).to_have_value("Arrived")


def test_dialogs_give_the_focus_back(chat: ChatPage) -> None:
    chat.ask("Hello? [[say: Hello.]]")
    chat.ends()
    again = chat.answer.get_by_role("link", name="Answer again")
    again.focus()
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_role("menuitem").first).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(again).to_be_focused()
    options = chat.page.get_by_role("link", name="Options for this conversation")
    options.focus()
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_role("button", name="Rename")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(options).to_be_focused()
    chat.composer.focus()
    chat.page.keyboard.press("ControlOrMeta+k")
    expect(chat.page.get_by_role("searchbox", name="Search conversations")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(chat.composer).to_be_focused()
