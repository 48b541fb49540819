"""What a screen reader is told of an answer: by choice, in order, whole, once, and never tokens."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.cable import Cable
from tests.browser.pages import ChatPage
from tests.browser.prompts import never_ending, say, words

pytestmark = pytest.mark.browser

# Every text that either region ever held, in the order in which they came.
LISTEN = """() => {
  window.heard = [];
  const listen = (region, texts) => new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) {
      if (node.textContent) window.heard.push(node.textContent);
    }
  }).observe(document.querySelector(region), { childList: true });
  listen("#spoken");
  listen("#announce");
}"""
ANSWER = """\
## Soil comes first

Good soil is **dark. It crumbles** in the hand. It holds water, as [the book](https://example.org/)
says. Does it smell of earth? Then sow.

- Dig in March.
- Sow `peas` in April. They like the cold.

| Month | Hours |
|-------|------:|
| March | 4 |

```python
print("water")
```

Rest then.
"""
SENTENCES = [
    "Soil comes first",
    "Good soil is dark.",
    "It crumbles in the hand.",
    "It holds water, as the book says.",
    "Does it smell of earth?",
    "Then sow.",
    "Dig in March.",
    "Sow peas in April.",
    "They like the cold.",
    "Month, Hours.",
    "March, 4.",
    "Code in python, 1 line.",
    "Rest then.",
]


def choose(chat: ChatPage, words: str) -> None:
    """As a person does it: by the sheet."""
    chat.page.get_by_role("link", name="Reading and keyboard").click()
    sheet = chat.page.get_by_role("dialog", name="Reading and keyboard")
    sheet.get_by_label(words).check()
    sheet.get_by_role("button", name="Close").click()
    expect(sheet).to_be_hidden()
    chat.page.evaluate(LISTEN)


def heard(chat: ChatPage) -> list[str]:
    texts: list[str] = chat.page.evaluate("heard")
    return texts


def hears(chat: ChatPage, text: str) -> None:
    chat.page.wait_for_function("text => heard.includes(text)", arg=text)


def test_each_sentence_is_told_once_as_it_comes(chat: ChatPage) -> None:
    choose(chat, "Read each sentence as it comes")
    chat.ask(say(ANSWER, 40))
    hears(chat, "It crumbles in the hand.")
    expect(chat.answer).to_have_attribute("data-state", "streaming")
    chat.ends()
    hears(chat, "Answer ready.")
    assert heard(chat) == [*SENTENCES, "Answer ready."]
    log = chat.page.get_by_role("log", name="Answers read out")
    expect(log).to_have_attribute("aria-live", "polite")


def test_a_long_paragraph_is_told_while_it_is_written(chat: ChatPage) -> None:
    choose(chat, "Read each sentence as it comes")
    sentences = [f"{word.capitalize()} is number {n}." for n, word in enumerate(words(30).split())]
    chat.ask(say(" ".join(sentences), 60))
    hears(chat, sentences[2])
    expect(chat.answer).to_have_attribute("data-state", "streaming")
    chat.ends()
    hears(chat, "Answer ready.")
    assert heard(chat) == [*sentences, "Answer ready."]


def test_after_a_reconnect_nothing_is_told_twice_and_nothing_left_out(
    context: BrowserContext, cable: Cable
) -> None:
    chat = ChatPage(context.new_page(), cable.url)
    chat.open()
    choose(chat, "Read each sentence as it comes")
    chat.ask(say(ANSWER, 30))
    hears(chat, "Good soil is dark.")
    cable.pull()
    cable.plug()
    chat.ends()
    hears(chat, "Answer ready.")
    assert heard(chat) == [*SENTENCES, "Answer ready."]


def test_all_of_it_is_told_at_the_end_where_that_is_wished(chat: ChatPage) -> None:
    choose(chat, "Read all of it when it is ready")
    chat.ask(say(ANSWER, 100))
    chat.see(60)
    assert heard(chat) == []
    chat.ends()
    hears(chat, SENTENCES[-1])
    assert heard(chat) == ["Answer ready.", *SENTENCES]


def test_it_is_only_said_to_be_ready_unless_more_is_wished(chat: ChatPage) -> None:
    chat.page.evaluate(LISTEN)
    chat.ask(say(ANSWER, 400))
    chat.ends()
    hears(chat, "Answer ready.")
    assert heard(chat) == ["Answer ready."]


def test_an_answer_that_was_stopped_is_not_called_ready(chat: ChatPage) -> None:
    chat.page.evaluate(LISTEN)
    chat.ask(never_ending(words(60)))
    chat.see(60)
    chat.stop.click()
    chat.ends("stopped")
    hears(chat, "The answer ended early.")
    assert heard(chat) == ["The answer ended early."]


def test_nothing_is_said_where_that_is_wished_and_the_wish_is_kept(chat: ChatPage) -> None:
    choose(chat, "Say nothing")
    chat.page.reload()
    chat.page.evaluate(LISTEN)
    chat.ask(say(ANSWER, 400))
    chat.ends()
    chat.ask("And? [[say: No more.]]")
    chat.ends()
    assert heard(chat) == []
