"""The main job, end to end: sign in, ask, watch the right model answer, find the cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from accounts.management.commands.create_demo import PASSWORD, USERNAME
from billing.money import format_usd, usd_text
from chat.markdown import render
from tests.browser.conftest import Person, Site
from tests.browser.pages import ChatPage, Watch, one_spaced, text_of
from tests.browser.prompts import paced

pytestmark = pytest.mark.browser

COMPOUND_INTEREST = (
    "How do I calculate compound interest? With a formula, a table and code in Python."
)
QUESTION = paced(80, COMPOUND_INTEREST)


def test_a_stranger_asks_reloads_in_mid_stream_and_finds_every_letter_and_the_cost(
    browser: Browser, site: Site, watch: Watch
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        watch.over(page)
        chat = ChatPage(page, site.url)
        chat.sign_in(USERNAME, PASSWORD)

        chat.ask(QUESTION)
        expect(chat.answer.locator(".waiting")).to_contain_text("Waiting for")
        before = chat.see(150)
        generation = site.books.generation(chat.conversation)
        chat.open(f"/c/{chat.conversation}/")
        assert site.upstream.is_writing(generation), "the reload was meant to be in mid-stream"
        chat.see(len(before) + 1)
        chat.ends()

        sent = site.upstream.sent(generation)
        assert chat.source == sent
        drawn = one_spaced(chat.text.text_content() or "")
        assert drawn == one_spaced(text_of(render(sent)))
        assert {"h2", "table", "pre", "math"} <= tags_in(chat)
        receipt_tells_who_answered_and_why(chat, site, generation)
        ledger_shows(context, site, generation)

    assert watch.complaints == []
    assert watch.origins == {site.url}


def tags_in(chat: ChatPage) -> set[str]:
    names: list[str] = chat.text.evaluate(
        "it => [...it.querySelectorAll('*')].map(one => one.localName)"
    )
    return set(names)


def receipt_tells_who_answered_and_why(chat: ChatPage, site: Site, generation: str) -> None:
    entry = site.upstream.entry(generation)
    cost = format_usd(site.upstream.cost_usd(generation))
    receipt = chat.answer.locator(".receipt")
    expect(receipt.locator(".why")).not_to_be_empty()
    expect(receipt.locator(".model")).to_have_attribute("title", entry["model"])
    expect(chat.cost).to_have_text(cost)
    expect(chat.page.locator("#total")).to_contain_text(cost)
    expect(receipt.locator(".receipt-body")).not_to_be_visible()
    receipt.locator("summary").first.click()
    expect(receipt.locator(".receipt-body")).to_be_visible()
    expect(receipt.locator(".receipt-body")).to_contain_text(entry["model"])
    expect(receipt.locator(".receipt-body")).to_contain_text(entry["provider"])


def ledger_shows(context: BrowserContext, site: Site, generation: str) -> None:
    page = context.new_page()
    page.goto(f"{site.url}/admin/billing/usagerecord/?q={generation}")
    rows = page.locator("#result_list tbody tr")
    expect(rows).to_have_count(1)
    exact = f"${usd_text(site.upstream.cost_usd(generation))}"
    expect(rows.locator(".field-cost")).to_have_text(exact)
    expect(page.locator("#ledger-total")).to_contain_text(exact)


def test_a_second_question_goes_to_the_same_conversation_and_adds_to_its_cost(
    chat: ChatPage, site: Site, watch: Watch
) -> None:
    watch.over(chat.page)
    chat.ask("In one sentence: what is a ledger?")
    chat.ends()
    conversation = chat.conversation
    chat.ask("And a receipt, in one sentence?")
    chat.ends()
    assert chat.conversation == conversation
    expect(chat.questions).to_have_count(2)
    costs = [call.cost_usd for call in site.books.calls(conversation) if call.cost_usd]
    assert len(costs) == 2
    expect(chat.page.locator("#total")).to_contain_text(format_usd(sum(costs, start=Decimal(0))))
    chat.page.reload()
    expect(chat.questions).to_have_count(2)
    expect(chat.answers).to_have_count(2)
    assert watch.complaints == []


def test_without_javascript_the_answer_is_there_after_a_reload(
    browser: Browser, site: Site, person: Person
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        chat = ChatPage(context.new_page(), site.url)
        chat.sign_in(person.name, PASSWORD)
        chat.composer.fill("Explain briefly how a lock works. [[say: It holds.]]")
        chat.page.get_by_role("button", name="Send").click()
        expect(chat.questions).to_have_count(1)
        call = site.books.ended(chat.conversation)
        chat.page.reload()
        expect(chat.text).to_have_text("It holds.")
        expect(chat.cost).to_have_text(format_usd(call.cost_usd))
