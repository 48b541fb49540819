"""Sending twice, at once, and without a network: one turn each, and no text is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.cable import Cable
from tests.browser.conftest import Site
from tests.browser.pages import ChatPage
from tests.browser.prompts import never_ending, words
from tests.browser.truth import eventually

pytestmark = pytest.mark.browser

ENDLESS = never_ending(words(80))


def post_at_once(context: BrowserContext, url: str, forms: list[dict[str, str]]) -> list[int]:
    """Send all forms at the same time, as the page does; return their statuses."""
    cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    headers = {"HX-Request": "true", "X-CSRFToken": cookies["csrftoken"]}
    with (
        httpx.Client(cookies=cookies, headers=headers, timeout=20) as client,
        ThreadPoolExecutor(len(forms)) as threads,
    ):
        answers = list(threads.map(lambda form: client.post(url, data=form), forms))
    return [answer.status_code for answer in answers]


def test_the_same_send_coming_five_times_at_once_is_one_turn(
    chat: ChatPage, context: BrowserContext, site: Site
) -> None:
    form = {"prompt": "Once, please. [[say: Once.]]", "model": "", "nonce": "five-at-once"}
    assert post_at_once(context, f"{site.url}/send/", [form] * 5) == [200] * 5
    assert site.books.prompts(form["prompt"]) == 1


def test_of_two_sends_at_once_in_one_conversation_one_is_refused(
    chat: ChatPage, context: BrowserContext, site: Site
) -> None:
    chat.ask("Begin. [[say: Begun.]]")
    chat.ends()
    url = f"{site.url}/c/{chat.conversation}/send/"
    forms = [{"prompt": f"{n}: {ENDLESS}", "model": "", "nonce": f"{n}-{url}"[-60:]} for n in "ab"]
    forms = [form | {"nonce": f"{n}-{chat.conversation}"} for n, form in enumerate(forms)]
    assert sorted(post_at_once(context, url, forms)) == [200, 409]
    expect(chat.questions).to_have_count(2)
    chat.stop.click()
    chat.ends("stopped")


def test_two_tabs_that_send_at_once_keep_the_text_that_was_refused(
    chat: ChatPage, second_tab: ChatPage, site: Site
) -> None:
    chat.ask("Begin. [[say: Begun.]]")
    chat.ends()
    second_tab.open(f"/c/{chat.conversation}/")
    tabs = {chat: f"From the first tab. {ENDLESS}", second_tab: f"The second. {ENDLESS}"}
    for tab, prompt in tabs.items():
        tab.composer.fill(prompt)
    for tab in tabs:  # they go out as soon as this loop is over
        tab.page.evaluate("() => { setTimeout(() => document.forms.composer.requestSubmit()); }")
    for tab in tabs:
        expect(tab.questions).to_have_count(2)
    sent = [prompt for prompt in tabs.values() if site.books.prompts(prompt)]
    assert len(sent) == 1
    for tab, prompt in tabs.items():
        if prompt in sent:
            expect(tab.composer).to_have_value("")
        else:
            expect(tab.notice).to_contain_text("An answer is still being written")
            expect(tab.composer).to_have_value(prompt)
    chat.stop.click()
    chat.ends("stopped")


def test_enter_while_an_answer_is_written_keeps_the_text(chat: ChatPage) -> None:
    chat.ask(ENDLESS)
    chat.see(20)
    chat.composer.fill("And another thing")
    chat.composer.press("Enter")
    expect(chat.notice).to_contain_text("An answer is still being written.")
    expect(chat.composer).to_have_value("And another thing")
    chat.stop.click()
    chat.ends("stopped")
    chat.composer.press("Enter")
    expect(chat.questions).to_have_count(2)


def test_sending_while_the_browser_is_offline_says_so_and_works_afterwards(
    chat: ChatPage, context: BrowserContext, site: Site
) -> None:
    prompt = "Asked on a train. [[say: Answered.]]"
    context.set_offline(True)
    chat.composer.fill(prompt)
    chat.composer.press("Enter")
    expect(chat.notice).to_contain_text("You are offline.")
    expect(chat.composer).to_have_value(prompt)
    context.set_offline(False)
    chat.composer.press("Enter")
    expect(chat.text).to_have_text("Answered.")
    expect(chat.notice).to_be_empty()
    assert site.books.prompts(prompt) == 1


def test_sending_while_the_server_is_out_of_reach_says_so_and_works_afterwards(
    context: BrowserContext, cable: Cable, site: Site
) -> None:
    chat = ChatPage(context.new_page(), cable.url)
    chat.open()
    prompt = "Asked through a broken cable. [[say: Answered.]]"
    cable.pull()
    chat.composer.fill(prompt)
    chat.composer.press("Enter")
    expect(chat.notice).to_contain_text("The server cannot be reached.")
    expect(chat.composer).to_have_value(prompt)
    assert site.books.prompts(prompt) == 0
    cable.plug()
    chat.composer.press("Enter")
    expect(chat.text).to_have_text("Answered.")
    expect(chat.notice).to_be_empty()
    assert site.books.prompts(prompt) == 1


def test_a_send_whose_answer_was_lost_is_one_turn_when_it_is_sent_again(
    context: BrowserContext, cable: Cable, site: Site
) -> None:
    chat = ChatPage(context.new_page(), cable.url)
    chat.open()
    prompt = "Heard, but not answered. [[say: Answered.]]"
    cable.mute()
    chat.composer.fill(prompt)
    chat.composer.press("Enter")
    eventually(lambda: site.books.prompts(prompt))
    cable.pull()
    expect(chat.notice).to_contain_text("The server cannot be reached.")
    cable.plug()
    chat.composer.press("Enter")
    expect(chat.text).to_have_text("Answered.")
    expect(chat.questions).to_have_count(1)
    assert site.books.prompts(prompt) == 1
