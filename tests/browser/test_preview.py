"""The composer's preview, and thumbs, as a person uses them."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Request, expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage, Watch

pytestmark = pytest.mark.browser

PROMPT = "Explain in one paragraph how a heat pump works. [[say: It pumps.]]"


def previews(chat: ChatPage) -> list[str]:
    """The previews that the page asks for from now on."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/preview/"):
            asked.append(request.method)

    chat.page.on("request", note)
    return asked


def test_the_likely_model_shows_while_one_types_and_nothing_is_stored(
    chat: ChatPage, site: Site, watch: Watch
) -> None:
    watch.over(chat.page)
    asked = previews(chat)
    chat.composer.press_sequentially("Tell me why the sky is blue at noon", delay=15)
    pick = chat.page.locator(".preview-pick")
    expect(pick).to_be_visible()
    expect(chat.page.locator(".preview-price")).to_contain_text("$0.")
    assert 1 <= len(asked) <= 3  # of 35 letters
    assert not site.books.prompts("Tell me why the sky is blue at noon")
    chat.composer.fill("")
    expect(pick).to_have_count(0)
    assert watch.complaints == []


def test_what_is_sent_is_answered_by_the_model_that_was_shown(chat: ChatPage) -> None:
    chat.composer.fill(PROMPT)
    shown = chat.page.locator(".preview-pick").inner_text()
    chat.composer.press("Enter")
    expect(chat.text).to_have_text("It pumps.")
    expect(chat.answer.locator(".model").first).to_have_text(shown)
    expect(chat.page.locator(".preview-pick")).to_have_count(0)


def test_one_click_keeps_the_model(chat: ChatPage) -> None:
    chat.composer.fill(PROMPT)
    pick = chat.page.locator(".preview-pick")
    name = pick.inner_text()
    pick.click()
    expect(chat.page.locator("#choice-name")).to_have_text(name)
    expect(pick).to_have_count(0)  # no longer Auto
    chat.composer.press("Enter")
    expect(chat.text).to_have_text("It pumps.")
    expect(chat.answer.locator(".receipt .why").first).to_contain_text("You chose")


def test_a_preview_that_fails_is_silent(chat: ChatPage, context: BrowserContext) -> None:
    context.route("**/preview/", lambda route: route.abort())
    chat.composer.fill(PROMPT)
    chat.composer.press("Enter")
    expect(chat.text).to_have_text("It pumps.")
    expect(chat.notice).to_be_empty()


def test_a_thumb_stays_and_is_shown_among_what_was_learned(chat: ChatPage) -> None:
    chat.ask(PROMPT)
    chat.ends()
    model = chat.answer.locator(".model").first.inner_text()
    up = chat.answer.get_by_role("button", name="Good answer")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(up).to_be_focused()
    chat.page.reload()
    expect(up).to_have_attribute("aria-pressed", "true")
    chat.answer.get_by_role("button", name="Bad answer").click()
    expect(up).to_have_attribute("aria-pressed", "false")
    chat.open("/learned/")
    expect(chat.page.locator(".lessons").filter(has_text=model)).not_to_have_count(0)
    chat.page.get_by_text("Forget all of it").click()
    chat.page.get_by_role("button", name="Yes, forget my votes").click()
    expect(chat.page.get_by_text("Nothing yet.")).to_be_visible()
