"""What a browser does with the hostile corpus: scripts of the emulator, and a witness."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Dialog, Download, Page, Request, Route

from chat.markdown import Drawing
from tests.chat.markdown_follower import TAIL
from tests.chat.test_markdown_hostile import (
    ATTRIBUTES,
    MATH,
    MATH_ATTRIBUTES,
    TAGS,
    without_tail,
)

OBSERVER = Path(__file__).with_name("observer.js").read_text()
# Whatever stands here would have run, or could be run, on any page of ours.
SUSPECTS = """
() => [...document.querySelectorAll("*")].filter((it) =>
    [...it.attributes].some(({ name, value }) => /^on/i.test(name)
      || /href|src|action/.test(name) && /^\\s*(javascript|vbscript|data:text)/i.test(value))
    || it.matches("base, iframe, object, embed, meta[http-equiv], script:not([src])")
       && it.type !== "application/json"
       && !it.matches('iframe.diagram-frame[sandbox="allow-scripts"][src="/diagram/"]')
    || it.matches("img[src]") && !/^data:image/.test(it.src) && !it.src.startsWith(location.origin)
  ).map((it) => it.outerHTML.slice(0, 200))
"""


# Reads fragments of HTML as Chromium does: the elements in them, and those that are no longer the
# same when they are written out and read once more.
PARSE = """
htmls => {
  const found = new Map(), unstable = [];
  const read = (html) => { const it = document.createElement("template"); it.innerHTML = html; return it; };
  for (const html of htmls) {
    const once = read(html);
    if (read(once.innerHTML).innerHTML !== once.innerHTML) unstable.push(html);
    for (const it of once.content.querySelectorAll("*")) {
      const one = [it.localName, Object.fromEntries([...it.attributes].map((a) => [a.name, a.value]))];
      found.set(JSON.stringify(one), one);
    }
  }
  return [[...found.values()], unstable];
}
"""  # noqa: E501


def moments(text: str) -> Iterator[str]:
    """What a page holds after each letter of an answer, and at its end."""
    drawing = Drawing(TAIL)
    for turn, letter in enumerate(text):
        drawing.feed(letter, float(turn))
        yield drawing.closed_html + without_tail(drawing.open_html)
    yield drawing.closed_html + drawing.finish().closed_html


def sendable(text: str) -> str:
    """Without halves of surrogate pairs, which no UTF-8 carries."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def script(text: str, *, first: str = "", **more: Any) -> str:
    """A prompt that makes the emulator answer exactly this; `first` is its first line."""
    told = json.dumps({"text": sendable(text), **more}).encode()
    return f"{first}\n\n[[pace: tokens_per_s=1500]] [[raw: {base64.b64encode(told).decode()}]]"


@dataclass
class Witness:
    """What happened in a context that should not have happened."""

    context: BrowserContext
    origin: str
    has_policy: bool = False  # without one, diagrams are not drawn: theirs is what holds them
    dialogs: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("request", self._request)
        self.context.on("requestfailed", self._failed)
        self.context.on("dialog", self._dialog)
        self.context.on("page", self._page)
        self.context.on("response", self._response)
        self.context.route(lambda url: not self._may_load(url), self._refuse)
        self.context.add_init_script(OBSERVER)

    def _is_ours(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("data", "blob", "about") or url.startswith(f"{self.origin}/")

    def _may_load(self, url: str) -> bool:
        return self._is_ours(url) and (self.has_policy or not url.endswith("/diagram/"))

    def _request(self, request: Request) -> None:
        if not self._is_ours(request.url):
            self.elsewhere.append(request.url)

    def _failed(self, request: Request) -> None:
        """What a policy of ours has stopped was never sent: the library of diagrams does try."""
        if request.url in self.elsewhere and "csp" in (request.failure or "").lower():
            self.elsewhere.remove(request.url)

    def _refuse(self, route: Route) -> None:
        route.abort()

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _page(self, page: Page) -> None:
        page.on("download", self._download)

    def _download(self, download: Download) -> None:
        self.downloads.append(download.suggested_filename)

    def _response(self, response: Any) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status} {response.url}")

    def assert_nothing_happened(self, page: Page) -> None:
        """No script, no dialog, no request elsewhere, nothing on the page that could run."""
        assert page.evaluate("typeof window.pwned") == "undefined", page.url
        assert page.evaluate(SUSPECTS) == [], page.url
        assert (self.dialogs, self.elsewhere, self.faults) == ([], [], []), page.url


@dataclass(frozen=True)
class Seen:
    """All elements that a page ever had; `outside` as signatures."""

    inside: list[tuple[str, dict[str, str]]]
    outside: set[str]
    twice: list[str]
    refused: list[str]

    @classmethod
    def on(cls, page: Page) -> Seen:
        found: Mapping[str, Any] = page.evaluate("window.seen")
        inside = [(tag, attributes) for tag, attributes in found["inside"]]
        return cls(inside, set(found["outside"]), found["twice"], found["refused"])


def not_allowed(elements: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
    """What is on no list of tests/chat/test_markdown_hostile.py, as a real parser has read it."""
    found = []
    for tag, attributes in elements:
        names = {*ATTRIBUTES.get(tag, {}), *(MATH_ATTRIBUTES if tag in MATH.split() else ())}
        if tag not in TAGS or not names >= {*attributes}:
            found.append(f"{tag} {attributes}")
    return found
