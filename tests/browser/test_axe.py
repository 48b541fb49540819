"""No rule of axe is broken: on any page, in any state of the chat, in either theme or width."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Person, Site
from tests.browser.every_page import World, routes
from tests.browser.pages import ChatPage
from tests.browser.prompts import fault, never_ending, say
from tests.processes import ROOT

pytestmark = pytest.mark.browser

RICH = """# A heading

Words, **bold**, `code`, ~~gone~~ and [a link](https://example.org/), with a note[^1].

## Code

```python
def square(of: int) -> int:
    \"\"\"A comment, a string, a number.\"\"\"
    return of**2  # the second power
```

| Left | Right |
| :--- | ----: |
| one  | 1     |

- [x] done
- [ ] to do

> Said by somebody.

$$ x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a} $$

[^1]: It says more.
"""
FAILURES = sorted(path.name for path in (ROOT / "templates").glob("[45]*.html"))


@pytest.fixture(scope="module")
def visitor(browser: Browser, site: Site, administrator: Person) -> Iterator[ChatPage]:
    """A tab of somebody who may see everything; shared by the tests of this file."""
    with browser.new_context(storage_state=administrator.state) as context:
        yield ChatPage(context.new_page(), site.url)


@pytest.fixture(scope="module")
def world(visitor: ChatPage) -> World:
    """A talk with everything in it that a page can show, and a link to its copy."""
    visitor.open()
    visitor.ask(say(RICH, 400))
    visitor.ends()
    visitor.ask("Compare SQLite and PostgreSQL in a table")
    visitor.ends()
    question, answer = (
        (each.last.get_attribute("id") or "")[1:] for each in (visitor.questions, visitor.answers)
    )
    visitor.ask(fault("200-error"))  # whose cost nobody knows: the usage review waits for it
    visitor.ends("failed")
    visitor.ask(fault("error after=20"))
    visitor.ends("failed")
    talk = visitor.conversation
    visitor.open(f"/c/{talk}/share/")
    visitor.page.get_by_role("button", name="Make the link").click()
    link = re.search(r"/s/([\w-]+)/", visitor.page.locator("#share-url").input_value())
    assert link is not None
    return World(talk, question, answer, link[1])


def obeys(page: Page) -> None:
    """Fails with every element that breaks a rule."""
    broken = violations(page)
    assert not broken, "\n".join(broken)


def is_page(page: Page, url: str) -> bool:
    """Whether an address shows a page by itself: not a fragment, a file or a way elsewhere."""
    answer = page.request.get(url, max_redirects=0)
    is_html = answer.headers.get("content-type", "").startswith("text/html")
    return answer.status == 200 and is_html and "<html" in answer.text()


@pytest.mark.parametrize("route", routes())
def test_no_page_breaks_a_rule(route: str, visitor: ChatPage, world: World) -> None:
    for path in world.paths(route):
        if is_page(visitor.page, visitor.url + path):
            visitor.open(path)
            obeys(visitor.page)


@pytest.mark.parametrize("route", [it for it in routes() if it.startswith("accounts/")])
def test_no_page_for_somebody_who_is_signed_out_does(
    route: str, browser: Browser, site: Site
) -> None:
    if "<" in route:
        return
    with browser.new_context() as context:
        page = context.new_page()
        if is_page(page, f"{site.url}/{route}"):
            page.goto(f"{site.url}/{route}")
            obeys(page)


@pytest.mark.parametrize("name", FAILURES)
def test_no_page_of_a_failure_does(name: str, browser: Browser, site: Site) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        body = render_to_string(name)
        page.route(f"**/{name}", lambda route: route.fulfill(body=body))
        page.goto(f"{site.url}/{name}")
        obeys(page)


# --- States of the chat page: what a person can open, and what can happen in it


def receipt(chat: ChatPage) -> None:
    for details in chat.page.locator("#messages details > summary:visible").all():
        details.click()


def picker(chat: ChatPage) -> None:
    chat.page.locator(".chip").click()
    expect(chat.page.locator("#picker .star").first).to_be_attached()


def wishes(chat: ChatPage) -> None:
    chat.page.locator("#wishes-button").click()
    expect(chat.page.locator("#wishes-panel")).to_be_visible()


def menu(chat: ChatPage) -> None:
    chat.page.locator(".topbar .more").click()
    expect(chat.page.locator("#menu")).to_be_visible()


def search(chat: ChatPage) -> None:
    chat.page.keyboard.press("Control+k")
    chat.page.locator("#search input").fill("SQLite")
    expect(chat.page.locator("#search .found a").first).to_be_visible()


def again(chat: ChatPage) -> None:
    chat.answer.get_by_role("link", name="Answer again").click()
    expect(chat.page.locator("#again")).to_be_visible()


def editing(chat: ChatPage) -> None:
    chat.questions.first.get_by_role("link", name="Edit this message").click()
    expect(chat.page.locator(".edit-form textarea")).to_be_focused()


def attached(chat: ChatPage) -> None:
    notes = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Some notes."}
    chat.page.get_by_label("Attach files").set_input_files(notes)  # type: ignore[arg-type]
    expect(chat.page.locator("#attached li")).to_have_count(1)


STATES = (receipt, picker, wishes, menu, search, again, editing, attached)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_no_state_of_a_talk_does(
    state: Callable[[ChatPage], None], visitor: ChatPage, world: World
) -> None:
    visitor.open(f"/c/{world.talk}/")
    state(visitor)
    obeys(visitor.page)


def test_no_answer_that_is_being_written_does(chat: ChatPage) -> None:
    chat.ask(never_ending(RICH))
    chat.see(20)
    obeys(chat.page)
    chat.stop.first.click()
    chat.ends("stopped")
    obeys(chat.page)


def test_no_thought_source_or_file_does(chat: ChatPage, tmp_path: Path) -> None:
    attached(chat)
    chat.page.locator(".chip").click()
    expect(chat.page.locator("#picker .star").first).to_be_attached()
    finder = chat.page.get_by_label("Find a model")
    finder.fill("deepseek/deepseek-r1")
    finder.press("Enter")
    chat.ask("Prove step by step that there are many primes")
    chat.ends()
    chat.answer.locator(".reasoning > summary").click()
    obeys(chat.page)
    picker(chat)
    finder.fill("perplexity/sonar-pro")
    finder.press("Enter")
    chat.ask("Tell me about bees")
    chat.ends()
    obeys(chat.page)


def test_no_comparison_does(chat: ChatPage) -> None:
    chat.page.get_by_role("button", name="Compare with a second model").click()
    expect(chat.page.locator("#picker .star").first).to_be_attached()
    finder = chat.page.get_by_label("Find a model")
    finder.fill("gpt-5-mini")
    finder.press("Enter")
    obeys(chat.page)
    chat.composer.fill(say(RICH, 400))
    chat.composer.press("Enter")
    expect(chat.page.locator('.pair [data-state="done"]')).to_have_count(2)
    obeys(chat.page)
