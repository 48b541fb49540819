"""Branches under a hand: edit, answer again, arrows, fork; on one tab and on another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Person, Site
from tests.browser.pages import ChatPage, Watch
from tests.browser.prompts import never_ending, say, words

pytestmark = pytest.mark.browser


def talk(chat: ChatPage) -> None:
    chat.ask("One? [[say: First.]]")
    chat.ends()
    chat.ask("Two? [[say: Second.]]")
    chat.ends()


def edit(chat: ChatPage, nth: int, text: str, key: str = "Control+Enter") -> None:
    question = chat.questions.nth(nth)
    question.hover()
    question.get_by_role("link", name="Edit").click()
    area = question.get_by_role("textbox")
    expect(area).to_be_focused()
    area.fill(text)
    area.press(key)


def test_an_edited_prompt_gets_an_answer_of_its_own(
    chat: ChatPage, second_tab: ChatPage, watch: Watch
) -> None:
    watch.over(chat.page)
    talk(chat)
    second_tab.open(f"/c/{chat.conversation}/")
    expect(second_tab.answers).to_have_count(2)
    edit(chat, 1, "Deux? [[say: Deuxième.]]")
    for tab in (chat, second_tab):
        expect(tab.text).to_have_text("Deuxième.")
        expect(tab.questions).to_have_count(2)
        expect(tab.questions.last).to_contain_text("2/2")
    chat.ends()
    chat.ask("Three? [[say: Third.]]")
    for tab in (chat, second_tab):
        expect(tab.answers).to_have_count(3)
        expect(tab.text).to_have_text("Third.")
    assert not watch.complaints


def test_an_edit_can_be_left_and_nothing_has_changed(chat: ChatPage) -> None:
    talk(chat)
    edit(chat, 0, "Never mind", key="Escape")
    expect(chat.page.locator(".edit-form")).to_have_count(0)
    expect(chat.questions.first.get_by_role("link", name="Edit")).to_be_focused()
    expect(chat.questions.first).to_contain_text("One?")
    expect(chat.answers).to_have_count(2)


def test_the_arrow_up_edits_the_last_prompt(chat: ChatPage) -> None:
    talk(chat)
    chat.composer.press("ArrowUp")
    area = chat.questions.last.get_by_role("textbox")
    expect(area).to_be_focused()
    expect(area).to_have_value("Two? [[say: Second.]]")
    area.press("Escape")
    chat.composer.fill("a draft")
    chat.composer.press("ArrowUp")
    expect(chat.page.locator(".edit-form")).to_have_count(0)


def test_the_arrows_switch_the_branch_on_every_tab_and_it_is_kept(
    chat: ChatPage, second_tab: ChatPage
) -> None:
    talk(chat)
    edit(chat, 0, "Uno? [[say: Primo.]]")
    expect(chat.text).to_have_text("Primo.")
    chat.ends()
    expect(chat.answers).to_have_count(1)
    second_tab.open(f"/c/{chat.conversation}/")
    expect(second_tab.text).to_have_text("Primo.")
    chat.page.get_by_role("button", name="Previous branch").click()
    for tab in (chat, second_tab):
        expect(tab.text).to_have_text("Second.")
        expect(tab.answers).to_have_count(2)
    expect(chat.page.get_by_role("button", name="Next branch")).to_be_focused()
    chat.page.reload()
    expect(chat.text).to_have_text("Second.")
    chat.page.get_by_role("button", name="Next branch").click()
    expect(chat.text).to_have_text("Primo.")
    expect(second_tab.text).to_have_text("Primo.")


def test_an_answer_comes_again_beside_the_first(chat: ChatPage) -> None:
    talk(chat)
    chat.answer.get_by_role("link", name="Answer again").click()
    menu = chat.page.get_by_role("menu", name="Answer again")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    menu.get_by_role("menuitem", name="Auto").click()
    expect(chat.answer).to_contain_text("2/2")
    expect(chat.text).to_have_text("Second.")
    expect(chat.answers).to_have_count(2)
    chat.ends()
    chat.answer.get_by_role("button", name="Previous branch").click()
    expect(chat.answer).to_contain_text("1/2")


def test_while_an_answer_is_written_an_edit_is_refused_and_kept(chat: ChatPage) -> None:
    chat.ask("One? [[say: First.]]")
    chat.ends()
    chat.ask(never_ending(words(80)))
    chat.see(100)
    edit(chat, 0, "Uno?")
    expect(chat.notice).to_contain_text("still being written")
    expect(chat.questions.first.get_by_role("textbox")).to_have_value("Uno?")
    chat.stop.click()
    chat.ends("stopped")
    expect(chat.questions.first.get_by_role("textbox")).to_have_value("Uno?")


def test_a_tab_that_joins_while_a_branch_grows_has_every_letter(
    chat: ChatPage, second_tab: ChatPage
) -> None:
    talk(chat)
    edit(chat, 1, say(words(120), 200))
    chat.see(60)
    second_tab.open(f"/c/{chat.conversation}/")
    chat.ends()
    second_tab.ends()
    assert chat.visible() == second_tab.visible()
    assert "".join(chat.source.split()) == "".join(words(120).split())


def test_a_fork_is_a_chat_of_its_own(chat: ChatPage) -> None:
    talk(chat)
    first = chat.conversation
    chat.answers.first.get_by_role("button", name="Fork").click()
    expect(chat.answers).to_have_count(1)
    assert chat.conversation != first
    chat.ask("Else? [[say: Elsewhere.]]")
    chat.ends()
    chat.open(f"/c/{first}/")
    expect(chat.answers).to_have_count(2)
    expect(chat.text).to_have_text("Second.")


@pytest.fixture
def plain(browser: Browser, person: Person) -> Iterator[Page]:
    with browser.new_context(storage_state=person.state, java_script_enabled=False) as context:
        yield context.new_page()


def test_without_javascript_the_same_forms_are_pages(
    chat: ChatPage, plain: Page, site: Site
) -> None:
    talk(chat)
    place = f"{site.url}/c/{chat.conversation}/"
    plain.goto(place)
    plain.get_by_role("link", name="Edit this message").last.click()
    plain.get_by_label("Message").fill("Deux? [[say: Deuxième.]]")
    plain.get_by_role("button", name="Ask again").click()
    expect(chat.text).to_have_text("Deuxième.")
    chat.ends()
    plain.goto(place)
    plain.get_by_role("link", name="Answer again").last.click()
    plain.get_by_label("Who answers").select_option("openai/gpt-5-mini")
    plain.get_by_role("button", name="Answer again").click()
    expect(chat.answer).to_have_attribute("data-state", "done")
    plain.goto(place)
    plain.get_by_role("button", name="Previous branch").first.click()
    expect(chat.text).to_have_text("Second.")
    plain.get_by_role("button", name="Fork").first.click()
    expect(plain.locator("article.assistant")).to_have_count(1)
