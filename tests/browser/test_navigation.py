"""From one conversation to another: nothing reloads, and each is as it would be on a page anew."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, WebSocket, expect

from tests.browser.cable import Cable
from tests.browser.conftest import Site
from tests.browser.pages import ChatPage, Watch, squeezed
from tests.browser.prompts import say, words
from tests.browser.truth import eventually

pytestmark = pytest.mark.browser

STAYS = "window.stays = true"


def link(chat: ChatPage, pk: str) -> Locator:
    return chat.page.locator(f"#e-{pk}")


def stays(chat: ChatPage) -> bool:
    """Whether it is the page still that STAYS was said on."""
    return bool(chat.page.evaluate("window.stays === true"))


def begin(chat: ChatPage, name: str) -> str:
    chat.open()
    chat.ask(f"{name} [[say: {name} it is.]]")
    chat.ends()
    return chat.conversation


def shows(chat: ChatPage, name: str) -> None:
    expect(chat.questions.first).to_contain_text(name)
    expect(chat.page.locator("#title")).to_contain_text(name)
    expect(chat.page).to_have_title(re.compile(name))


@pytest.fixture
def two(chat: ChatPage) -> tuple[str, str]:
    """Two conversations; the second is open, on a page that is not to be loaded anew."""
    pks = begin(chat, "Apples"), begin(chat, "Pears")
    chat.page.evaluate(STAYS)
    return pks


def test_the_other_conversation_takes_the_place_of_this_one(
    chat: ChatPage, two: tuple[str, str], watch: Watch
) -> None:
    watch.over(chat.page)
    apples, pears = two
    link(chat, apples).click()
    shows(chat, "Apples")
    expect(chat.page).to_have_url(re.compile(f"/c/{apples}/$"))
    expect(link(chat, apples)).to_have_attribute("aria-current", "page")
    expect(chat.page.locator("#sidebar [aria-current]")).to_have_count(1)
    expect(chat.composer).to_be_focused()
    expect(chat.page.locator("#announce")).to_contain_text("Apples")
    chat.ask("More [[say: More apples.]]")
    chat.ends()
    expect(chat.text).to_have_text("More apples.")
    link(chat, pears).click()
    shows(chat, "Pears")
    expect(chat.answers).to_have_count(1)
    assert stays(chat)
    assert watch.complaints == []


def test_back_and_forward_lead_through_them(chat: ChatPage, two: tuple[str, str]) -> None:
    apples, _ = two
    link(chat, apples).click()
    shows(chat, "Apples")
    chat.page.get_by_role("link", name="New chat").first.click()
    expect(chat.page.locator("#empty")).to_be_visible()
    expect(chat.page).to_have_title("Switchboard")
    chat.ask("Plums [[say: Plums it is.]]")
    chat.ends()
    for name in ("", "Apples", "Pears"):
        chat.page.go_back()
        if name:
            shows(chat, name)
        else:
            expect(chat.page.locator("#empty")).to_be_visible()
    for name in ("Apples", "", "Plums"):
        chat.page.go_forward()
        if name:
            shows(chat, name)
        else:
            expect(chat.page.locator("#empty")).to_be_visible()
    assert stays(chat)
    chat.page.reload()
    shows(chat, "Plums")
    chat.open("/usage/")
    chat.page.go_back()
    shows(chat, "Plums")
    expect(chat.page.locator("#sidebar")).to_be_visible()  # the whole page, no piece of it


def test_an_answer_goes_on_while_one_is_elsewhere(chat: ChatPage, two: tuple[str, str]) -> None:
    apples, pears = two
    text = words(400)
    chat.ask(say(text, 300))
    begun = chat.see(200)
    link(chat, apples).click()
    shows(chat, "Apples")
    expect(chat.stop).to_be_hidden()
    link(chat, pears).click()
    shows(chat, "Pears")
    assert chat.see(len(begun)).startswith(begun)
    chat.ends()
    assert chat.visible() == squeezed(text)
    assert stays(chat)


def test_each_conversation_keeps_its_draft(chat: ChatPage, two: tuple[str, str]) -> None:
    apples, pears = two
    chat.composer.press_sequentially("about pears")
    link(chat, apples).click()
    shows(chat, "Apples")
    expect(chat.composer).to_have_value("")
    chat.composer.press_sequentially("about apples")
    chat.page.get_by_role("link", name="New chat").first.click()
    expect(chat.page.locator("#empty")).to_be_visible()
    expect(chat.composer).to_have_value("")
    link(chat, pears).click()
    shows(chat, "Pears")
    expect(chat.composer).to_have_value("about pears")
    chat.page.go_back()
    chat.page.go_back()
    shows(chat, "Apples")
    expect(chat.composer).to_have_value("about apples")


def test_only_the_open_conversation_is_watched(chat: ChatPage, two: tuple[str, str]) -> None:
    apples, pears = two
    closed: list[str] = []
    opened: list[str] = []

    def note(socket: WebSocket) -> None:
        opened.append(socket.url)
        socket.on("close", lambda _: closed.append(socket.url))

    chat.page.on("websocket", note)
    for pk in (apples, pears, apples):
        link(chat, pk).click()
        expect(chat.page.locator("#main")).to_have_attribute("data-conversation", pk)
        chat.page.wait_for_function("() => document.querySelector('#live').childElementCount")
    assert [url.split("/c/")[1].split("/")[0] for url in opened] == [apples, pears, apples]
    eventually(lambda: chat.page.evaluate("true") and len(closed) >= 2)  # its events come with it
    assert len(closed) == 2


def test_a_fork_opens_without_a_page_and_is_listed(chat: ChatPage, two: tuple[str, str]) -> None:
    chat.answer.get_by_role("button", name="Fork from here").click()
    expect(chat.page.locator("#main")).not_to_have_attribute("data-conversation", two[1])
    assert chat.conversation not in two
    expect(link(chat, chat.conversation)).to_have_attribute("aria-current", "page")
    shows(chat, "Pears")
    assert stays(chat)


def test_what_is_taken_back_is_on_show_again(chat: ChatPage, two: tuple[str, str]) -> None:
    chat.page.get_by_role("link", name="Options for this conversation").click()
    chat.page.locator("#menu").get_by_role("button", name="Delete").click()
    expect(chat.page.locator("#empty")).to_be_visible()
    chat.page.get_by_role("button", name="Undo").click()
    shows(chat, "Pears")
    expect(link(chat, two[1])).to_have_attribute("aria-current", "page")
    expect(chat.page.locator("#toasts")).to_be_hidden()
    assert stays(chat)


def test_without_a_server_one_stays_and_is_told(
    context: BrowserContext, cable: Cable, two: tuple[str, str]
) -> None:
    chat = ChatPage(context.new_page(), cable.url)
    chat.open(f"/c/{two[1]}/")
    chat.composer.press_sequentially("kept")
    cable.pull()
    link(chat, two[0]).click()
    expect(chat.notice).to_contain_text("cannot be reached")
    expect(chat.composer).to_have_value("kept")
    cable.plug()
    link(chat, two[0]).click()
    shows(chat, "Apples")


def test_on_a_phone_the_drawer_closes_and_no_keyboard_opens(
    browser: Browser, site: Site, two: tuple[str, str], context: BrowserContext
) -> None:
    state = context.storage_state()
    with browser.new_context(
        storage_state=state, has_touch=True, is_mobile=True, viewport={"width": 375, "height": 700}
    ) as phone:
        chat = ChatPage(phone.new_page(), site.url)
        chat.open(f"/c/{two[1]}/")
        chat.page.get_by_role("button", name="Conversations", exact=True).tap()
        link(chat, two[0]).tap()
        shows(chat, "Apples")
        expect(chat.page.locator("#sidebar")).to_be_hidden()
        expect(chat.page.locator("#title")).to_be_focused()


def test_without_scripts_they_are_links(
    browser: Browser, site: Site, two: tuple[str, str], context: BrowserContext
) -> None:
    with browser.new_context(
        storage_state=context.storage_state(), java_script_enabled=False
    ) as plain:
        chat = ChatPage(plain.new_page(), site.url)
        chat.open(f"/c/{two[1]}/")
        link(chat, two[0]).click()
        shows(chat, "Apples")


def test_whoever_is_signed_out_is_sent_to_sign_in(
    chat: ChatPage, two: tuple[str, str], context: BrowserContext
) -> None:
    context.clear_cookies()
    link(chat, two[0]).click()
    expect(chat.page.get_by_label("Password")).to_be_visible()
