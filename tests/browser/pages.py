"""The chat page as a person uses it, and what is watched while they do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

# Notes every state of the newest answer that the page ever shows, white space left out.
RECORDER = """
(() => {
  window.shown = [];
  const look = () => {
    const drawn = [...document.querySelectorAll(".assistant .markdown")].pop();
    if (!drawn) return;
    const text = drawn.textContent.replace(/\\s+/g, "");
    const state = { id: drawn.closest(".assistant").id, text };
    const last = window.shown.at(-1);
    if (state.id !== last?.id || text !== last.text) window.shown.push(state);
  };
  const everything = { childList: true, subtree: true, characterData: true };
  new MutationObserver(look).observe(document, everything);
})();
"""


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def text_of(html: str) -> str:
    """What a browser calls the textContent of some HTML."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "".join(parser.pieces)


def one_spaced(text: str) -> str:
    return " ".join(text.split())


def squeezed(text: str) -> str:
    return "".join(text.split())


# A turn comes with the answer to its POST and over the socket. Whichever is second finds its slot
# gone, which is how it is placed once; htmx says so on the console.
PLACED_ALREADY = re.compile(r"htmx:oobErrorNoTarget, #(next-|m)\d+$")


@dataclass
class Watch:
    """What a page said that it should not have said, and what it asked for."""

    complaints: list[str] = field(default_factory=list)
    origins: set[str] = field(default_factory=set)

    def over(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not PLACED_ALREADY.match(message.text):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        self.origins.add(f"{parts.scheme}://{parts.netloc}")


class ChatPage:
    """One tab. The newest answer is `answer`."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        page.add_init_script(RECORDER)

    @property
    def conversation(self) -> str:
        """The id of the conversation on show; "" for a new one."""
        return self.page.locator("#main").get_attribute("data-conversation") or ""

    @property
    def composer(self) -> Locator:
        return self.page.locator("#prompt")

    @property
    def notice(self) -> Locator:
        return self.page.locator("#notice")

    @property
    def questions(self) -> Locator:
        return self.page.locator("article.user")

    @property
    def answers(self) -> Locator:
        return self.page.locator("article.assistant")

    @property
    def answer(self) -> Locator:
        return self.answers.last

    @property
    def text(self) -> Locator:
        """The answer as it is drawn."""
        return self.answer.locator(".markdown")

    @property
    def stop(self) -> Locator:
        return self.page.get_by_role("button", name="Stop")

    @property
    def retry(self) -> Locator:
        return self.answer.get_by_role("button", name="Retry")

    @property
    def cost(self) -> Locator:
        """What the turn cost, without its tokens."""
        return self.answer.locator(".cost > span").first

    @property
    def card(self) -> Locator:
        return self.answer.locator(".error-card")

    def open(self, path: str = "/") -> None:
        self.page.goto(self.url + path)

    def sign_in(self, username: str, password: str) -> None:
        self.open("/accounts/login/")
        self.page.get_by_label("Username or email").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(self.page.locator("#composer")).to_be_visible()
        self.page.wait_for_load_state()  # before its scripts are there, Enter is but a new line

    def ask(self, prompt: str) -> None:
        """Type and press Enter, and see the question and an answer's place on the page."""
        before = self.answers.count()
        self.composer.fill(prompt)
        self.composer.press("Enter")
        expect(self.answers).to_have_count(before + 1)

    def visible(self) -> str:
        """The letters of the newest answer on the page, white space left out."""
        shown: str = self.page.evaluate(
            """() => [...document.querySelectorAll(".assistant .markdown")].pop()
                       ?.textContent.replace(/\\s+/g, "") ?? "" """
        )
        return shown

    def see(self, letters: int) -> str:
        """Wait until so many letters of the answer can be seen; return them."""
        self.page.wait_for_function(
            """letters => ([...document.querySelectorAll(".assistant .markdown")].pop()
                            ?.textContent.replace(/\\s+/g, "").length ?? 0) >= letters""",
            arg=letters,
        )
        return self.visible()

    def ends(self, state: str = "done") -> None:
        """Wait until the newest answer has ended in this way."""
        expect(self.page.locator("article.assistant").last).to_have_attribute("data-state", state)

    @property
    def source(self) -> str:
        """The Markdown of the newest answer, letter by letter, as its Copy button gives it."""
        text: str = self.answer.locator("template.source").evaluate("it => it.content.textContent")
        return text

    def history(self) -> list[str]:
        """Every state of the newest answer since the page was loaded, white space left out."""
        newest = self.answer.get_attribute("id")
        shown: list[dict[str, str]] = self.page.evaluate("window.shown")
        return [state["text"] for state in shown if state["id"] == newest]
