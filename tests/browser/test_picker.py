"""The picker: four hundred models and more, found by what they are, cost and can."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.pages import ChatPage

pytestmark = pytest.mark.browser

MANY = """() => {
  const list = document.querySelector("#picker-models");
  for (const group of [...list.querySelectorAll("fieldset[data-author]")]) {
    const copy = group.cloneNode(true);
    copy.dataset.author += "-copy";
    for (const input of copy.querySelectorAll("input")) input.value += "-copy";
    list.append(copy);
  }
}"""


@pytest.fixture
def picker(chat: ChatPage) -> Locator:
    chat.page.get_by_role("button", name="Model: Auto").click()
    picker = chat.page.get_by_role("dialog", name="Which model answers")
    expect(picker.locator(".star").first).to_be_attached()
    return picker


def option(picker: Locator, slug: str) -> Locator:
    return picker.locator(".option").filter(has=picker.page.locator(f'input[value="{slug}"]'))


def test_each_model_says_its_price_its_context_and_what_it_takes(picker: Locator) -> None:
    haiku = option(picker, "anthropic/claude-haiku-4.5")
    expect(haiku.locator(".option-price")).to_have_text(re.compile(r"\$\d.*\$\d"))
    for ability in ("200k context", "images", "tools", "reasoning"):
        expect(haiku.locator(".option-note")).to_contain_text(ability)
    priced, known = picker.locator("#picker-models .option-price"), picker.locator(".star")
    assert priced.count() == known.count()
    assert not [text for text in priced.all_text_contents() if not text.strip()]


@pytest.mark.parametrize("wanted", ["1M context", "images reasoning", "audio", "google"])
def test_models_are_found_by_what_they_can(picker: Locator, wanted: str) -> None:
    picker.get_by_label("Find a model").fill(wanted)
    shown = picker.locator("#picker-models .option:visible")
    expect(shown.first).to_be_visible()
    assert 0 < shown.count() < picker.locator("#picker-models .option").count()
    for model in shown.all():
        said = ((model.text_content() or "") + (model.get_attribute("data-author") or "")).lower()
        assert all(word in said for word in wanted.lower().split()), said


def test_among_more_than_four_hundred_each_letter_brings_results(picker: Locator) -> None:
    picker.page.evaluate(MANY)
    assert picker.locator(".option").count() > 400
    search = picker.get_by_label("Find a model")
    shown = picker.locator("#picker-models .option:visible")
    for typed, least in (("c", 50), ("cla", 10), ("claude-haiku-4.5-copy", 1)):
        search.fill(typed)
        expect(shown.first).to_be_visible()
        assert shown.count() >= least
    search.press("Enter")
    expect(picker.page.locator("#choice-name")).to_have_text("claude-haiku-4.5")


def test_a_favourite_stands_in_a_group_of_its_own_at_once_and_no_longer(picker: Locator) -> None:
    slug = "mistralai/mistral-large-2512"
    favourites = picker.get_by_role("group", name="Favourites")
    star = option(picker, slug).get_by_role("button", name="Favourite")
    for is_on in ("true", "false"):
        with picker.page.expect_response("**/models/favourite/"):
            star.click()
        expect(star).to_have_attribute("aria-pressed", is_on)
        expect(star).to_be_focused()
        expect(option(favourites, slug)).to_have_count(1 if is_on == "true" else 0)


def test_escape_leaves_the_choice_as_it_was(picker: Locator) -> None:
    picker.get_by_label("Find a model").fill("haiku")
    picker.page.keyboard.press("Escape")  # what is looked for goes first
    expect(picker.get_by_label("Find a model")).to_have_value("")
    picker.page.keyboard.press("Escape")
    expect(picker).to_be_hidden()
    expect(picker.page.get_by_role("button", name="Model: Auto")).to_be_focused()
