"""The Markdown that models write, pure: CommonMark without raw HTML, and what they add to it.

Tables, strikethrough, task lists, bare addresses, footnotes and formulas. Each addition is
decided by the block it stands in, never by later text: a block that has ended stays as it is,
which is what lets `chat.markdown` draw an answer while it grows. So a footnote is shown where
it is written, under its own label, and a formula ends with its paragraph at the latest.
"""

import re
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_core.text_join import text_join
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.footnote.index import footnote_def

from chat.page import Page
from chat.sanitiser import IMAGE_TYPES

References = dict[str, Any]  # label → where it leads: markdown-it's own form
Env = dict[str, Any]

ADDRESS: Final = re.compile(r"https?://[^\s<>\"'`*\[\]{}|\\^\x00-\x20]+", re.IGNORECASE)
SAFE_LINK: Final = re.compile(r"https?://[^\s/?#]|mailto:[^\s]", re.IGNORECASE)
_REST_OF_LABEL = re.compile(r"[^\]]*(?:\](?:\([^)]*)?)?")
FOOTNOTE: Final = re.compile(r"\[\^(\d{1,4}|[^\W\d_]\w[\w-]{0,40})\]")
TASK: Final = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
DEEPEST_BLOCK: Final = 20
DEEPEST_LINE: Final = 100


@dataclass(slots=True)
class Blocks:
    tokens: list[Token]  # their text is not looked at yet
    links: References  # the definitions that count, by label
    last_definition: int  # the line it begins on; 0 when there is none


def parse_blocks(source: str, known: References, *, cut: bool = False) -> Blocks:
    """The blocks of a source that ends in a newline, and the link definitions found in it.

    `known` are definitions from before, which win. With `cut` the last line is half typed,
    and a definition on it leads nowhere yet.
    """
    found: dict[str, Any] = {}
    env: Env = {"references": ChainMap(found, known)}
    tokens: list[Token] = []
    _parser.block.parse(source, _parser, env, tokens)
    if cut:
        last = source.count("\n")
        found = {label: link for label, link in found.items() if link["map"][1] < last}
    duplicates = env.get("duplicate_refs", [])
    last = max((link["map"][0] for link in [*found.values(), *duplicates[-1:]]), default=0)
    return Blocks(tokens, found, last)


def draw(
    tokens: list[Token], references: Mapping[str, Any], *, growing: bool = False, cut: bool = False
) -> tuple[str, bool]:
    """HTML of blocks, not yet sanitised, and whether an address at its end was left unlinked.

    With `growing` more lines may follow: a fence that is not closed has no colours yet. With
    `cut` the last line is half typed: an address at its end is no link yet.
    """
    env: Env = {"references": references, "growing": growing}
    last = next((t for t in reversed(tokens) if t.type == "inline" and t.content), None)
    for index, token in enumerate(tokens):
        if token.type != "inline":
            continue
        task = TASK.match(token.content) if index > 1 and _opens_item(tokens, index) else None
        content = token.content[task.end() :] if task else token.content
        env["cut"] = cut and token is last
        token.children = []
        _parser.inline.parse(content, _parser, env, token.children)
        if task:
            token.children.insert(0, Token("task", "", 0, meta={"done": task[1] != " "}))
    state = StateCore("", _parser, env, tokens)
    text_join(state)
    return _parser.renderer.render(tokens, _parser.options, env), "withheld" in env


def _opens_item(tokens: list[Token], index: int) -> bool:
    return tokens[index - 1].type == "paragraph_open" and tokens[index - 2].type == "list_item_open"


def safe_address(address: str) -> bool:
    """Whether an address may be kept: the web, mail, and images that are in the text itself."""
    return bool(SAFE_LINK.match(address)) or address.lower().startswith(IMAGE_TYPES)


