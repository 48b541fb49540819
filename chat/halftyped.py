"""Half-typed syntax at the end of growing Markdown, pure: where it begins, so that it is not shown.

`**bol`, `[label](https://exa`, `\\(x +`, the head of a table before the line under it: shown as
they are typed they would flash as stars and brackets, and turn into something else a moment
later. What never closes is shown after all: when its paragraph ends, or when it has grown long.
"""

from __future__ import annotations

import re
from typing import Final

# How many characters may wait for a closer, by what opened them: longer than models write them.
LONGEST: Final = {"*": 240, "_": 60, "~": 160, "`": 120, "$": 160, "\\": 400, "[": 600, "!": 600}
LONGEST_PRICE: Final = 24  # "$5 and" opens a formula as rarely as it closes one
LONGEST_LABEL: Final = 160
LONGEST_BLOCK: Final = 1_500  # of a formula, or of a table's head

_OPENER: Final = re.compile(r"\\.?|`+|\$\$?|\*+|_+|~+|!?\[|!\Z", re.DOTALL)
_MARKUP: Final = re.compile(r"[\\`$]|\*(?!\s)|(?<![^\W_])_|~~|!?\[")
_MARKUP_IN_TABLE: Final = re.compile(_MARKUP.pattern + r"|\|")
_MARKERS: Final = re.compile(r"(?:[-+*>#|\s]|\d{1,9}[.)]|\[[ xX]\])*")
_FENCE: Final = re.compile(r"^[ >]*(?:`{3}|~{3})", re.MULTILINE)
_GAP: Final = re.compile(r"\n[ \t]*\n")
_BOUNDARY: Final = re.compile(r"\n(?=[ \t]*(?:[-+*][ \t]|[>#|]|\d{1,9}[.)][ \t]))")
_BLOCK: Final = re.compile(r"(?:^|\n)[ \t]*(\$\$|\\\[)")
_HEAD: Final = re.compile(r"(?:^|\n)(\|[^\n]*(?:\n[ \t:|-]*)?)\Z")
_CLOSERS: Final = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_DOLLAR: Final = re.compile(r"(?:[^$\\]|\\.)*\$", re.DOTALL)


def half_typed(text: str, *, left: str, in_table: bool) -> int:
    """Where in `text` something begins that is not whole yet; its length where there is nothing.

    `text` begins outside of every span and of code. `left` is the character before it, "" or a
    newline at the start of a line; `in_table`: the block that it goes on is a table.
    """
    gap = _last_end(_GAP, text, 0)
    if _FENCE.search(text, gap):
        return len(text)
    held = min(_block_formula(text, gap, left), len(text) if in_table else _head(text, gap, left))
    at = _last_end(_BOUNDARY, text, gap)
    while at < held and (found := _OPENER.search(text, at)):
        before = text[found.start() - 1] if found.start() else left
        end = _end(text, found, before)
        if end is None and len(text) - found.start() <= _most(text, found):
            return min(held, _with_markers(text, found.start(), left))
        at = found.end() if end is None else end
    return held


def _with_markers(text: str, at: int, left: str) -> int:
    """The start of the line if there are only markers before `at`: no item without its words."""
    start = text.rfind("\n", 0, at) + 1
    is_known = start > 0 or left in ("", "\n")
    return start if is_known and _MARKERS.fullmatch(text, start, at) else at


def first_markup(text: str, *, in_table: bool) -> int:
    """Where a span, or a cell, may begin that only a drawing can show; the length for none."""
    found = (_MARKUP_IN_TABLE if in_table else _MARKUP).search(text)
    return found.start() if found else len(text)


def _last_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    return max((found.end() for found in pattern.finditer(text, start)), default=start)


def _block_formula(text: str, start: int, left: str) -> int:
    """Where a formula on lines of its own begins that has no closer yet."""
    found = _BLOCK.search(text, max(0, start - 1))
    if found is None or (not found.start() and left not in ("", "\n")):
        return len(text)
    if _CLOSERS[found[1]] in text[found.end() :]:
        return len(text)
    return found.start(1) if len(text) - found.start(1) <= LONGEST_BLOCK else len(text)


def _head(text: str, start: int, left: str) -> int:
    """Where the first row of a table begins, until the line under it tells that it is one."""
    found = _HEAD.search(text, max(0, start - 1))
    if found is None or (not found.start(1) and left not in ("", "\n")):
        return len(text)
    return found.start(1) if len(text) - found.start(1) <= LONGEST_BLOCK else len(text)


def _most(text: str, found: re.Match[str]) -> int:
    if found[0] == "$" and text[found.end() : found.end() + 1].isdigit():
        return LONGEST_PRICE
    if found[0][-1] == "[" and "](" not in text[found.end() :]:
        return LONGEST_LABEL
    return LONGEST["\\" if found[0] == "$$" else found[0][0]]


def _end(text: str, found: re.Match[str], left: str) -> int | None:
    """Where what opens here ends: its closer, or itself where it opens nothing. None: not yet."""
    mark, end = found[0], found.end()
    if end == len(text) and (mark == "\\" or mark[0] != "\\"):
        return None  # it may still grow, or it is not known what follows
    if mark in _CLOSERS:
        closer = text.find(_CLOSERS[mark], end)
        return None if closer < 0 else closer + 2
    match mark[0]:
        case "\\":
            return end
        case "`":
            closed = re.compile(rf"(?<!`){mark}(?!`)").search(text, end)
            return closed.end() if closed else None
        case "$":
            return _dollar_end(text, end, left)
        case "*" | "_" | "~":
            return _emphasis_end(text, found, left)
    return _link_end(text, end)


def _dollar_end(text: str, start: int, left: str) -> int | None:
    if left.isalnum() or text[start].isspace():
        return start
    found = _DOLLAR.match(text, start)
    if found is None:
        return None
    is_formula = not text[found.end() - 2].isspace() and not text[found.end() :][:1].isdigit()
    return found.end() if is_formula else start


def _emphasis_end(text: str, found: re.Match[str], left: str) -> int | None:
    mark, end = found[0], found.end()
    if text[end].isspace() or mark == "~" or (mark[0] == "_" and left.isalnum()):
        return end
    char = re.escape(mark[0])
    closed = re.compile(rf"(?<=[^\s{char}]){char}{{{len(mark)},}}").search(text, end)
    return closed.end() if closed else None


def _link_end(text: str, start: int) -> int | None:
    """After `[label]`, or after `[label](target)`; brackets may stand in both, in pairs."""
    label = _matching(text, start, "[", "]")
    if label is None or label == len(text):
        return None
    return _matching(text, label + 1, "(", ")") if text[label] == "(" else label


def _matching(text: str, start: int, opener: str, closer: str) -> int | None:
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == opener) - (text[at] == closer)
        if not depth:
            return at + 1
    return None
