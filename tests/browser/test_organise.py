"""How conversations are kept, found and shared: what a person sees and does, by hand and by key."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.browser.conftest import Person, Site
from tests.browser.pages import ChatPage, Watch

pytestmark = pytest.mark.browser


def named(chat: ChatPage, name: str) -> str:
    """Ask something of this name and wait for its end; the key of the conversation."""
    chat.ask(f"{name} [[say: Fine.]]")
    chat.ends()
    return chat.conversation


def entry(chat: ChatPage, pk: str) -> Locator:
    return chat.page.locator(f"#e-{pk}")


def options(chat: ChatPage, pk: str) -> Locator:
    """The menu of a conversation, opened by key."""
    entry(chat, pk).focus()
    chat.page.keyboard.press("Tab")
    chat.page.keyboard.press("Enter")
    menu = chat.page.locator("#menu")
    expect(menu).to_be_visible()
    return menu


def test_a_name_is_changed_in_place_by_key(chat: ChatPage, watch: Watch) -> None:
    watch.over(chat.page)
    pk = named(chat, "Before")
    options(chat, pk)
    expect(chat.page.get_by_role("button", name="Rename")).to_be_focused()
    chat.page.keyboard.press("Enter")
    field = chat.page.get_by_label("Name of the conversation")
    expect(field).to_be_focused()
    field.fill("Thrown away")
    field.press("Escape")
    expect(entry(chat, pk)).to_contain_text("Before")
    options(chat, pk).get_by_role("button", name="Rename").click()
    field.fill("After <b>it</b>")
    field.press("Enter")
    expect(entry(chat, pk)).to_contain_text("After <b>it</b>")
    expect(chat.page.locator("#title")).to_have_text("After <b>it</b>")
    chat.page.reload()
    expect(entry(chat, pk)).to_contain_text("After <b>it</b>")
    assert watch.complaints == []


def test_what_is_deleted_comes_back_whole(chat: ChatPage, watch: Watch) -> None:
    watch.over(chat.page)
    pk = named(chat, "Precious")
    options(chat, pk).get_by_role("button", name="Delete").click()
    expect(chat.page.locator("#empty")).to_be_visible()
    expect(entry(chat, pk)).to_have_count(0)
    assert chat.page.url == f"{chat.url}/"
    chat.page.get_by_role("button", name="Undo").click()
    expect(chat.text).to_have_text("Fine.")
    expect(entry(chat, pk)).to_be_visible()
    assert watch.complaints == []


def test_pinned_in_a_folder_and_archived(chat: ChatPage) -> None:
    pk = named(chat, "To be kept")
    options(chat, pk).get_by_role("button", name="Pin", exact=True).click()
    pinned = chat.page.locator("#sidebar section", has_text="Pinned")
    expect(pinned.locator(f"#e-{pk}")).to_be_visible()
    options(chat, pk).get_by_role("button", name="Unpin").click()
    menu = options(chat, pk)
    menu.get_by_text("Move to folder").click()
    menu.get_by_label("Name of a new folder").fill("Kitchen")
    menu.get_by_label("Name of a new folder").press("Enter")
    folder = chat.page.locator(".folder", has_text="Kitchen")
    expect(folder.locator(f"#e-{pk}")).to_be_visible()
    options(chat, pk).get_by_role("button", name="Archive").click()
    expect(entry(chat, pk)).to_have_count(0)
    chat.open("/library/?which=archived")
    chat.page.get_by_role("button", name="Take To be kept").click()
    chat.open(f"/c/{pk}/")
    expect(folder.locator(f"#e-{pk}")).to_be_visible()


def test_another_tab_marks_what_is_still_answering(chat: ChatPage, second_tab: ChatPage) -> None:
    second_tab.open()
    chat.ask("Write about tea in 900 words")
    chat.see(10)
    pk = chat.conversation
    spinner = second_tab.page.get_by_role("img", name="still answering")
    expect(entry(second_tab, pk).locator(spinner)).to_be_visible()
    chat.stop.click()
    chat.ends("stopped")
    expect(entry(second_tab, pk).locator(spinner)).to_have_count(0)


def test_search_finds_a_word_and_opens_at_its_message(chat: ChatPage, watch: Watch) -> None:
    watch.over(chat.page)
    pk = named(chat, "About the Kilimanjaro")
    chat.open()
    chat.page.keyboard.press("ControlOrMeta+k")
    chat.page.keyboard.type("kiliman")
    found = chat.page.locator("#search .found")
    expect(found.locator("mark").first).to_have_text("Kilimanjaro")
    chat.page.keyboard.press("ArrowDown")
    chat.page.keyboard.press("ArrowDown")  # past the conversation's name, to the message
    chat.page.keyboard.press("Enter")
    expect(chat.questions.first).to_be_in_viewport()
    assert re.search(rf"/c/{pk}/(\?from=\d+)?#m\d+$", chat.page.url)
    expect(chat.page.locator(".message:target")).to_contain_text("Kilimanjaro")
    assert watch.complaints == []


def test_a_link_is_read_without_an_account_until_it_is_ended(
    chat: ChatPage, browser: Browser, watch: Watch
) -> None:
    pk = named(chat, "For everybody")
    options(chat, pk).get_by_role("link", name="Share by link").click()
    chat.page.get_by_role("button", name="Make the link").click()
    link = chat.page.get_by_label("The link").input_value()
    with browser.new_context() as nobody:
        page = nobody.new_page()
        watch.over(page)
        page.goto(link)
        expect(page.get_by_label("Question")).to_contain_text("For everybody")
        expect(page.get_by_label("Answer")).to_have_text("Fine.")
        assert watch.complaints == []
        chat.open("/library/shared/")
        chat.page.get_by_role("button", name="End the link to For everybody").click()
        expect(chat.page.get_by_text("ended")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="This link has ended")).to_be_visible()


def test_what_is_exported_can_be_brought_in_by_another(
    chat: ChatPage, guests_context: BrowserContext
) -> None:
    pk = named(chat, "On the move")
    menu = options(chat, pk)
    menu.get_by_text("Export").click()
    with chat.page.expect_download() as download:
        menu.get_by_role("link", name="JSON").click()
    content = download.value.path().read_bytes()
    assert json.loads(content)["conversations"][0]["title"].startswith("On the move")
    guest = ChatPage(guests_context.new_page(), chat.url)
    guest.open("/library/files/")
    guest.page.get_by_label("File of conversations").set_input_files(
        {"name": "talks.json", "mimeType": "application/json", "buffer": content}
    )
    guest.page.get_by_role("button", name="Import").click()
    expect(guest.page.get_by_role("status")).to_contain_text("1 conversation with 2 messages")
    guest.page.get_by_role("link", name="See them").click()
    guest.page.get_by_role("link", name="On the move").first.click()
    expect(guest.text).to_have_text("Fine.")


def test_a_slash_puts_in_a_prompt_and_enter_does_not_send_it(chat: ChatPage) -> None:
    chat.open("/library/prompts/")
    chat.page.get_by_label("Name", exact=True).fill("Brief")
    chat.page.get_by_label("Text", exact=True).fill("Say it in a line. [[say: Brief.]]")
    chat.page.get_by_role("button", name="Keep").click()
    chat.open()
    chat.composer.press_sequentially("/bri")
    choice = chat.page.get_by_role("option", name="Brief")
    expect(choice).to_be_visible()
    chat.composer.press("Enter")
    expect(chat.composer).to_have_value("Say it in a line. [[say: Brief.]]")
    expect(chat.answers).to_have_count(0)
    chat.composer.press("Enter")
    expect(chat.text).to_have_text("Brief.")


def test_instructions_reach_the_model(chat: ChatPage) -> None:
    pk = named(chat, "To be told")
    options(chat, pk).get_by_role("link", name="Instructions").click()
    sheet = chat.page.locator("#sheet")
    sheet.get_by_label("Instructions").fill("You are terse.")
    sheet.get_by_role("button", name="Keep").click()
    expect(sheet.get_by_role("status")).to_contain_text("Kept.")
    sheet.get_by_role("button", name="Done").click()
    expect(sheet).not_to_be_visible()
    options(chat, pk).get_by_role("link", name="Instructions").click()
    expect(sheet.get_by_label("Instructions")).to_have_value("You are terse.")


def test_without_javascript_all_of_it_is_done_by_plain_forms(
    browser: Browser, site: Site, chat: ChatPage, person: Person
) -> None:
    pk = named(chat, "Plainly")
    with browser.new_context(storage_state=person.state, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site.url}/c/{pk}/")
        page.get_by_role("link", name="Options for this conversation").click()
        page.get_by_label("Name of the conversation").fill("Plainly renamed")
        form = page.locator("form.inline")  # the menu has one that needs a script, and is hidden
        form.get_by_role("button", name="Rename").click()
        page.get_by_role("link", name="Options for Plainly renamed").click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Restore Plainly renamed").click()
        page.goto(f"{site.url}/search/?q=plainly")
        page.locator(".found a").first.click()
        expect(page.locator("article.user").first).to_contain_text("Plainly")
