"""Diagrams and blocks of code: drawn lazily, in a frame that can do nothing, or shown as source."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import BrowserContext, Dialog, Locator, Request, Route, expect

from tests.browser.conftest import Site
from tests.browser.pages import ChatPage, Watch
from tests.browser.prompts import never_ending, say, words

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.node,
    pytest.mark.skipif(
        not (ROOT / "node_modules/@mermaid-js/tiny").is_dir(), reason="npm ci was not run"
    ),
]

# Until blocks.js has looked at the page once more: a long line is then offered wrapping.
LOOKED = """() => new Promise((done) => {
  const code = document.createElement("figure");
  code.className = "code";
  code.innerHTML = `<button class="copy"></button><pre>${"x".repeat(3000)}</pre>`;
  new MutationObserver(() => { code.remove(); done(); }).observe(code, { childList: true });
  document.querySelector("#messages").append(code);
  document.dispatchEvent(new CustomEvent("earlier"));
})"""
FLOW = "```mermaid\nflowchart LR\n  A[One] --> B[Two]\n```\n"
HOSTILE = {
    "labels": """flowchart LR
  A["<img src=https://evil.example/label onerror='parent.postMessage({pwned: 1}, origin)'>"]
  A --> B["<script>top.pwned = true</script><b>bold</b>"]""",
    "clicks": """flowchart LR
  A --> B
  click A "javascript:alert(document.cookie)" "tip"
  click B call alert("called")""",
    "orders to the library": """%%{init: {"securityLevel": "loose", "htmlLabels": true}}%%
