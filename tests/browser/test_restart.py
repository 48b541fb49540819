"""`kill -9` of the server while it writes an answer, and a restart on the same database."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from accounts.management.commands.create_demo import PASSWORD, USERNAME
from tests.browser.conftest import Host, Site
from tests.browser.pages import ChatPage, squeezed
from tests.browser.prompts import say, words

pytestmark = pytest.mark.browser

SLOW = 80  # words a second
ANSWER = words(260)
STALLS = "[[fault: stall after=240 times=1]]"  # so that the first try cannot end before the kill
A_SECOND_OF_LETTERS = SLOW * 9  # words have six on average; half more, for a machine that is busy


def kill(site: Site) -> None:
    """End the server as `kill -9` does."""
    site.server.process.kill()
    site.server.process.wait()


def test_after_kill_9_the_partial_answer_is_there_and_can_be_asked_for_again(
    browser: Browser, host: Host, tmp_path: Path
) -> None:
    site = host.start(host.copy(tmp_path))
    with browser.new_context() as context:
        chat = ChatPage(context.new_page(), site.url)
        chat.sign_in(USERNAME, PASSWORD)
        chat.ask(STALLS + say(ANSWER, SLOW))
        seen = chat.see(1200)
        conversation = chat.conversation
        generation = site.books.generation(conversation)
        kill(site)

        restarted = host.start(tmp_path, port=site.server.port)
        chat.ends("interrupted")  # the open tab has found the server again by itself
        expect(chat.page.locator("#connection")).to_be_hidden()
        partial_answer_is_kept(chat, restarted, seen, generation)
        call_is_pending(chat, restarted, generation)
        chat.page.reload()
        partial_answer_is_kept(chat, restarted, seen, generation)

        chat.retry.click()
        chat.ends("done")
        assert chat.source == ANSWER
        states = [call.state for call in restarted.books.calls(conversation)]
        assert states == ["pending", "settled"]


def partial_answer_is_kept(chat: ChatPage, site: Site, seen: str, generation: str) -> None:
    """At most the last second is gone, and nothing is in it that was not sent."""
    kept = chat.source
    assert site.upstream.sent(generation).startswith(kept)
    assert len(squeezed(kept)) >= len(seen) - A_SECOND_OF_LETTERS
    assert squeezed(chat.visible()) == squeezed(kept)
    expect(chat.answer).to_contain_text("This answer was interrupted")
    expect(chat.cost).to_have_text("cost pending")
    expect(chat.retry).to_be_visible()


def call_is_pending(chat: ChatPage, site: Site, generation: str) -> None:
    """In the books, with the id by which its bill can be asked for; and in the admin."""
    (call,) = site.books.calls(chat.conversation)
    assert (call.state, call.generation_id, call.cost_usd) == ("pending", generation, None)
    page = chat.page.context.new_page()
    page.goto(f"{site.url}/admin/billing/call/?q={generation}")
    row = page.locator("#result_list tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator(".field-state")).to_have_text("Pending")
    expect(row.locator(".field-generation_id")).to_have_text(generation)
    page.close()


def test_kill_9_before_the_first_word_leaves_an_answer_that_can_be_asked_for_again(
    browser: Browser, host: Host, tmp_path: Path
) -> None:
    site = host.start(host.copy(tmp_path))
    with browser.new_context() as context:
        chat = ChatPage(context.new_page(), site.url)
        chat.sign_in(USERNAME, PASSWORD)
        chat.ask("[[pace: first_token_s=60]] [[fault: stall times=1]] Say something.")
        expect(chat.answer.locator(".waiting")).to_be_visible()
        kill(site)
        restarted = host.start(tmp_path, port=site.server.port)
        chat.ends("interrupted")
        expect(chat.retry).to_be_visible()
        assert restarted.books.ended(chat.conversation).state == "pending"
