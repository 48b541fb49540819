"""Pictures that a model draws, what a cache saved, and what a picked model cannot take."""

from __future__ import annotations

import base64

from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage, Watch

CLAUDE = "anthropic/claude-haiku-4.5"
PLAIN = "meta-llama/llama-3.2-3b-instruct"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
LONG = "Everybody keeps to the rules of the house, at all times and in all rooms. " * 120


def pick(page: Page, slug: str) -> None:
    page.locator(".chip").first.click()
    expect(page.locator("#picker .star").first).to_be_attached()
    page.locator("#picker-search").fill(slug)
    option = page.locator(f'#picker label:has(input[value="{slug}"])')
    option.click()
    expect(page.locator("#picker")).not_to_be_visible()


def is_drawn(picture: Locator) -> bool:
    """Whether the browser has the picture, and could draw it."""
    wide: int = picture.evaluate("it => it.decode().then(() => it.naturalWidth, () => 0)")
    return wide > 100


def test_a_picture_is_wished_for_drawn_and_there_after_a_reload(
    chat: ChatPage, watch: Watch
) -> None:
    watch.over(chat.page)
    chat.page.locator("#wishes-button").click()
    chat.page.get_by_label("It draws a picture").check()
    chat.page.get_by_role("button", name="Keep").click()
    expect(chat.page.locator("#wishes-panel")).not_to_be_visible()
    chat.ask("Draw hills in the evening, in one sentence")
    chat.ends()
    picture = chat.answer.locator(".picture img")
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute("alt", "Picture 1 of the answer, drawn by the model")
    assert is_drawn(picture)
    chat.page.reload()
    expect(picture).to_be_visible()
    assert is_drawn(picture)
    wide = chat.page.locator("#messages").evaluate("it => it.scrollWidth <= it.clientWidth")
    assert wide, "it does not stand out of the page"
    with chat.page.expect_download() as download:
        picture.click()
    assert download.value.suggested_filename == "picture-1.png"
    assert watch.complaints == []


def test_a_long_conversation_shows_what_the_cache_saved(chat: ChatPage, site: Site) -> None:
    pick(chat.page, CLAUDE)
    chat.ask(f"{LONG} Sum it up in one sentence.")
    chat.ends()
    expect(chat.answer.locator(".saved")).to_have_count(0)
    chat.ask("And in one word?")
    chat.ends()
    saved = chat.answer.locator(".saved")
    expect(saved).to_contain_text("$")
    expect(saved).to_contain_text("saved")
    chat.answer.locator(".receipt summary").first.click()
    expect(chat.answer.locator(".receipt-body")).to_contain_text("by the prices of the day")
    entry = site.upstream.entry(site.books.generation(chat.conversation))
    assert entry["cached_tokens"] > 1_000


def test_a_picture_is_not_taken_for_a_model_that_cannot_see(chat: ChatPage) -> None:
    pick(chat.page, PLAIN)
    files: list[FilePayload] = [{"name": "a.png", "mimeType": "image/png", "buffer": PNG}]
    chat.page.get_by_label("Attach files").set_input_files(files)
    expect(chat.notice).to_contain_text("cannot see pictures: pick another model, or Auto")
    expect(chat.page.locator("#attached li")).to_have_count(0)
    pick(chat.page, CLAUDE)
    chat.page.get_by_label("Attach files").set_input_files(files)
    expect(chat.page.locator("#attached li")).to_have_count(1)


def test_a_model_is_not_offered_what_it_cannot_do(chat: ChatPage) -> None:
    pick(chat.page, PLAIN)
    chat.page.locator("#wishes-button").click()
    expect(chat.page.get_by_label("It draws a picture")).to_be_disabled()
    expect(chat.page.get_by_label("It may search the web")).to_be_enabled()
