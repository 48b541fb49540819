"""How the page behaves under a hand: focus, a narrow screen, pinned models; and its colours."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Person, Site
from tests.browser.pages import ChatPage, Watch

pytestmark = pytest.mark.browser

COLOURS = """(names) => names.map((name) => {
  document.body.style.color = `var(${name})`;
  return getComputedStyle(document.body).color;
})"""


def test_the_focus_stays_in_the_composer(chat: ChatPage) -> None:
    expect(chat.composer).to_be_focused()
    for answer in ("First.", "Second."):
        chat.composer.press_sequentially(f"Say it. [[say: {answer}]]")
        chat.composer.press("Enter")
        expect(chat.text).to_have_text(answer)
        chat.ends()
        expect(chat.composer).to_be_focused()
        expect(chat.composer).to_have_value("")


def test_a_new_line_needs_shift_and_is_kept(chat: ChatPage, site: Site) -> None:
    chat.composer.press_sequentially("One line")
    chat.composer.press("Shift+Enter")
    chat.composer.press_sequentially("and another [[say: Two.]]")
    chat.composer.press("Enter")
    expect(chat.text).to_have_text("Two.")
    assert site.books.prompts("One line\nand another [[say: Two.]]") > 0


def test_a_phones_width_has_a_drawer_and_can_send(
    browser: Browser, site: Site, person: Person, watch: Watch
) -> None:
    with browser.new_context(
        storage_state=person.state,
        viewport={"width": 375, "height": 700},
        has_touch=True,
        is_mobile=True,
    ) as context:
        page = context.new_page()
        watch.over(page)
        chat = ChatPage(page, site.url)
        chat.open()
        chat.composer.fill("From a phone. [[say: Hello, phone.]]")
        page.get_by_role("button", name="Send").tap()
        expect(chat.text).to_have_text("Hello, phone.")
        chat.ends()

        drawer = page.locator("#sidebar")
        expect(drawer).not_to_be_visible()
        page.get_by_role("button", name="Conversations").tap()
        expect(drawer).to_be_visible()
        expect(drawer.get_by_role("link", name="From a phone.").first).to_be_visible()
        page.get_by_role("button", name="Close the list of conversations").tap()
        expect(drawer).not_to_be_visible()
        page.get_by_role("button", name="Conversations").tap()
        drawer.get_by_role("link", name="From a phone.").first.tap()
        expect(chat.text).to_have_text("Hello, phone.")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"the page is {wide} px wider than the screen"
    assert watch.complaints == []


def test_a_model_can_be_pinned_and_is_the_one_that_answers(chat: ChatPage, site: Site) -> None:
    slug = "anthropic/claude-haiku-4.5"
    chat.page.get_by_role("button", name="Model: Auto").click()
    search = chat.page.get_by_label("Find a model")
    search.fill(slug)
    expect(chat.page.locator(f"#picker .option:visible input[value='{slug}']")).to_have_count(1)
    search.press("Enter")
    expect(chat.page.get_by_role("button", name="Model: claude-haiku-4.5")).to_be_visible()
    chat.ask("Who are you? [[say: Me.]]")
    chat.ends()
    generation = site.books.generation(chat.conversation)
    assert site.upstream.entry(generation)["requested_model"] == slug


def test_a_draft_outlives_a_reload(chat: ChatPage) -> None:
    chat.composer.press_sequentially("Half a thought")
    chat.page.reload()
    expect(chat.composer).to_have_value("Half a thought")
    chat.composer.fill("")


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_admin_is_in_the_colours_of_the_chat(
    browser: Browser, site: Site, administrator: Person, system: Literal["light", "dark"]
) -> None:
    """Of its own properties one is called as ours is, and would be another colour."""
    with browser.new_context(storage_state=administrator.state, color_scheme=system) as context:
        page = context.new_page()
        page.goto(site.url)
        ours = page.evaluate(COLOURS, ["--paper", "--ink", "--accent", "--danger-wash"])
        page.goto(f"{site.url}/admin/")
        names = ["--body-bg", "--body-fg", "--link-fg", "--message-error-bg"]
        assert page.evaluate(COLOURS, names) == ours
        assert page.evaluate(COLOURS, ["--accent"]) == [ours[2]]
    assert len(set(ours)) == len(ours)
