"""What a page answers when it is asked for what cannot be done."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage

pytestmark = pytest.mark.browser

UNKNOWN = "/c/00000000-0000-4000-8000-000000000000/"
FIVE_MB = 5_000_000


def csrf(context: BrowserContext) -> str:
    cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    return cookies["csrftoken"]


def test_an_empty_prompt_is_not_sent(chat: ChatPage) -> None:
    chat.composer.press("Enter")
    chat.page.get_by_role("button", name="Send").click()
    assert chat.composer.evaluate("it => it.matches(':invalid')")
    expect(chat.answers).to_have_count(0)
    expect(chat.composer).to_be_focused()


def test_a_prompt_of_spaces_is_told_that_there_is_nothing_to_send(chat: ChatPage) -> None:
    chat.composer.fill("   ")
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.notice).to_have_text("There is nothing to send yet: write a message first.")
    expect(chat.answers).to_have_count(0)


def test_an_empty_prompt_in_a_plain_form_is_answered_on_the_page(
    chat: ChatPage, context: BrowserContext
) -> None:
    answer = context.request.post(
        f"{chat.url}/send/",
        form={"csrfmiddlewaretoken": csrf(context), "prompt": "", "nonce": "plain-and-empty"},
    )
    assert answer.status == 400
    assert "There is nothing to send yet" in answer.text()


def test_a_prompt_of_5_mb_is_told_how_much_may_be_sent_and_is_kept(chat: ChatPage) -> None:
    chat.composer.evaluate("(it, length) => { it.value = 'long '.repeat(length / 5); }", FIVE_MB)
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.notice).to_have_text(
        "This message is too long: at most 400,000 characters can be sent at once."
    )
    assert chat.composer.evaluate("it => it.value.length") == FIVE_MB
    expect(chat.answers).to_have_count(0)


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["form", "htmx"])
def test_5_mb_that_come_past_the_page_are_refused_with_the_reason(
    chat: ChatPage, context: BrowserContext, headers: dict[str, str]
) -> None:
    answer = context.request.post(
        f"{chat.url}/send/",
        form={"csrfmiddlewaretoken": csrf(context), "prompt": "x" * FIVE_MB, "nonce": "too-long"},
        headers=headers,
    )
    assert answer.status == 413
    said = answer.text()
    assert ("at most 400,000 characters" if headers else "This is too much at once") in said


def test_an_unknown_conversation_is_not_found(chat: ChatPage) -> None:
    answer = chat.page.goto(chat.url + UNKNOWN)
    assert answer
    assert answer.status == 404
    expect(chat.page.locator("h1")).to_have_text("Nothing is here")


def test_another_persons_conversation_is_not_found_nor_written_to(
    chat: ChatPage, guests_context: BrowserContext, site: Site
) -> None:
    secret = "the owl has landed"
    chat.ask(f"Remember that {secret}. [[say: I do.]]")
    chat.ends()
    path = f"/c/{chat.conversation}/"
    guest = ChatPage(guests_context.new_page(), site.url)
    guest.open()
    expect(guest.page.locator("#composer")).to_be_visible()
    assert secret not in guest.page.content()
    answer = guest.page.goto(site.url + path)
    assert answer
    assert answer.status == 404
    assert secret not in guest.page.content()
    expect(guest.page.locator("h1")).to_have_text("Nothing is here")
    prompt = "A word from somebody else"
    refused = guests_context.request.post(
        f"{site.url}{path}send/",
        form={"csrfmiddlewaretoken": csrf(guests_context), "prompt": prompt, "nonce": "not-mine"},
    )
    assert refused.status == 404
    assert site.books.prompts(prompt) == 0
