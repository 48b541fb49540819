"""What stands around an answer: thought, sources, receipt, buttons, and the card of a failure."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage
from tests.browser.prompts import fault, paced, say, words

pytestmark = pytest.mark.browser

AMOUNT = re.compile(r"\$\d+\.\d+")
# Every line that stands above an answer's thought while it is written, and how high it is.
GISTS = """(() => {
  window.gists = [];
  const look = () => {
    requestAnimationFrame(look);
    const gist = document.querySelector('[data-state="streaming"] .reasoning .gist');
    if (!gist) return;
    const line = parseFloat(getComputedStyle(gist).lineHeight);
    const lines = Math.round(gist.getBoundingClientRect().height / line);
    if (window.gists.at(-1)?.text !== gist.textContent) {
      window.gists.push({ text: gist.textContent, lines });
    }
  };
  look();
})();"""


def choose(chat: ChatPage, model: str) -> None:
    chat.page.locator(".chip").click()
    found(chat, model)


def found(chat: ChatPage, model: str) -> None:
    """Choose in the picker that is about to open."""
    expect(chat.page.locator("#picker .star").first).to_be_attached()
    search = chat.page.get_by_label("Find a model")
    expect(search).to_be_focused()
    search.fill(model)
    search.press("Enter")


def asked_again(chat: ChatPage, item: str) -> None:
    """Choose from the menu of the newest answer."""
    chat.answer.get_by_role("link", name="Answer again").click()
    chat.page.get_by_role("menuitem", name=item).click()


def test_the_thought_is_one_line_that_lives_and_can_be_opened(chat: ChatPage) -> None:
    choose(chat, "deepseek/deepseek-r1")
    chat.page.evaluate(GISTS)
    chat.ask(paced(60, "Prove step by step that there are many primes."))
    thought = chat.answer.locator(".think")
    expect(chat.answer.locator(".gist")).to_contain_text("Thinking for")
    expect(thought).to_be_hidden()
    chat.answer.locator(".reasoning > summary").click()
    expect(thought).to_be_visible()
    expect(thought).not_to_be_empty()
    chat.ends()
    expect(thought).to_be_visible()  # what a reader has opened stays open
    expect(chat.answer.locator(".gist")).to_have_text(re.compile(r"Thought for \d"))
    gists: list[dict[str, object]] = chat.page.evaluate("window.gists")
    telling = {gist["text"] for gist in gists if "·" in str(gist["text"])}
    assert len(telling) > 1
    assert {gist["lines"] for gist in gists} - {0} == {1}  # 0: not there yet


def test_sources_are_footnotes_with_titles_and_hosts(chat: ChatPage) -> None:
    choose(chat, "perplexity/sonar-pro")
    chat.ask("Tell me about bees")
    chat.ends()
    sources = chat.answer.get_by_role("complementary", name="Sources").get_by_role("listitem")
    expect(sources).to_have_count(3)
    expect(sources.first.get_by_role("link")).to_have_text(re.compile("Source 1 on .*bees"))
    expect(sources.first).to_contain_text("example.org")
    expect(sources.nth(1).get_by_role("link")).to_have_text("example.org")  # it has no title
    for link in sources.get_by_role("link").all():
        expect(link).to_have_attribute("href", re.compile(r"^https://www\.example\.org/\d/"))
        expect(link).to_have_attribute("rel", re.compile("noopener"))
    chat.page.reload()
    expect(sources).to_have_count(3)


def test_the_receipt_says_why_and_what_the_others_would_have_cost(
    chat: ChatPage, site: Site
) -> None:
    chat.ask("Compare SQLite and PostgreSQL for a team of twenty, as a table.")
    chat.ends()
    receipt = chat.answer.locator(".receipt")
    expect(receipt.locator("summary .why")).not_to_be_empty()
    body = receipt.locator(".receipt-body")
    expect(body).to_be_hidden()
    receipt.locator("summary").first.focus()
    chat.page.keyboard.press("Enter")
    expect(body).to_be_visible()
    entry = site.upstream.entry(site.books.generation(chat.conversation))
    into, out = entry["prompt_tokens"], entry["completion_tokens"]
    expect(body).to_contain_text(f"for these {into:,} tokens in and {out:,} out")
    expect(body).to_contain_text("The prompt showed")
    expect(body).to_contain_text("Policy:")
    rows = body.locator("tbody tr")
    costs = [AMOUNT.search(row.inner_text()) for row in rows.all()]
    assert len(costs) > 2
    assert all(costs)
    answered = body.locator("tr.answered")
    expect(answered).to_have_count(1)
    paid = Decimal(chat.cost.inner_text()[1:])
    told = AMOUNT.search(answered.inner_text())
    assert told
    assert abs(Decimal(told[0][1:]) - paid) < paid / 20  # told with two digits
    assert any(Decimal(cost[0][1:]) > paid for cost in costs if cost)


def test_an_answer_is_copied_as_it_was_written(
    chat: ChatPage, context: BrowserContext, site: Site
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    chat.ask("Say it. [[say: A **bold** word.\n\n- and a list]]")
    chat.ends()
    chat.answer.get_by_role("button", name="Copy").click()
    expect(chat.answer.get_by_role("button", name="Copied")).to_be_visible()
    copied: str = chat.page.evaluate("navigator.clipboard.readText()")
    assert copied == "A **bold** word.\n\n- and a list"


def test_copy_and_its_kin_wait_for_the_end(chat: ChatPage) -> None:
    chat.ask(say(words(300), 60))
    chat.see(60)
    for name in ("Copy", "Good answer", "Fork from here"):
        expect(chat.answer.get_by_role("button", name=name)).to_have_count(0)
    expect(chat.answer.get_by_role("link", name="Answer again")).to_have_count(0)
    chat.stop.click()
    chat.ends("stopped")
    for name in ("Copy", "Good answer", "Fork from here"):
        expect(chat.answer.get_by_role("button", name=name)).to_be_visible()


def test_cost_and_tokens_stand_under_the_answer(chat: ChatPage, site: Site) -> None:
    chat.ask("In one sentence: what is a ledger?")
    chat.ends()
    expect(chat.cost).to_have_text(AMOUNT)
    entry = site.upstream.entry(site.books.generation(chat.conversation))
    tokens = entry["prompt_tokens"] + entry["completion_tokens"]
    expect(chat.answer.locator(".tokens")).to_have_text(f"{tokens:,} tokens")


def test_the_same_model_answers_again(chat: ChatPage) -> None:
    choose(chat, "anthropic/claude-haiku-4.5")
    chat.ask("Which? [[say: This.]]")
    chat.ends()
    asked_again(chat, "claude-4.5-haiku again")
    expect(chat.answer.get_by_role("group", name="Branch 2 of 2")).to_be_visible()
    chat.ends()
    expect(chat.answer.locator(".model").first).to_have_attribute("title", re.compile("haiku"))


def test_another_model_answers_again(chat: ChatPage) -> None:
    chat.ask("Which? [[say: This.]]")
    chat.ends()
    asked_again(chat, "Another model")
    found(chat, "openai/gpt-5-mini")
    expect(chat.answer.get_by_role("group", name="Branch 2 of 2")).to_be_visible()
    chat.ends()
    expect(chat.answer.locator(".model").first).to_have_text("gpt-5-mini")
    chat.answer.get_by_role("button", name="Previous branch").click()
    expect(chat.answer.get_by_role("group", name="Branch 1 of 2")).to_be_visible()


def card_of(chat: ChatPage, order: str, text: str = "") -> Locator:
    """`text` makes the prompt another one: a fault that comes once comes once for each."""
    chat.ask(f"{fault(order)} {text}")
    chat.ends("failed")
    return chat.card


def test_a_card_names_the_generation_for_whoever_asks_the_provider(
    chat: ChatPage, site: Site
) -> None:
    card = card_of(chat, "cut after=0")
    generation = card.locator("code")
    expect(generation).to_be_hidden()
    card.get_by_text("Details").click()
    expect(generation).to_have_text(site.books.generation(chat.conversation))
    expect(generation).to_be_visible()


def test_after_a_failure_another_model_answers(chat: ChatPage) -> None:
    card_of(chat, "429-day times=1")
    asked_again(chat, "Another model")
    found(chat, "openai/gpt-5-mini")
    expect(chat.answer.get_by_role("group", name="Branch 2 of 2")).to_be_visible()
    chat.ends()
    assert chat.source == words(60)
    expect(chat.answer.locator(".model").first).to_have_text("gpt-5-mini")


def test_retry_takes_the_model_that_is_chosen_by_then(chat: ChatPage) -> None:
    card_of(chat, "429-day times=1", "Once more.")
    choose(chat, "openai/gpt-5-mini")
    chat.retry.click()
    chat.ends()
    expect(chat.answer.locator(".model").first).to_have_text("gpt-5-mini")
    expect(chat.answers).to_have_count(1)