def bare_address(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 — the parser's form
    """`https://…` in running text becomes a link, unless it may go on where the text is cut."""
    if silent or state.linkLevel or not state.src.startswith("://", state.pos):
        return False
    scheme = "https" if state.pending[-5:].lower() == "https" else "http"
    if state.pending[-len(scheme) :].lower() != scheme:
        return False
    start = state.pos - len(scheme)
    found = ADDRESS.match(state.src, start, state.posMax)
    if found is None or (start and state.src[start - 1].isalnum()):
        return False
    if state.env.get("cut") and _may_become_other(state.src, start, found.end()):
        state.env["withheld"] = True
        return False
    address = _without_punctuation(found[0])
    target = state.md.normalizeLink(address)
    if not state.md.validateLink(target):
        return False
    state.pending = state.pending[: -len(scheme)]
    state.push("link_open", "a", 1).attrs = {"href": target}
    state.push("text", "", 0).content = address
    state.push("link_close", "a", -1)
    state.pos = start + len(address)
    return True


def _may_become_other(text: str, start: int, end: int) -> bool:
    """Whether an address in half-typed text may still grow, or turn out to be a link's label."""
    if end == len(text):
        return True
    in_label = text.rfind("[", 0, start) > text.rfind("]", 0, start)
    return in_label and bool(_REST_OF_LABEL.fullmatch(text, end))


def _without_punctuation(address: str) -> str:
    """An address without what belongs to the sentence around it: `(see https://a.b/c_(d)).`"""
    surplus = address.count(")") - address.count("(")
    end = len(address)
    while end and (address[end - 1] in ".,;:!?~_" or (address[end - 1] == ")" and surplus > 0)):
        surplus -= address[end - 1] == ")"
        end -= 1
    return address[:end]


def footnote_mark(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 — the parser's form
    """`[^1]`: a raised label, whether or not its note is written."""
    found = FOOTNOTE.match(state.src, state.pos, state.posMax)
    if found is None or state.src.startswith("(", found.end()):
        return False
    if not silent:
        state.push("footnote_mark", "", 0).meta = {"label": found[1]}
    state.pos = found.end()
    return True


CLOSERS: Final = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_DOLLAR = re.compile(r"(?:[^$\\]|\\.)*", re.DOTALL)


def formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 — the parser's form
    """`$…$`, `$$…$$`, `\\(…\\)` and `\\[…\\]` within a paragraph."""
    opener = state.src[state.pos : state.pos + 2]
    if opener[:1] == "$" != opener[1:]:
        opener = "$"
    if opener not in CLOSERS:
        return False
    start = state.pos + len(opener)
    end = _dollar_end(state, start) if opener == "$" else _closer(state, CLOSERS[opener], start)
    if end < 0 or not state.src[start:end].strip():
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content = state.src[start:end]
        token.markup = opener
        token.block = False
    state.pos = end + len(opener)
    return True


def _dollar_end(state: StateInline, start: int) -> int:
    """Where a single-dollar formula ends, or -1: prices are no formulas."""
    src, opener = state.src, start - 1
    found = _DOLLAR.match(src, start, state.posMax)
    end = found.end() if found else start
    if end >= state.posMax or src[end] != "$" or end == start:
        return -1
    word_before = opener > 0 and src[opener - 1].isalnum()
    digit_after = end + 1 < state.posMax and src[end + 1].isdigit()
    if src[start].isspace() or src[end - 1].isspace() or word_before or digit_after:
        return -1
    return end


def _closer(state: StateInline, closer: str, start: int) -> int:
    """Where the closer stands, or -1; a text that has none is searched once, not once an opener."""
    missing: dict[str, tuple[str, int]] = state.env.setdefault("missing", {})
    src, since = missing.get(closer, ("", 0))
    if src is state.src and since <= start:
        return -1
    end = state.src.find(closer, start, state.posMax)
    if end < 0 and state.posMax == len(state.src):
        missing[closer] = (state.src, start)
    return end


def formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """A formula on lines of its own, `$$…$$` or `\\[…\\]`: to its closer, or to the next gap.

    Without a closer before the next empty line the lines are a paragraph, formula marks and all.
    """
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    opener = first[:2]
    if opener not in ("$$", "\\[") or state.is_code_block(start) or first[:3] == "$$$":
        return False
    closer = CLOSERS[opener]
    if closer in first[2:] and not _ends_formula(first[2:], closer):
        return False  # text goes on after it: a paragraph with a formula in it
    if silent:
        return True
    closed, after = _formula_end(state, start, end, closer)
    text = state.getLines(start, after, state.blkIndent, keepLastLF=False).strip()
    if closed:
        token = state.push("formula", "", 0)
        token.content, token.markup, token.block = text[2:-2], opener, True
    else:
        token = state.push("paragraph_open", "p", 1)
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = text, [start, after], []
        state.push("paragraph_close", "p", -1)
    token.map = [start, after]
    state.line = after
    return True


def _formula_end(state: StateBlock, start: int, end: int, closer: str) -> tuple[bool, int]:
    """Whether the formula that opens on line `start` is closed, and the line after it."""
    text = state.src[state.bMarks[start] + state.tShift[start] + 2 : state.eMarks[start]]
    line, closed = start, _ends_formula(text, closer)
    unclosable = False
    while not closed:
        line += 1
        if line >= end or state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return False, line
        text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
        unclosable = unclosable or (closer in text and not _ends_formula(text, closer))
        closed = not unclosable and _ends_formula(text, closer)
    return True, line + 1


def _ends_formula(text: str, closer: str) -> bool:
    return text.find(closer) >= 0 and not text[text.find(closer) + 2 :].strip()


# Rows are filled up to the width of the table's head. 65,000 cells, as the library allows, are
# written with 2 kB and take a second.
MOST_EMPTY_CELLS: Final = 2_000
vars(import_module("markdown_it.rules_block.table"))["MAX_AUTOCOMPLETED_CELLS"] = MOST_EMPTY_CELLS


def _build_parser() -> MarkdownIt:
    options = {"html": False, "maxNesting": DEEPEST_BLOCK, "xhtmlOut": False}
    parser = MarkdownIt("commonmark", options, renderer_cls=Page)
    parser.enable(["table", "strikethrough"]).disable(["html_inline", "html_block"])
    parser.block.ruler.before("reference", "footnote", footnote_def, {"alt": _PARAGRAPH})
    parser.block.ruler.before("blockquote", "formula", formula_block, {"alt": _INTERRUPTS})
    parser.inline.ruler.before("escape", "formula", formula)
    parser.inline.ruler.before("link", "footnote_mark", footnote_mark)
    parser.inline.ruler.after("text", "bare_address", bare_address)
    parser.validateLink = safe_address  # type: ignore[method-assign, assignment]
    return parser


_PARAGRAPH: Final = ["paragraph", "reference"]
_INTERRUPTS: Final = ["paragraph", "reference", "blockquote", "list"]
_parser: Final = _build_parser()
