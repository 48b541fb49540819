"""Markdown while it is written: drawn once, never half-typed; and what it is when it is whole."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage
from tests.browser.prompts import say

pytestmark = pytest.mark.browser

ANSWER = """\
## A plan for *the* garden

It begins with **good soil** and ends with `patience`, as [the handbook](https://example.org/soil) says.

| Month | What to do | Hours |
|-------|:-----------|------:|
| March | **Dig** the beds | 4 |
| April | Sow `peas` | 2 |

- [x] buy seeds
- [ ] mend the fence
- plain

```python
def water(beds: list[str]) -> None:
    for bed in beds:  # one by one
        print(f"**{bed}** has had enough")
```

The yield is \\(y = \\frac{a}{b}\\) in a good year, and over many years:

$$
\\sum_{k=1}^{n} k = \\frac{n(n+1)}{2}
$$

Sow late.[^1] Then ~~hurry~~ wait.

[^1]: Frost comes until **May**.
"""  # noqa: E501

# Each frame while an answer grows: what a reader sees, and which nodes its finished blocks are.
FRAMES = """(() => {
  const names = new WeakMap();
  let last = 0;
  window.frames_seen = [];
  const look = () => {
    requestAnimationFrame(look);
    const answer = [...document.querySelectorAll("article.assistant")].pop();
    const drawn = answer?.querySelector(".markdown");
    if (!drawn || answer.dataset.state !== "streaming") return;
    const prose = drawn.cloneNode(true);
    for (const code of prose.querySelectorAll("pre")) code.remove();
    const blocks = [...drawn.querySelectorAll(":scope > .done > *")].map((it) => {
      if (!names.has(it)) names.set(it, ++last);
      return names.get(it);
    });
    window.frames_seen.push({ text: prose.textContent, blocks });
  };
  look();
})();"""
# The backquote of code, the star of emphasis, a link's brackets, a rule of a table, a fence.
HALF_TYPED = re.compile(r"\*\*|`|\]\(|\|\s*:?-|^\s*\||\[[ x^]|~~|\$\$|\\\(|\\frac|##", re.MULTILINE)


@pytest.fixture(scope="module")
def prompt() -> str:
    assert "]]" not in ANSWER
    return say(ANSWER, 90)


def test_finished_blocks_are_the_same_nodes_while_the_open_one_changes(
    chat: ChatPage, prompt: str
) -> None:
    chat.page.evaluate(FRAMES)
    chat.ask(prompt)
    chat.ends()
    states: list[list[int]] = chat.page.evaluate("frames_seen.map((it) => it.blocks)")
    assert max(len(blocks) for blocks in states) >= 5
    for before, after in pairwise(states):
        assert after[: len(before)] == before, "a finished block was drawn again"


def test_the_end_leaves_finished_blocks_where_they_are(chat: ChatPage, prompt: str) -> None:
    """To draw a long answer once more would hold the page up; and what was chosen stays chosen."""
    chat.ask(prompt)
    finished = chat.text.locator(".done > h2")  # while it is the open block it is drawn anew
    finished.evaluate("it => { it.isTheSame = true; getSelection().selectAllChildren(it); }")
    chat.ends()
    heading = chat.text.locator("h2")
    assert heading.evaluate("it => it.isTheSame")
    assert chat.page.evaluate("getSelection().toString()") == "A plan for the garden"
    shown = chat.text.evaluate("it => it.innerText")
    height = chat.text.evaluate("it => it.offsetHeight")
    chat.page.reload()
    assert chat.text.evaluate("it => it.innerText") == shown
    assert chat.text.evaluate("it => it.offsetHeight") == height


def test_half_typed_syntax_never_flashes(chat: ChatPage, prompt: str) -> None:
    chat.page.evaluate(FRAMES)
    chat.ask(prompt)
    chat.ends()
    texts: list[str] = chat.page.evaluate("frames_seen.map((it) => it.text)")
    assert len(set(texts)) > 8
    flashes = [text[-60:] for text in texts if HALF_TYPED.search(text)]
    assert not flashes, f"{len(flashes)} of {len(texts)}, the first: {flashes[0]!r}"


def test_tables_tasks_footnotes_and_formulas_are_drawn(chat: ChatPage, prompt: str) -> None:
    chat.ask(prompt)
    chat.ends()
    table = chat.text.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["Month", "What to do", "Hours"])
    expect(table.get_by_role("row").nth(1).get_by_role("cell").nth(1)).to_have_text("Dig the beds")
    tasks = chat.text.get_by_role("checkbox")
    expect(tasks).to_have_count(2)
    expect(tasks.first).to_be_checked()
    expect(tasks.last).not_to_be_checked()
    expect(tasks.first).to_be_disabled()
    expect(chat.text.locator("math")).to_have_count(2)
    expect(chat.text.locator("math mfrac")).to_have_count(2)
    expect(chat.text.get_by_role("link", name="the handbook")).to_have_attribute(
        "href", "https://example.org/soil"
    )
    expect(chat.text.locator("p > sup.note")).to_have_text("[1]")
    expect(chat.text.locator("div.note")).to_have_text(re.compile(r"\[1\]\s*Frost .* until May\."))
    expect(chat.text.locator("s")).to_have_text("hurry")


def test_code_has_its_language_colours_and_a_button_that_copies(
    chat: ChatPage, context: BrowserContext, site: Site, prompt: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    chat.ask(prompt)
    chat.ends()
    code = chat.text.locator("figure.code")
    expect(code.locator(".language")).to_have_text("python")
    colours: list[str] = code.locator("code span").evaluate_all(
        "all => [...new Set(all.map(it => getComputedStyle(it).color))]"
    )
    assert len(colours) >= 3
    copy = code.get_by_role("button", name="Copy")
    copy.click()
    expect(code.get_by_role("button", name="Copied")).to_be_visible()
    copied: str = chat.page.evaluate("navigator.clipboard.readText()")
    assert copied.rstrip("\n") == ANSWER.split("```python\n")[1].split("\n```")[0]
    expect(copy).to_be_visible()  # the button says again what it is for


def test_long_lines_scroll_inside_their_block(chat: ChatPage) -> None:
    wide = "x = [" + ", ".join(str(n) for n in range(300)) + "\n]"
    row = "| " + " | ".join(f"column{n}" for n in range(40)) + " |"
    chat.ask(say(f"```python\n{wide}\n```\n\n{row}\n{'|---' * 40}|\n{row}\n", 4000))
    chat.ends()
    for kind in ("pre", "table"):
        wider = chat.text.locator(kind).first.evaluate(
            "it => { while (it && it.scrollWidth <= it.clientWidth) it = it.parentElement;"
            " return it?.closest('.markdown') !== null && getComputedStyle(it).overflowX }"
        )
        assert wider == "auto", kind
    assert chat.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
