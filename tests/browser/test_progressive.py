"""With JavaScript nothing reloads; without it all that matters still works. And the looks."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from accounts.management.commands.create_demo import PASSWORD
from tests.browser.conftest import Person, Site
from tests.browser.pages import ChatPage

pytestmark = pytest.mark.browser


def test_with_javascript_nothing_reloads(chat: ChatPage) -> None:
    chat.page.evaluate("window.stillHere = true")
    chat.ask("One? [[say: First.]]")
    chat.ends()
    assert f"/c/{chat.conversation}/" in chat.page.url
    chat.ask("Two? [[say: Second.]]")
    chat.ends()
    chat.answer.get_by_role("button", name="Good answer").click()
    expect(chat.answer.get_by_role("button", name="Good answer")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert chat.page.evaluate("window.stillHere") is True


def test_without_javascript_a_conversation_is_read_and_gone_on_with(
    browser: Browser, site: Site, chat: ChatPage, person: Person
) -> None:
    chat.ask("One? [[say: The **first**.]]")
    chat.ends()
    with browser.new_context(java_script_enabled=False) as context:
        plain = ChatPage(context.new_page(), site.url)
        plain.sign_in(person.name, PASSWORD)
        plain.page.locator("#sidebar").get_by_role("link", name="One?").first.click()
        expect(plain.text.locator("strong")).to_have_text("first")
        plain.composer.fill("Two? [[say: The second.]]")
        plain.page.get_by_role("button", name="Send").click()
        expect(plain.questions).to_have_count(2)
        site.books.ended(plain.conversation)
        plain.page.reload()
        expect(plain.answers).to_have_count(2)
        expect(plain.text).to_have_text("The second.")


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_follows_the_system_and_can_be_chosen(
    chat: ChatPage, system: Literal["light", "dark"]
) -> None:
    def paper() -> str:
        colour: str = chat.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    chat.page.emulate_media(color_scheme="light")
    light = paper()
    chat.page.emulate_media(color_scheme="dark")
    dark = paper()
    assert light != dark
    chat.page.emulate_media(color_scheme=system)
    button = chat.page.get_by_role("button", name="Theme:")
    seen = {}
    for _ in range(3):
        button.click()
        seen[button.get_attribute("aria-label")] = paper()
    follows = dark if system == "dark" else light
    assert seen == {"Theme: light": light, "Theme: dark": dark, "Theme: as the system": follows}
    button.click()
    chat.page.reload()
    assert paper() == light


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_the_page_is_never_wider_than_its_window(chat: ChatPage, width: int) -> None:
    chat.ask("Wide? [[say: | a | b | c |\n|---|---|---|\n| " + "long " * 60 + "| x | y |]]")
    chat.ends()
    chat.page.set_viewport_size({"width": width, "height": 640})
    chat.answer.locator(".receipt > summary").click()
    assert chat.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(chat.composer).to_be_in_viewport(ratio=0.9)


def test_every_page_fits_a_small_phone(chat: ChatPage) -> None:
    chat.page.set_viewport_size({"width": 320, "height": 640})
    library = ("/library/", "/library/shared/", "/library/prompts/", "/library/files/")
    too_wide = []
    for path in (*library, "/usage/", "/learned/", "/keys/", "/accounts/", "/search/?q=a"):
        chat.open(path)
        wide: int = chat.page.evaluate("document.documentElement.scrollWidth")
        if wide > 320:
            too_wide.append((path, wide))
    assert too_wide == []
