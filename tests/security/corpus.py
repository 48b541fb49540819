"""The hostile corpus: what a model, a provider, a page that is cited or a person may write.

What is written here would set `window.pwned`, open a dialog, ask `other.test` for something, or
take the place of an element of ours, if any wall let it through. The older list of the drawing's
own tests is part of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from chat.markdown import render
from tests.chat.test_markdown_hostile import PAYLOADS
from tests.security.corpus_markup import SPOIL, markup
from tests.security.corpus_text import ADDRESSES, text

LONG = 400  # characters; what is longer is cut into fewer pieces
ANSWER_CHARS = 4_000
DEFINITION = re.compile(r"^\s*\[[^\]]+\]:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Payload:
    family: str
    text: str

    @property
    def is_long(self) -> bool:
        return len(self.text) > LONG

    @property
    def defines(self) -> bool:
        """It may hold a link's definition, of which what came before knows nothing."""
        return DEFINITION.search(self.text) is not None


def _corpus() -> list[Payload]:
    found: dict[str, str] = {}
    for family, payload in (*markup(), *text(), *(("drawing", it) for it in PAYLOADS)):
        found.setdefault(payload, family)
    return [Payload(family, payload) for payload, family in found.items()]


CORPUS = _corpus()

# One line each: titles, names of files, of folders, of people, of providers, and their errors.
LINES = (
    f"<script>{SPOIL}</script>",
    f"<img src=x: onerror={SPOIL}>.png",
    f"</title><script>{SPOIL}</script>",
    f"</textarea><svg onload={SPOIL}>",
    f'"><script>{SPOIL}</script>.txt',
    f"' onfocus='{SPOIL}' autofocus x='",
    f"javascript:{SPOIL}",
    "<div id=composer hx-swap-oob=true>gone</div>",
    "<b hx-get=/accounts/logout/ hx-trigger=load>x</b>",
    "<base href=//other.test/><link rel=stylesheet href=//other.test/s.css>",
    "<img src=//other.test/i.png>",
    "![x](https://other.test/i.png) [y](javascript:window.pwned=1)",
    "{{ request.user.password }}{% debug %}",
    "\u202egpj.\u2066exe\u200b\ufeff",
    "../../../etc/passwd",
    "..\\..\\con.html",
    "a\r\nSet-Cookie: x=1\r\n\r\n<script>window.pwned=1</script>",
    "\x1b[31mred\x1b]8;;javascript:alert(1)\x07",
    "=cmd|'/c calc'!A1",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;",
    "' OR 1=1 --",
    "x" * 3_000,
)


def citations() -> list[dict[str, str]]:
    """Pages that are cited, with hostile addresses and titles, as they come from a provider."""
    hostile = [{"url": url, "title": f"Source {n}"} for n, url in enumerate(ADDRESSES)]
    named = [
        {"url": f"https://a.test/{n}", "title": line, "content": line}
        for n, line in enumerate(LINES)
    ]
    return hostile + named


@cache
def swallows(payload: str) -> bool:
    """Whether what follows is no paragraph of its own: a fence or a formula was left open."""
    return "<p>that is all</p>" not in render(f"{payload}\n\nthat is all\n")


def answers() -> list[str]:
    """The corpus in whole answers, in which no payload is hidden by one before it."""
    last = [it.text for it in CORPUS if swallows(it.text)]
    whole: list[str] = []
    group: list[str] = []
    for payload in sorted((it.text for it in CORPUS if not swallows(it.text)), key=len):
        if group and sum(map(len, group)) + len(payload) > ANSWER_CHARS:
            whole.append(_joined(group, last))
            group = []
        group.append(payload)
    whole.append(_joined(group, last))
    return whole + last


def _joined(group: list[str], last: list[str]) -> str:
    return "\n\n".join([*group, *([last.pop()] if last else [])]) + "\n"
