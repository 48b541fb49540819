"""The composer under a hand: the picker, the dial, how to answer, going on, what is copied."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage
from tests.browser.prompts import never_ending, words

pytestmark = pytest.mark.browser

TIMED = """async (text) => {
  const box = document.querySelector("#picker-search");
  const began = performance.now();
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""


def open_picker(chat: ChatPage) -> None:
    chat.page.locator(".chip").click()
    expect(chat.page.locator("#picker .star").first).to_be_attached()


def test_the_whole_catalogue_is_searched_by_what_a_model_is(chat: ChatPage) -> None:
    open_picker(chat)
    shown = chat.page.locator("#picker-models .option:visible")
    assert chat.page.locator("#picker-models .option").count() > 300
    search = chat.page.get_by_label("Find a model")
    expect(search).to_be_focused()
    search.fill("anthropic images")
    for option in shown.all():
        expect(option).to_contain_text("images")
    chat.page.evaluate(TIMED, "openai")
    search.fill("no such model")
    expect(chat.page.get_by_text("No model is like this.")).to_be_visible()
    search.fill("gpt-5-mini")
    search.press("Enter")
    expect(chat.page.locator("#choice-name")).to_have_text("gpt-5-mini")
    chat.ask("Who? [[say: Me.]]")
    chat.ends()
    expect(chat.answer).to_contain_text("gpt-5-mini")


def test_a_favourite_is_on_top_the_next_time(chat: ChatPage) -> None:
    open_picker(chat)
    chat.page.get_by_label("Find a model").fill("gpt-5-mini")
    star = chat.page.get_by_role("button", name="Favourite: GPT-5 Mini", exact=True)
    with chat.page.expect_response("**/models/favourite/"):
        star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    chat.page.reload()
    open_picker(chat)
    expect(chat.page.locator("#picker .favourites .option")).to_have_count(1)


def test_the_arrow_keys_walk_the_list_and_leave_it_open(chat: ChatPage) -> None:
    open_picker(chat)
    search = chat.page.get_by_label("Find a model")
    search.fill("gpt-5-mini")
    search.press("ArrowDown")
    chat.page.keyboard.press("Enter")
    expect(chat.page.locator("#picker")).not_to_be_visible()
    expect(chat.page.locator("#choice-name")).to_have_text("gpt-5-mini")


def test_the_dial_goes_with_the_prompt_and_stays(chat: ChatPage) -> None:
    open_picker(chat)
    dial = chat.page.get_by_label("Dial of Auto")
    dial.focus()
    dial.press("End")
    chat.page.keyboard.press("Escape")
    chat.ask("Hard? [[say: Best.]]")
    chat.ends()
    chat.page.reload()
    expect(chat.page.locator("[name=dial]")).to_have_value("10")


def test_how_to_answer_is_kept_and_wrong_wishes_are_named(chat: ChatPage) -> None:
    button = chat.page.locator("#wishes-button")
    button.click()
    panel = chat.page.get_by_role("dialog", name="How to answer")
    expect(panel.get_by_label("How much it thinks")).to_be_focused()
    panel.get_by_label("How much it thinks").select_option(label="Much")
    panel.get_by_label("Only providers that keep nothing").check()
    panel.get_by_text("JSON", exact=True).click()
    panel.get_by_label("Answer as JSON").fill("{")
    panel.get_by_role("button", name="Keep").click()
    expect(panel).to_contain_text("This is not JSON")
    panel.get_by_label("Answer as JSON").fill("")
    panel.get_by_role("button", name="Keep").click()
    expect(panel).not_to_be_visible()
    expect(button).to_have_attribute("aria-label", "How to answer: 2 set")
    chat.ask("Hello? [[say: Hello.]]")
    chat.ends()
    chat.page.reload()
    expect(button).to_have_attribute("aria-label", "How to answer: 2 set")
    chat.open()
    expect(button).to_have_attribute("aria-label", "How to answer")


def test_an_answer_of_a_shape_is_a_tree(chat: ChatPage) -> None:
    chat.page.locator("#wishes-button").click()
    panel = chat.page.get_by_role("dialog", name="How to answer")
    panel.get_by_text("JSON", exact=True).click()
    panel.get_by_label("Answer as JSON").fill(
        '{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}'
    )
    panel.get_by_role("button", name="Keep").click()
    expect(panel).not_to_be_visible()
    chat.ask('A city? [[say: {"city": "Paris", "sizes": [1, 2]}]]')
    chat.ends()
    tree = chat.answer.locator(".tree")
    expect(tree).to_contain_text("Paris")
    expect(tree).to_contain_text("2 items")
    chat.ask('And? [[say: {"town": 1}]]')
    chat.ends()
    expect(chat.answer).to_contain_text("'city' is a required property")


def test_a_stopped_answer_goes_on_where_it_ended(chat: ChatPage) -> None:
    chat.ask(never_ending(words(80)))
    begun = chat.see(60)
    chat.stop.click()
    chat.ends("stopped")
    chat.answer.get_by_role("button", name="Continue").click()
    expect(chat.answer).to_have_attribute("data-state", "streaming")
    expect(chat.answers).to_have_count(1)
    chat.see(60)
    assert chat.visible().startswith(begun[:60])
    chat.stop.click()
    chat.ends("stopped")
    expect(chat.answer.get_by_role("group", name="Branch 2 of 2")).to_be_visible()


def test_the_last_answer_is_copied_by_keyboard(
    chat: ChatPage, context: BrowserContext, site: Site
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    chat.ask("Say it. [[say: Copy *me*.]]")
    chat.ends()
    chat.composer.press("Control+Shift+C")
    expect(chat.page.locator("#announce")).to_have_text("The last answer is copied.")
    copied: str = chat.page.evaluate("navigator.clipboard.readText()")
    assert copied == "Copy *me*."


def test_reasoning_is_folded_with_what_it_is_at_and_how_long_it_took(chat: ChatPage) -> None:
    open_picker(chat)
    chat.page.get_by_label("Find a model").fill("deepseek-r1")
    chat.page.get_by_label("Find a model").press("Enter")
    chat.composer.fill("[[pace: tokens_per_s=60 first_token_s=0.1]] Prove it step by step.")
    chat.composer.press("Enter")
    expect(chat.answers).to_have_count(1)
    summary = chat.answer.locator(".reasoning summary")
    expect(summary).to_contain_text("Thinking for")
    expect(chat.answer.locator(".think")).not_to_be_visible()
    chat.ends()
    expect(summary).to_contain_text("Thought for")


def test_files_are_shown_before_and_after_they_are_sent(chat: ChatPage, tmp_path: Path) -> None:
    notes, program = tmp_path / "notes.md", tmp_path / "program"
    notes.write_text("# Notes")
    program.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(60))
    chat.page.get_by_label("Attach files").set_input_files([notes, program])
    waiting = chat.page.locator("#attached li")
    expect(chat.notice).to_contain_text("of no kind that can be read")
    expect(waiting).to_have_count(1)
    chat.page.get_by_label("Attach files").set_input_files(notes)
    expect(waiting).to_have_count(2)
    waiting.first.get_by_role("button", name="Remove notes.md").click()
    expect(waiting).to_have_count(1)
    chat.ask("What is it? [[say: Notes.]]")
    chat.ends()
    expect(waiting).to_have_count(0)
    sent = chat.questions.last.get_by_role("link", name="notes.md")
    with chat.page.expect_download() as download:
        sent.click()
    assert download.value.path().read_text() == "# Notes"


def test_a_pasted_picture_is_attached(chat: ChatPage) -> None:
    chat.page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(2, 2);
          canvas.getContext("2d").fillRect(0, 0, 2, 2);
          const data = new DataTransfer();
          data.items.add(new File([await canvas.convertToBlob()], "", { type: "image/png" }));
          const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
          document.querySelector("#prompt").dispatchEvent(event);
        }"""
    )
    expect(chat.page.locator("#attached img")).to_have_attribute("alt", "pasted.png")


def test_a_silent_answer_makes_the_page_ask_the_server(chat: ChatPage) -> None:
    sockets: list[str] = []
    chat.page.on("websocket", lambda socket: sockets.append(socket.url))
    chat.page.clock.install()
    chat.open()
    chat.ask(never_ending(words(80)))
    begun = chat.see(60)
    before = len(sockets)
    chat.page.clock.fast_forward(21_000)
    chat.page.wait_for_function("() => document.querySelector('#connection').hidden")
    for _ in range(100):
        if len(sockets) > before:
            break
        chat.page.wait_for_timeout(50)
    assert len(sockets) == before + 1
    assert chat.see(60).startswith(begun[:60])
    chat.stop.click()
    chat.ends("stopped")
