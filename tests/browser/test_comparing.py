"""Comparing two models under a hand: side by side, stacked on a phone, with a vote."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import Person, Site
from tests.browser.pages import ChatPage, Watch
from tests.browser.prompts import never_ending, say, words

pytestmark = pytest.mark.browser


def against(chat: ChatPage, model: str) -> None:
    chat.page.get_by_role("button", name="Compare with a second model").click()
    search = chat.page.get_by_label("Find a model")
    expect(chat.page.locator("#picker .star").first).to_be_attached()
    search.fill(model)
    search.press("Enter")


def ask_both(chat: ChatPage, prompt: str) -> Locator:
    """Send, and see both places."""
    chat.composer.fill(prompt)
    chat.page.get_by_role("button", name="Send").click()
    pair = chat.page.locator(".pair")
    expect(pair.locator("article")).to_have_count(2)
    return pair


def both_end(pair: Locator) -> None:
    expect(pair.locator('[data-state="done"]')).to_have_count(2)


def test_two_models_answer_at_once_and_the_better_one_stays(
    chat: ChatPage, second_tab: ChatPage, watch: Watch
) -> None:
    watch.over(chat.page)
    against(chat, "gpt-5-mini")
    pair = ask_both(chat, say(words(200), 80))
    expect(pair.locator('[data-state="streaming"]')).to_have_count(2)
    second_tab.open(f"/c/{chat.conversation}/")
    expect(chat.page.get_by_role("button", name="Both are good")).not_to_be_visible()
    both_end(pair)
    left, right = (it.bounding_box() for it in pair.locator("article").all())
    assert left
    assert right
    assert left["y"] == right["y"], "side by side"
    expect(pair.locator("article").nth(1)).to_contain_text("gpt-5-mini")
    both_end(second_tab.page.locator(".pair"))

    chat.page.get_by_role("button", name="B", exact=True).click()
    for tab in (chat, second_tab):
        expect(tab.page.locator(".pair")).to_have_count(0)
        expect(tab.answers).to_have_count(1)
        expect(tab.answer).to_contain_text("gpt-5-mini")
        expect(tab.answer.get_by_role("group", name="Branch 2 of 2")).to_be_visible()
    chat.ask("On? [[say: On.]]")
    expect(chat.text).to_have_text("On.")
    chat.ends()
    assert not watch.complaints


def test_one_stop_ends_both(chat: ChatPage) -> None:
    against(chat, "gpt-5-mini")
    pair = ask_both(chat, never_ending(words(80)))
    chat.see(60)
    chat.page.locator(".halt").click()
    expect(pair.locator('[data-state="stopped"]')).to_have_count(2)


def test_going_on_without_a_vote_puts_the_pair_away(chat: ChatPage) -> None:
    against(chat, "gpt-5-mini")
    both_end(ask_both(chat, "Which? [[say: This.]]"))
    expect(chat.page.get_by_role("button", name="Do not compare")).not_to_be_visible()
    chat.composer.fill("On? [[say: On.]]")
    chat.composer.press("Enter")
    expect(chat.page.locator(".pair")).to_have_count(0)
    expect(chat.answers).to_have_count(2)
    chat.ends()


def test_an_answer_is_compared_with_another_models(chat: ChatPage) -> None:
    chat.ask("Which? [[say: This.]]")
    chat.ends()
    chat.answer.get_by_role("link", name="Answer again").click()
    chat.page.get_by_role("menuitem", name="Compare with another").click()
    search = chat.page.get_by_label("Find a model")
    expect(search).to_be_focused()
    expect(chat.page.locator("#picker .star").first).to_be_attached()  # the list has come
    search.fill("gpt-5-mini")
    search.press("Enter")
    pair = chat.page.locator(".pair")
    both_end(pair)
    chat.page.get_by_role("button", name="Both are good").click()
    expect(pair).to_have_count(0)
    expect(chat.answer.get_by_role("group", name="Branch 1 of 2")).to_be_visible()


def test_on_a_phone_one_answer_is_above_the_other(
    browser: Browser, site: Site, person: Person
) -> None:
    with browser.new_context(
        storage_state=person.state,
        viewport={"width": 320, "height": 640},
        has_touch=True,
        is_mobile=True,
    ) as context:
        chat = ChatPage(context.new_page(), site.url)
        chat.open()
        chat.page.get_by_role("button", name="Compare with a second model").tap()
        chat.page.get_by_label("Find a model").fill("gpt-5-mini")
        chat.page.locator("#picker .option:not([hidden]) label").first.tap()
        pair = ask_both(chat, "Which? [[say: This.]]")
        both_end(pair)
        first, second = (it.bounding_box() for it in pair.locator("article").all())
        assert first
        assert second
        assert second["y"] >= first["y"] + first["height"]
        wide: bool = chat.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide
