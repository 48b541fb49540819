"""Failures upstream as a person sees them: a card that says why, and whether money was spent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from billing.money import format_usd
from tests.browser.conftest import Site
from tests.browser.pages import ChatPage
from tests.browser.prompts import fault, words

pytestmark = pytest.mark.browser

NOTHING = "Nothing was charged."
NOBODY_KNOWS = "Whether it cost anything is not known."  # there is no id to ask with
NOT_KNOWN = "What it cost is not known yet; it will be looked up."


@pytest.mark.parametrize(
    ("order", "why", "money", "state"),
    [
        ("402", "The credits of this installation do not cover", NOTHING, "released"),
        ("429-minute times=3 retry_after=0", "too many requests just now", NOTHING, "released"),
        ("429-day", "The daily limit for this model is used up.", NOTHING, "released"),
        ("200-error", "The provider of this model has a problem", NOBODY_KNOWS, "pending"),
        ("cut after=0", "The answer was cut off before its end.", NOT_KNOWN, "pending"),
    ],
)
def test_a_failure_before_the_first_word_is_a_card_in_place_of_the_answer(
    chat: ChatPage, site: Site, order: str, why: str, money: str, state: str
) -> None:
    chat.ask(fault(order))
    chat.ends("failed")
    expect(chat.card).to_contain_text(why)
    expect(chat.card).to_contain_text(money)
    expect(chat.text).to_have_count(0)
    expect(chat.retry).to_be_visible()
    call = site.books.ended(chat.conversation)
    assert (call.state, call.cost_usd) == (state, None)
    assert bool(call.generation_id) == (money == NOT_KNOWN)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ("error after=20", "The provider of this model has a problem just now."),
        ("cut after=30", "The answer was cut off before its end."),
        ("eof after=30", "The answer was cut off before its end."),
    ],
)
def test_a_failure_in_mid_stream_keeps_what_came_and_its_cost_is_pending(
    chat: ChatPage, site: Site, order: str, why: str
) -> None:
    chat.ask(fault(order))
    chat.ends("failed")
    call = site.books.ended(chat.conversation)
    assert call.state == "pending"
    assert call.generation_id
    sent = site.upstream.sent(call.generation_id)
    assert chat.source == sent
    assert 0 < len(sent) < len(words(60))
    expect(chat.card).to_contain_text(why)
    expect(chat.card).to_contain_text("What had come is kept above.")
    expect(chat.card).to_contain_text(NOT_KNOWN)
    expect(chat.cost).to_have_text("cost pending")


def test_a_failure_that_tells_its_usage_says_what_it_cost(chat: ChatPage, site: Site) -> None:
    chat.ask(fault("error after=20 usage=1"))
    chat.ends("failed")
    call = site.books.ended(chat.conversation)
    assert call.state == "settled"
    assert call.generation_id
    assert call.cost_usd == site.upstream.cost_usd(call.generation_id) > Decimal(0)
    expect(chat.card).to_contain_text(f"It cost {format_usd(call.cost_usd)}.")
    expect(chat.cost).to_have_text(format_usd(call.cost_usd))


@pytest.mark.parametrize(
    ("order", "first"),
    [("429-minute times=3 retry_after=0", "released"), ("error after=20 times=1", "pending")],
)
def test_retry_after_a_failure_brings_the_whole_answer(
    chat: ChatPage, site: Site, order: str, first: str
) -> None:
    chat.ask(fault(order) + " Try again.")
    chat.ends("failed")
    chat.retry.click()
    chat.ends("done")
    assert chat.source == words(60)
    expect(chat.answers).to_have_count(1)
    expect(chat.card).to_have_count(0)
    assert [call.state for call in site.books.calls(chat.conversation)] == [first, "settled"]


def test_one_refusal_by_the_minute_is_not_even_seen(chat: ChatPage, site: Site) -> None:
    chat.ask(fault("429-minute times=1 retry_after=0"))
    chat.ends("done")
    assert chat.source == words(60)
    assert [call.state for call in site.books.calls(chat.conversation)] == ["settled"]