%%{init: {"flowchart": {"htmlLabels": true}, "themeCSS": "@import url(https://evil.example/x)"}}%%
flowchart LR
  A["<iframe src=https://evil.example></iframe>x"] --> B""",
}


def picture(chat: ChatPage) -> Locator:
    return chat.text.get_by_role("img", name="Diagram")


def svg(chat: ChatPage) -> str:
    address = picture(chat).get_attribute("src") or ""
    assert address.startswith("data:image/svg+xml")
    return unquote(address)


def requests_of(chat: ChatPage) -> list[str]:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    chat.page.on("request", note)
    return asked


def test_a_diagram_is_drawn_and_its_source_is_one_click_away(chat: ChatPage, watch: Watch) -> None:
    watch.over(chat.page)
    chat.ask(say(f"See:\n\n{FLOW}\nSo.", 400))
    chat.ends()
    expect(picture(chat)).to_be_visible()
    assert picture(chat).evaluate("async it => { await it.decode(); return it.naturalWidth }") > 50
    assert "One" in svg(chat)
    source = chat.text.locator("figure pre")
    expect(source).to_be_hidden()
    chat.text.get_by_role("button", name="Source").click()
    expect(source).to_be_visible()
    expect(picture(chat)).to_be_hidden()
    chat.text.get_by_role("button", name="Diagram").click()
    expect(picture(chat)).to_be_visible()
    chat.page.reload()
    expect(picture(chat)).to_be_visible()
    assert watch.complaints == []


def test_one_that_is_still_written_is_left_alone(chat: ChatPage) -> None:
    asked = requests_of(chat)
    lines = "\n".join(f"  N{n} --> N{n + 1}" for n in range(90))
    chat.ask(never_ending(f"```mermaid\nflowchart TD\n{lines}\n```\n"))
    expect(chat.text.locator("figure.code")).to_be_visible()
    chat.see(60)
    chat.page.evaluate(LOOKED)
    assert not [url for url in asked if "diagram" in url]
    chat.stop.click()
    chat.ends("stopped")


def test_it_is_drawn_when_it_is_finished_while_the_answer_goes_on(chat: ChatPage) -> None:
    chat.ask(never_ending(f"{FLOW}\n{words(200)}"))
    expect(picture(chat)).to_be_visible()
    expect(chat.answer).to_have_attribute("data-state", "streaming")
    chat.stop.click()
    chat.ends("stopped")
    expect(picture(chat)).to_be_visible()


def test_a_page_without_a_diagram_loads_nothing_for_it(chat: ChatPage) -> None:
    asked = requests_of(chat)
    chat.ask(say("```python\nprint(1)\n```\n\nNo diagram.", 400))
    chat.ends()
    chat.page.reload()
    expect(chat.text.locator("figure.code .copy")).to_be_visible()
    assert not [url for url in asked if "mermaid" in url or "/diagram/" in url]
    expect(chat.page.locator("iframe")).to_have_count(0)


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_source_runs_nothing_and_reaches_nobody(
    chat: ChatPage, watch: Watch, site: Site, kind: str
) -> None:
    watch.over(chat.page)
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    chat.page.on("dialog", note)
    chat.page.evaluate("void (onmessage = ({ data }) => { if (data.pwned) window.pwned = true; })")
    chat.ask(say(f"```mermaid\n{HOSTILE[kind]}\n```\n", 400))
    chat.ends()
    expect(picture(chat)).to_be_visible()
    picture(chat).click()
    for evil in ("<script", "javascript:", "onerror", "<iframe", "<image", "@import"):
        assert evil not in svg(chat)
    expect(chat.page.locator("iframe")).to_have_attribute("sandbox", "allow-scripts")
    assert chat.page.evaluate("window.pwned") is None
    assert dialogs == []
    assert {origin for origin in watch.origins if not origin.startswith("data:")} == {site.url}


def test_the_frame_has_no_origin_no_network_and_no_way_to_the_page(chat: ChatPage) -> None:
    chat.ask(say(FLOW, 400))
    expect(picture(chat)).to_be_visible()
    frame = next(it for it in chat.page.frames if it.url.endswith("/diagram/"))
    assert frame.evaluate("origin") == "null"
    refused = """async () => {
      const tries = [
        () => fetch("/"), () => parent.document.title,
        () => document.cookie, () => localStorage.length,
        () => { const it = document.createElement("script"); it.textContent = "window.ran = 1";
                document.body.append(it); if (!window.ran) throw Error(); },
      ];
      let count = 0;
      for (const attempt of tries) try { await attempt(); } catch { count += 1; }
      return count;
    }"""
    assert frame.evaluate(refused) == 5


def test_what_cannot_be_drawn_is_shown_as_source_with_a_note(chat: ChatPage) -> None:
    chat.ask(say("```mermaid\nflowchart oops\n  not -- one\n```\n", 400))
    chat.ends()
    expect(chat.text.locator(".diagram-note")).to_contain_text("cannot be drawn")
    expect(chat.text.locator("figure pre")).to_be_visible()
    chat.ask(say(FLOW, 400))
    expect(picture(chat)).to_be_visible()


def test_without_the_library_a_diagram_stays_code(context: BrowserContext, site: Site) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=404, body="")

    context.route("**/diagram/", refuse)
    chat = ChatPage(context.new_page(), site.url)
    chat.open()
    chat.ask(say(FLOW, 400))
    chat.ends()
    expect(chat.text.locator("figure pre")).to_contain_text("A[One] --> B[Two]")
    expect(picture(chat)).to_have_count(0)


def test_it_follows_the_theme(chat: ChatPage) -> None:
    chat.page.emulate_media(color_scheme="light")
    chat.ask(say(FLOW, 400))
    chat.ends()
    expect(picture(chat)).to_be_visible()
    light = svg(chat)
    chat.page.emulate_media(color_scheme="dark")
    chat.page.wait_for_function(
        "before => document.querySelector('.diagram img').src !== before",
        arg=picture(chat).get_attribute("src"),
    )
    assert svg(chat) != light


def test_long_lines_of_code_are_wrapped_on_demand(chat: ChatPage) -> None:
    long = "x = [" + ", ".join(str(n) for n in range(200)) + "]"
    chat.ask(say(f"```python\n{long}\n```\n\n```sh\nls\n```\n", 1000))
    chat.ends()
    code = chat.text.locator("pre").first
    is_wide = "it => it.scrollWidth > it.clientWidth"
    wrap = chat.text.get_by_role("button", name="Wrap")
    expect(wrap).to_have_count(1)  # what has short lines needs none
    assert code.evaluate(is_wide)
    wrap.click()
    expect(wrap).to_have_attribute("aria-pressed", "true")
    assert not code.evaluate(is_wide)
    wrap.click()
    assert code.evaluate(is_wide)
