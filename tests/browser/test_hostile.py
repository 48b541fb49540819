"""T6 in a real Chromium: whatever is written, nothing of it runs, loads, or leaves its box.

The policy of our pages is switched off here, so that the drawing alone must hold; a page is then
looked at once more with it, and has nothing to complain of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chat.source import printable
from tests.browser.conftest import Person, Site
from tests.browser.hostility import PARSE, Seen, Witness, moments, not_allowed, script, sendable
from tests.browser.pages import ChatPage
from tests.security.corpus import CORPUS, LINES, answers, citations

pytestmark = pytest.mark.browser

PLAIN = (
    "Plain *words* and `code`.\n\n- one\n- two\n\n```python\nx = 1\n```\n\n$x$ https://a.test/ \n\n"
)
DIAGRAM = "```mermaid\ngraph TD; A --> B\n```\n"
MOST_PAGES = 50  # of the admin
IN_ONE = 8  # answers of one conversation
ENDED = """count => { const all = [...document.querySelectorAll("article.assistant")];
  return all.length === count && !document.querySelector('article[data-state="streaming"]'); }"""


MERMAID = """[...document.querySelectorAll("figure.code")]
  .filter((it) => it.querySelector(".language")?.textContent === "mermaid")"""


@dataclass
class Stage:
    """One browser without our policy, of somebody who may do everything."""

    context: BrowserContext
    witness: Witness
    url: str

    def tab(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.goto(self.url + path)
        return page

    def post(self, path: str, form: dict[str, str]) -> int:
        """A form as the page sends it; the answer does not come onto the page."""
        cookies = {cookie["name"]: cookie["value"] for cookie in self.context.cookies()}
        answer = self.context.request.post(
            self.url + path, form={"csrfmiddlewaretoken": cookies["csrftoken"], **form}
        )
        return answer.status

    def converse(self, prompts: list[str]) -> tuple[str, Page]:
        """A conversation of these, streamed into a tab that watches it from the beginning."""
        chat = ChatPage(self.context.new_page(), self.url)
        chat.open()
        chat.ask(prompts[0])
        chat.page.wait_for_function(ENDED, arg=1)
        for number, prompt in enumerate(prompts[1:], 2):
            form = {"prompt": prompt, "nonce": uuid4().hex, "model": ""}
            assert self.post(f"/c/{chat.conversation}/send/", form) == 200
            chat.page.wait_for_function(ENDED, arg=number)
        return chat.conversation, chat.page


@pytest.fixture(scope="module")
def stage(browser: Browser, site: Site, administrator: Person) -> Iterator[Stage]:
    state = administrator.state
    with browser.new_context(storage_state=state, bypass_csp=True, accept_downloads=True) as it:
        yield Stage(it, Witness(it, site.url), site.url)


@pytest.fixture(scope="module")
def harmless(stage: Stage) -> set[str]:
    """What is outside of the boxes when nobody is hostile: with sources, thoughts and a failure."""
    cited = [{"url": "https://a.test/", "title": "A page"}, {"url": "http://b.test/", "title": ""}]
    prompts = [
        script(PLAIN, first="Plain words", reasoning="Thinking about it.", citations=cited),
        script(PLAIN, first="Plain words", reasoning="More of it.", citations=cited),
        script(PLAIN + DIAGRAM, first="Plain words"),
        script(PLAIN * 40, first="Plain words, and many of them"),
        script("[x]: https://a.test/\n", first="Nothing that can be seen"),
        script("Some words", first="And a failure", error="It broke."),
    ]
    conversation, page = stage.converse(prompts)
    found = Seen.on(page).outside
    for path in (f"/c/{conversation}/", "/"):
        page.goto(stage.url + path)
        found |= Seen.on(page).outside
    page.close()
    return found


def hostile_prompts() -> list[str]:
    """The corpus as answers; the lines as prompts, thoughts, names and errors of providers."""
    cited = citations()
    prompts = []
    for number, text in enumerate(answers()):
        line = LINES[number % len(LINES)]
        some = cited[number * 4 : number * 4 + 4]
        letters = 3 if len(text) < 6_000 else 40
        prompts.append(
            script(text, first=line, reasoning=sendable(f"{line}\n{text[:600]}"), citations=some,
                   model=line[:60], provider=line[:60], letters=letters)
        )  # fmt: skip
    failures = [script("cut <b", first=line, error=line, provider=line[:60]) for line in LINES[::4]]
    step = -(-len(prompts) // len(failures))
    for number, failure in enumerate(failures):  # a failed answer ends no conversation
        prompts.insert((number + 1) * step + number, failure)
    return prompts


@pytest.fixture(scope="module")
def conversations(stage: Stage, harmless: set[str]) -> list[tuple[str, Seen]]:
    """The whole corpus, streamed; what was seen in each tab while it came."""
    prompts = hostile_prompts()
    found = []
    for at in range(0, len(prompts), IN_ONE):
        conversation, page = stage.converse(prompts[at : at + IN_ONE])
        stage.witness.assert_nothing_happened(page)
        found.append((conversation, Seen.on(page)))
        page.close()
    return found


def assert_in_the_box(seen: Seen, harmless: set[str]) -> None:
    assert not_allowed(seen.inside) == []
    assert sorted(seen.outside - harmless) == []
    assert seen.twice == []


def test_the_witness_sees_what_it_is_there_for(stage: Stage, browser: Browser) -> None:
    """Raw on a page without a policy, a payload does what it is made for."""
    with browser.new_context(bypass_csp=True) as context:
        witness = Witness(context, stage.url)
        page = context.new_page()
        page.goto(f"{stage.url}/accounts/login/")
        raw = (
            "<img src=x: onerror='window.pwned=1;alert(1)'><img src=//other.test/i.png>"
            "<b id=id_login hx-swap-oob=true>x</b><p class=markdown><iframe></iframe></p>"
        )
        page.evaluate("html => { document.body.insertAdjacentHTML('beforeend', html); }", raw)
        page.wait_for_function("window.pwned === 1 && window.seen.twice.length")
        seen = Seen.on(page)
        assert witness.dialogs == ["1"]
        assert any("other.test/i.png" in url for url in witness.elsewhere)
        assert "b hx-swap-oob=true id=id_login" in seen.outside
        assert seen.twice == ["id_login"]
        assert not_allowed(seen.inside) == ["iframe {}"]
        with pytest.raises(AssertionError):
            witness.assert_nothing_happened(page)


def test_chromium_reads_no_moment_of_it_otherwise(stage: Stage) -> None:
    """No element but ours by its own parser, and the same when it is written and read again."""
    page = stage.context.new_page()
    short = [payload.text for payload in CORPUS if not payload.is_long]
    htmls = sorted({html for text in short for html in moments(text)})
    assert len(htmls) > 10_000
    for at in range(0, len(htmls), 2_000):
        elements, unstable = page.evaluate(PARSE, htmls[at : at + 2_000])
        assert not_allowed(elements) == []
        assert unstable == []


def test_nothing_leaves_its_box_while_it_is_streamed(
    conversations: list[tuple[str, Seen]], harmless: set[str]
) -> None:
    for _, seen in conversations:
        assert seen.inside
        assert_in_the_box(seen, harmless)


def test_nothing_leaves_its_box_after_a_reload(
    stage: Stage, conversations: list[tuple[str, Seen]], harmless: set[str]
) -> None:
    page = stage.context.new_page()
    told: set[str] = set()
    for conversation, live in conversations:
        page.goto(f"{stage.url}/c/{conversation}/")
        expect(page.locator("#composer")).to_be_visible()
        stage.witness.assert_nothing_happened(page)
        stored = Seen.on(page)
        assert_in_the_box(stored, harmless)
        assert len(stored.inside) > len(live.inside) // 2
        export = stage.context.request.get(f"{stage.url}/c/{conversation}/export.json").json()
        told |= {it["text"] for it in export["conversations"][0]["messages"]}
    wanted = {printable(sendable(text)) for text in answers()}
    assert wanted <= told  # all of it has come, to the letter


def test_our_policy_has_nothing_to_refuse(
    browser: Browser,
    site: Site,
    administrator: Person,
    conversations: list[tuple[str, Seen]],
) -> None:
    """What the policy would stop is not even tried."""
    with browser.new_context(storage_state=administrator.state) as context:
        witness = Witness(context, site.url, has_policy=True)
        page = context.new_page()
        for conversation, _ in conversations:
            page.goto(f"{site.url}/c/{conversation}/")
            expect(page.locator("#composer")).to_be_visible()
            draw_diagrams(page)
            witness.assert_nothing_happened(page)
            assert Seen.on(page).refused == []


def draw_diagrams(page: Page) -> None:
    """Have every diagram drawn, or given up: it is, when it comes into view."""
    if not page.locator("body").get_attribute("data-diagrams"):  # the library is not installed
        return
    count: int = page.evaluate(f"({MERMAID}).length")
    for number in range(count):  # scrolled to again and again: the page follows its end at first
        page.wait_for_function(
            f"""number => {{
              const figure = ({MERMAID})[number];
              figure.scrollIntoView({{ block: "center" }});
              return figure.querySelector(".diagram img, .diagram-note") !== null;
            }}""",
            arg=number,
            polling=200,
            timeout=60_000,
        )


def test_nothing_leaves_its_box_on_a_shared_page(
    stage: Stage, conversations: list[tuple[str, Seen]], browser: Browser
) -> None:
    page = stage.context.new_page()
    for number, (conversation, _) in enumerate(conversations):
        form = {"days": "1", "shown_name": LINES[number % len(LINES)][:70]}
        assert stage.post(f"/c/{conversation}/share/", form) == 200
    page.goto(f"{stage.url}/library/shared/")
    links = page.locator("a[href*='/s/']").evaluate_all("all => all.map(it => it.href)")
    addresses = sorted({link for link in links if "/s/" in link})
    assert len(addresses) >= len(conversations)
    with browser.new_context(bypass_csp=True) as context:  # somebody who is not signed in
        witness = Witness(context, stage.url)
        shown = context.new_page()
        for address in addresses:
            shown.goto(address)
            expect(shown.locator("article").first).to_be_visible()
            witness.assert_nothing_happened(shown)
            seen = Seen.on(shown)
            assert not_allowed(seen.inside) == []
            assert seen.twice == []
            assert not any("hx-" in it or "style=" in it for it in seen.outside)


def test_nothing_leaves_its_box_where_an_administrator_reads(
    stage: Stage, conversations: list[tuple[str, Seen]]
) -> None:
    page = stage.context.new_page()
    for conversation, _ in conversations:
        page.goto(f"{stage.url}/admin/chat/conversation/{conversation}/change/")
        page.locator("[name=reason]").fill("Somebody has complained about it.")
        page.locator("form:has([name=reason]) [type=submit]").click()
        expect(page.locator("article").first).to_be_visible()
        stage.witness.assert_nothing_happened(page)
        seen = Seen.on(page)
        assert seen.inside
        assert not_allowed(seen.inside) == []
        assert seen.twice == []
        assert not any("hx-" in it or "style=" in it for it in seen.outside)


def test_an_export_is_a_file_and_no_page(
    stage: Stage, conversations: list[tuple[str, Seen]]
) -> None:
    for conversation, _ in conversations:
        for suffix in ("md", "json"):
            answer = stage.context.request.get(f"{stage.url}/c/{conversation}/export.{suffix}")
            assert answer.status == 200
            assert answer.headers["content-disposition"].startswith("attachment")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-type"].split(";")[0] in (
                "text/markdown", "application/json",
            )  # fmt: skip
            name = answer.headers["content-disposition"].partition("filename")[2]
            assert not set(name) & set("<>\\/\r\n")
    page = stage.tab()
    with page.expect_download() as waiting:
        page.evaluate("path => { location = path; }", f"/c/{conversations[0][0]}/export.md")
    assert waiting.value.suggested_filename.endswith(".md")
    assert page.url == f"{stage.url}/"  # it stayed where it was
    stage.witness.assert_nothing_happened(page)


def test_nothing_of_it_is_read_as_markup_in_lists_searches_and_the_admin(
    stage: Stage, conversations: list[tuple[str, Seen]]
) -> None:
    """Titles, names of folders, prompts and files, what the books say: wherever a link leads."""
    conversation = conversations[0][0]
    page = stage.tab("/library/files/")
    for number, line in enumerate(LINES):
        assert stage.post("/folders/", {"name": line[:80]}) < 500
        assert stage.post("/library/prompts/", {"name": line[:80], "text": line}) < 500
        assert stage.post(f"/c/{conversation}/rename/", {"title": line}) < 500
        assert stage.post(f"/c/{conversation}/instructions/", {"text": line}) < 500
        upload(page, line)
        stage.witness.assert_nothing_happened(page)
        if number % 7 == 0:
            look_at(stage, page, f"/c/{conversation}/")
            page.goto(f"{stage.url}/library/files/")
    for path in ("/", "/library/", "/library/prompts/", "/library/files/", "/library/shared/",
                 "/search/?q=window", "/search/?q=%3Cscript%3E", "/usage/", "/learned/",
                 f"/c/{conversation}/options/", f"/c/{conversation}/instructions/"):  # fmt: skip
        look_at(stage, page, path)
    assert crawl(stage, page, "/admin/") > 20


def upload(page: Page, name: str) -> None:
    """A file of this name; what would stand in the composer is put onto this page."""
    token = next(it["value"] for it in page.context.cookies() if it["name"] == "csrftoken")
    status = page.evaluate(
        """async ([name, token]) => {
          const form = new FormData();
          form.append("upload", new File(["words"], name));
          const headers = { "X-CSRFToken": token, "HX-Request": "true" };
          const answer = await fetch("/files/", { method: "POST", body: form, headers });
          document.querySelector("main").innerHTML = await answer.text();
          return answer.status;
        }""",
        [name, token],
    )
    assert status in (200, 400), name  # Django takes no header of more than 1,024 characters


def look_at(stage: Stage, page: Page, path: str) -> list[str]:
    """Nothing happens on this page; the addresses of ours that it leads to."""
    answer = page.goto(stage.url + path)
    assert answer
    assert answer.status < 500, path
    stage.witness.assert_nothing_happened(page)
    assert Seen.on(page).twice == [], path
    found: list[str] = page.locator("a[href]").evaluate_all(
        "all => all.map(it => String(it.href)).filter(it => it.startsWith(location.origin))"
    )
    return [link.removeprefix(stage.url).partition("#")[0] for link in found]


def crawl(stage: Stage, page: Page, start: str) -> int:
    """Look at the pages under `start`, one of each shape; how many there were."""
    shapes: set[str] = set()
    waiting = [start]
    while waiting and len(shapes) < MOST_PAGES:
        path = waiting.pop(0)
        shape = re.sub(r"\d+|[0-9a-f-]{36}", "N", path.partition("?")[0])
        if shape in shapes or "export" in path or "logout" in path:
            continue
        shapes.add(shape)
        waiting += [link for link in look_at(stage, page, path) if link.startswith(start)]
    return len(shapes)
