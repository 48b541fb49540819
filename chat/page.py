"""From parsed Markdown to HTML, pure: all the elements, classes and attributes there are."""

import re
from collections.abc import MutableMapping, Sequence
from html import escape
from typing import Any, Final

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from chat.highlight import highlighted
from chat.mathml import mathml
from chat.sanitiser import IMAGE_TYPES

LABEL: Final = re.compile(r"[\w+#.-]{1,30}")
DISPLAY: Final = {"$$", "\\["}
Env = MutableMapping[str, Any]
CLOSERS: Final = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}


class Page(RendererHTML):
    """What a block looks like; a method is named for the token it draws, as the base class asks."""

    def fence(self, tokens: Sequence[Token], idx: int, _o: OptionsDict, env: Env) -> str:
        token = tokens[idx]
        language = _language(token.info)
        colours = is_closed(token) or not env["growing"]
        body = (
            highlighted(token.content, language) if colours else escape(token.content, quote=False)
        )
        return (
            f'<figure class="code"><figcaption><span class="language">{escape(language)}</span>'
            '<button type="button" class="copy">Copy</button></figcaption>'
            f'<pre tabindex="0"><code>{body}</code></pre></figure>\n'
        )

    def code_block(self, tokens: Sequence[Token], idx: int, _o: OptionsDict, _env: Any) -> str:
        code = escape(tokens[idx].content, quote=False)
        return f'<pre tabindex="0"><code>{code}</code></pre>\n'

    def formula(self, tokens: Sequence[Token], idx: int, _o: OptionsDict, _env: Any) -> str:
        token = tokens[idx]
        opener = token.markup
        drawn = mathml(token.content.strip(), display=opener in DISPLAY)
        if drawn is None:
            source = escape(opener + token.content + CLOSERS[opener], quote=False)
            drawn = f'<code class="formula">{source}</code>'
        return f'<div class="formula">{drawn}</div>\n' if token.block else drawn

    def task(self, tokens: Sequence[Token], idx: int, _o: OptionsDict, _env: Any) -> str:
        if tokens[idx].meta["done"]:
            return '<input type="checkbox" checked disabled aria-label="done"> '
        return '<input type="checkbox" disabled aria-label="to do"> '

    def footnote_mark(self, tokens: Sequence[Token], idx: int, _o: OptionsDict, _env: Any) -> str:
        return f'<sup class="note">[{escape(tokens[idx].meta["label"])}]</sup>'

    def footnote_reference_open(
        self, tokens: Sequence[Token], idx: int, _o: OptionsDict, _env: Any
    ) -> str:
        label = escape(tokens[idx].meta["label"])
        return f'<div class="note"><sup class="note">[{label}]</sup>\n'

    def footnote_reference_close(
        self, _tokens: Sequence[Token], _idx: int, _o: OptionsDict, _env: Any
    ) -> str:
        return "</div>\n"

    def link_open(self, tokens: Sequence[Token], idx: int, _o: OptionsDict, env: Env) -> str:
        env["in_link"] = True
        token = tokens[idx]
        href = str(token.attrs.get("href", ""))
        target = "" if href.lower().startswith("data:") else f' href="{escape(href)}"'
        title = f' title="{escape(str(token.attrs["title"]))}"' if token.attrs.get("title") else ""
        return f"<a{target}{title}>"

    def link_close(self, _tokens: Sequence[Token], _idx: int, _o: OptionsDict, env: Env) -> str:
        env["in_link"] = False
        return "</a>"

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        """An image that the text holds is shown; one from elsewhere becomes a link to it."""
        token = tokens[idx]
        alt = escape(self.renderInlineAsText(token.children, options, env))
        src = str(token.attrs.get("src", ""))
        if src.lower().startswith(IMAGE_TYPES):
            return f'<img src="{escape(src)}" alt="{alt}">'
        if env.get("in_link"):
            return alt
        return f'<a href="{escape(src)}">{alt or escape(src)}</a>'

    def table_open(self, _tokens: Sequence[Token], _idx: int, _o: OptionsDict, _env: Any) -> str:
        return '<div class="table" tabindex="0"><table>\n'

    def table_close(self, _tokens: Sequence[Token], _idx: int, _o: OptionsDict, _env: Any) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, _o: OptionsDict, _env: Any) -> str:
        return _cell(_head(tokens[idx + 1]), tokens[idx])

    def th_close(self, tokens: Sequence[Token], idx: int, _o: OptionsDict, _env: Any) -> str:
        return f"</{_head(tokens[idx - 1])}>\n"

    def td_open(self, tokens: Sequence[Token], idx: int, _o: OptionsDict, _env: Any) -> str:
        return _cell("td", tokens[idx])


def is_closed(fence: Token) -> bool:
    """Whether a fence has its closing line; the source it was parsed from ends in a newline."""
    first, after = fence.map or (0, 0)
    return after - first == fence.content.count("\n") + 2


def _language(info: str) -> str:
    found = LABEL.match(info.strip())
    return found[0] if found else ""


def _head(words: Token) -> str:
    """The tag of a cell in a table's head: one without words heads nothing."""
    return "th" if words.content.strip() else "td"


def _cell(tag: str, token: Token) -> str:
    style = str(token.attrs.get("style", ""))  # text-align:left|center|right, by markdown-it
    side = style.rpartition(":")[2]
    return f'<{tag} class="{side}">' if side else f"<{tag}>"
