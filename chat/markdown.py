"""Markdown on the page, pure: a whole answer at once, or stroke by stroke while it is written.

The way of `Drawing`: the answer is cut into top-level blocks. A block that a complete line has
ended is final; it is drawn once and never touched again. Only the source of the last block, the
open one, is kept. It is drawn again when markup came, at most four times a second, less often
when that is dear; between two drawings its text goes to the page as plain text, into the tail.

    source  =  closed blocks  +  open block, as last drawn  +  tail  +  held back
    page    =  closed_html    +  open_html, with the tail text in its tail element

Held back is a line whose meaning is not known yet (`-`, `1.`, three backticks), and what is half
typed (`**bol`, see chat.halftyped), so that it is not shown raw for a moment. What all strokes
draw together is `render` of the whole, with one exception: a link whose definition (`[label]:
https://…`) comes in a later block is text until then. So the answer is rendered once more as a
whole when it has ended, and that is stored.
"""

import re
from collections import ChainMap
from dataclasses import dataclass
from html import escape
from typing import Final

from markdown_it.token import Token

from chat.dialect import Blocks, References, draw, parse_blocks
from chat.halftyped import first_markup, half_typed
from chat.longblock import IN_PIECES, LISTS, TABLE, LongBlock
from chat.page import is_closed
from chat.sanitiser import clean
from chat.source import Source

REDRAW_EVERY_S: Final = 0.25
LONGEST_WAIT_S: Final = 0.5  # a new line is held back for the next drawing if that comes sooner
REST_PER_WORK: Final = 10  # work of 1 ms is followed by 10 ms without
PARSE_S_PER_CHAR: Final = 2e-6  # all on the dear side of what tests/bench_markdown.py measures
DRAW_S_PER_CHAR: Final = 2e-6
GROWTH: Final = 1.25  # a long block is parsed anew when it is longer by this
SHORT_CHARS: Final = 400  # drawn as a whole
CHEAP_CHARS: Final = 2_000  # parsed at every line end, whatever the clock says
BYTES_PER_S: Final = 40_000  # what drawings of one long block may send to each tab
DRAW_S_PER_BRACKET: Final = 15e-6  # each may begin a link
# An open block beyond these grows as plain text until it closes. About 20 ms, and 56 kB to send.
LONGEST_REDRAWN: Final = 12_000
LONGEST_IN_PIECES: Final = 40_000
LONGEST_HELD: Final = 2_000
ANY_TIME: Final = float("-inf")

_MARKUP = re.compile(r"[*_`~\])>|$\\;\n]|://")
# A line so far of markers and space only, or a fence's first line, or a link definition.
_UNDECIDED = re.compile(
    r"[-+*_=#>|:.)(\s~`$\\\[\]\d xX]*"
    r"|(?:[-+*>\s]|\d{1,9}[.)])*(?:`{3,}[^`]*|~{3,}.*|\[(?!\^)[^\]]*(?:\](?::.*)?)?)"
)
_MARKER = re.compile(r"\s*(?:[-+*>#|]|\d{1,9}[.)])")
_NEW_STRUCTURE = re.compile(r"^[ \t]*(?:[-+*>#|]|\d{1,9}[.)]|```|~~~|\$\$|\\\[|\n)", re.MULTILINE)
_NEW_BLOCK = re.compile(r"#{1,6}[ \t]|```|~~~|\$\$|\\\[|---|\*\*\*")
_FINAL_AT_ONCE = {"hr", "heading_close", "formula"}
_FINAL_AFTER_BLANK = {"paragraph_close", "table_close", "blockquote_close"}
_CODE_ENDS = ("</code></pre></figure>", "</code></pre>")
_EMPTY_CELL = re.compile(r"<td[^>]*></td>")
_BLOCKS = "p li ul ol blockquote td th tr tbody thead table div h1 h2 h3 h4 h5 h6"
_BLOCK_ENDS = tuple(f"</{tag}>" for tag in _BLOCKS.split())


def render(source: str) -> str:
    """The canonical HTML of a whole text: safe, with formulas drawn and code coloured.

    Raw HTML in it is shown as text. Formulas carry their source in `alttext`.
    """
    whole = Source()
    whole.take(source)
    whole.end_line()
    blocks = parse_blocks(whole.text, {})
    return clean(draw(blocks.tokens, blocks.links)[0])


@dataclass(frozen=True, slots=True)
class Stroke:
    """What a page does to follow: three steps, in this order, each left out when empty."""

    closed_html: str  # append it to the closed part
    open_html: str | None  # replace the open part by it; it holds exactly one, empty tail
    tail_text: str  # append this plain text, not escaped, to the tail


class Drawing:
    """One answer while it grows. `feed` it what came; each stroke is all that is new on the page.

    `tail_html` is one empty element (`<span id="m42-tail"></span>`), ours and not sanitised. A
    page begins with nothing closed and `tail_html` as its open part.
    """

    def __init__(self, tail_html: str) -> None:
        self._tail_html = tail_html
        self._closed: list[str] = []
        self._links: References = {}  # defined in closed blocks
        self._open = Source()
        self._read = 0  # lines of the open source that were read for a sign of its end
        self._may_have_ended = False  # there was one
        self._parsed_chars = 0  # of complete lines, when they were last parsed for closing
        self._open_kind = ""  # type of the token that ended the open source then
        self._pieces = LongBlock()
        self._fence_end: re.Pattern[str] | None = None  # what would end it, while in a fence
        self._around_tail = ("", "")
        self._tail: list[str] = []
        self._held = ""
        self._left = ""  # the last character of the open source that the page shows
        self._is_drawn = False  # the page shows a part of the open block
        self._is_stale = False  # the open block wants another drawing
        self._next_draw_s = self._next_look_s = ANY_TIME

    def feed(self, text: str, now_s: float) -> Stroke:
        """Take more of the answer, in any slices; `now_s` is any clock that does not go back.

        An empty text asks for what is due: held back, or left undrawn for the sake of rest.
        """
        fresh = self._held + self._open.take(text)
        closed_html = self._close(now_s) if self._may_close(now_s) else ""
        undecided = self._undecided(fresh)
        shown = self._shown(fresh[: len(fresh) - len(undecided)], now_s)
        if closed_html or self._must_draw(undecided, now_s):
            self._held = undecided
            return Stroke(closed_html, *self._draw(now_s))
        tail_text, self._held = fresh[:shown], fresh[shown:]
        if tail_text:
            self._tail.append(tail_text)
            self._left = tail_text[-1]
            self._is_stale = self._is_stale or bool(_MARKUP.search(tail_text))
        return Stroke("", None, tail_text)

    def finish(self) -> Stroke:
        """The answer has ended: what is open is closed, and nothing may be fed any more."""
        self._open.end_line()
        blocks = parse_blocks(self._open.text, self._links)
        html = clean(draw(blocks.tokens, ChainMap(blocks.links, self._links))[0])
        self._closed.append(html)
        self._forget(len(self._open.lines))
        self._held = ""
        return Stroke(html, *self._draw(0.0))

    @property
    def is_waiting(self) -> bool:
        """Whether `feed("", later)` may show more than the page does now."""
        return bool(self._held) or (self._is_stale and self._fence_end is None)

    @property
    def closed_html(self) -> str:
        """All blocks that are final, joined."""
        if len(self._closed) > 1:
            self._closed = ["".join(self._closed)]
        return self._closed[0] if self._closed else ""

    @property
    def open_html(self) -> str:
        """The open part as a follower has it after all strokes so far, tail text included."""
        before, after = self._around_tail
        opening, end, closing = self._tail_html.rpartition("</")
        text = escape("".join(self._tail), quote=False)
        return f"{before}{opening}{text}{end}{closing}{after}"

    def snapshot(self) -> tuple[str, str]:
        """What a follower has who took every stroke so far: (closed part, open part).

        Whoever starts from it takes the strokes that come after it.
        """
        return self.closed_html, self.open_html

    # --- Closing ---

    def _may_close(self, now_s: float) -> bool:
        """Whether to look if the new lines end the open block: often, but never too dear."""
        chars, lines, begin = self._open.chars, self._open.lines, self._read
        self._read = len(lines)
        if self._fence_end is not None:
            return any(self._fence_end.fullmatch(line) for line in lines[begin:])
        if chars == self._parsed_chars:
            return False
        if chars <= CHEAP_CHARS:
            return True
        ended = any(
            self._ends_block(lines[at - 1 : at + 1]) for at in range(max(1, begin), self._read)
        )
        self._may_have_ended = self._may_have_ended or ended
        grown = chars > self._parsed_chars * GROWTH
        return now_s >= self._next_look_s and (grown or self._may_have_ended)

    def _ends_block(self, lines: list[str]) -> bool:
        """A guess from two lines, for a block too long to be parsed at each of them."""
        before, line = lines
        if self._open_kind not in LISTS and not line.strip():
            return True
        after_gap = not before.strip() and not line[0].isspace() and not _MARKER.match(line)
        return after_gap or bool(_NEW_BLOCK.match(line))

    def _close(self, now_s: float) -> str:
        """HTML of the blocks that the complete lines have ended; they leave the open source."""
        source = self._open
        self._parsed_chars, self._may_have_ended = source.chars, False
        self._next_look_s = now_s + REST_PER_WORK * PARSE_S_PER_CHAR * source.chars
        blocks = parse_blocks("".join(source.lines), self._links)
        tokens = blocks.tokens
        first_open, line = _first_open(blocks, source.lines)
        self._open_kind = tokens[-1].type if first_open < len(tokens) else ""
        self._fence_end = _end_of(tokens[-1]) if self._open_kind == "fence" else None
        if not line:
            return ""
        html = clean(
            draw(tokens[:first_open], ChainMap(blocks.links, self._links), growing=True)[0]
        )
        for label, link in blocks.links.items():
            if link["map"][1] <= line:
                self._links.setdefault(label, link)
        self._forget(line)
        if html:
            self._closed.append(html)
        return html

    def _forget(self, lines: int) -> None:
        """The first lines of the open source are closed."""
        self._open.drop(lines)
        self._read, self._parsed_chars = len(self._open.lines), self._open.chars
        self._pieces = LongBlock()
        self._is_drawn = False
        self._next_draw_s = self._next_look_s = ANY_TIME

    # --- What may be shown ---

    def _undecided(self, fresh: str) -> str:
        """The end of `fresh` that is half typed, or a line of which nothing can be said yet."""
        line = self._undecided_line(fresh)
        mine = fresh[max(0, len(fresh) - self._open.all_chars) :]
        if self._fence_end is not None or not mine:
            return line
        left = self._left if len(mine) == len(fresh) else ""
        decided = mine[: len(mine) - len(line)]
        return mine[half_typed(decided, left=left, in_table=self._open_kind == TABLE) :]

    def _undecided_line(self, fresh: str) -> str:
        """The last line, as long as nothing of it is shown and nothing can be said of it."""
        line = fresh[fresh.rfind("\n") + 1 :]
        if not line or len(line) > LONGEST_HELD or len(line) < self._open.line_chars:
            return ""
        pattern = _UNDECIDED if self._fence_end is None else _UNDECIDED_IN_FENCE
        return line if pattern.fullmatch(line) else ""

    def _shown(self, fresh: str, now_s: float) -> int:
        """How much of `fresh` is plain text: up to a span, item, row or block, which a drawing
        will soon show."""
        in_fence = self._fence_end is not None
        if not self._is_drawn or in_fence or self._is_too_long() or len(fresh) > LONGEST_HELD:
            return len(fresh)
        found = _NEW_STRUCTURE.search(fresh, 1 if self._left not in ("", "\n") else 0)
        markup = first_markup(fresh, in_table=self._open_kind == TABLE)
        plain = min(markup, found.start() if found else len(fresh))
        self._is_stale = self._is_stale or plain < len(fresh)
        return plain if self._next_draw_s - now_s <= LONGEST_WAIT_S else len(fresh)

    def _must_draw(self, undecided: str, now_s: float) -> bool:
        if now_s < self._next_draw_s:
            return False
        if not self._is_drawn:
            return self._open.all_chars > len(undecided)
        return self._is_stale and self._fence_end is None and not self._is_too_long()

    def _is_too_long(self) -> bool:
        limit = LONGEST_IN_PIECES if self._open_kind in IN_PIECES else LONGEST_REDRAWN
        return self._open.all_chars > limit

    # --- Drawing the open block ---

    def _draw(self, now_s: float) -> tuple[str, str]:
        """The open part drawn anew, and the text with which its tail begins."""
        text = self._open.text[: self._open.all_chars - len(self._held)]
        cut = bool(text) and not text.endswith("\n")
        html, withheld, work_s = self._drawn_open(text, cut=cut)
        before, after = _split_at_tail(html, new_cell=text.rstrip().endswith("|"))
        gap = text[len(text.rstrip()) :] if before else ""
        if after.startswith(_CODE_ENDS):
            gap = ""
            before = before.removesuffix("\n") if cut else before
        self._around_tail, self._tail = (before, after), [gap]
        self._is_drawn = bool(before) or len(text) > LONGEST_REDRAWN
        self._left, self._is_stale = text[-1:], withheld
        rest_s = max(REST_PER_WORK * work_s, len(html) / BYTES_PER_S)
        if before or len(text) > CHEAP_CHARS:
            self._next_draw_s = now_s + max(REDRAW_EVERY_S, rest_s)
        return f"{before}{self._tail_html}{after}", gap

    def _drawn_open(self, text: str, *, cut: bool) -> tuple[str, bool, float]:
        """HTML, whether an address was withheld, and about how long this takes, in seconds."""
        if not text:
            return "", False, 0.0
        if len(text) > SHORT_CHARS and not self._may_have_ended:
            drawn = self._pieces.draw(text, self._open_kind, self._links, cut=cut)
            if drawn is not None:
                html, withheld, parsed_chars = drawn
                return html, withheld, DRAW_S_PER_CHAR * parsed_chars
        blocks = parse_blocks(text + "\n" if cut else text, self._links, cut=cut)
        links = ChainMap(blocks.links, self._links)
        html, withheld = draw(blocks.tokens, links, growing=True, cut=cut)
        work_s = DRAW_S_PER_CHAR * len(text) + DRAW_S_PER_BRACKET * text.count("[")
        return clean(html), withheld, work_s


def _first_open(blocks: Blocks, lines: list[str]) -> tuple[int, int]:
    """The first token of the block that is still open, and the line it begins on."""
    tokens = blocks.tokens
    tops = [i for i, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0]
    if not tops:  # empty lines, or link definitions, whose title may follow on the next line
        return 0, blocks.last_definition if lines[-1].strip() else len(lines)
    first, end = tokens[tops[-1]].map or (0, 0)
    if not _is_final(tokens[-1], lines, end):
        return tops[-1], first
    while end < len(lines) and not lines[end].strip():
        end += 1
    return len(tokens), end


def _is_final(last: Token, lines: list[str], end: int) -> bool:
    """Whether nothing that follows can change the last block, which ends before line `end`."""
    if last.type in _FINAL_AT_ONCE or (last.type == "fence" and is_closed(last)):
        return True
    if any(line.strip() for line in lines[end:]):  # a link definition, which has no token
        return True
    blank = not lines[end - 1].strip() or end < len(lines)
    return blank and last.type in _FINAL_AFTER_BLANK


def _end_of(fence: Token) -> re.Pattern[str]:
    mark = re.escape(fence.markup[0])
    return re.compile(rf" {{0,3}}{mark}{{{len(fence.markup)},}}[ \t]*\n")


_UNDECIDED_IN_FENCE = re.compile(r" {0,3}(?:`*|~*)[ \t]*")


def _split_at_tail(html: str, *, new_cell: bool) -> tuple[str, str]:
    """The HTML before and after the place where its text would go on.

    That is the end of the last block that holds text: of the item, the code, the cell. A table
    row that is half typed ends in empty cells; with `new_cell` the text goes into the first.
    """
    end = len(html)
    while True:
        end = _without_space(html, end)
        for code_end in _CODE_ENDS:
            if html.endswith(code_end, 0, end):
                return html[: end - len(code_end)], html[end - len(code_end) :]
        if not html.endswith(_BLOCK_ENDS, 0, end):
            return html[:end], html[end:]
        cell = _empty_cell(html, end)
        if cell is None:
            end = html.rfind("</", 0, end)
            continue
        before = _without_space(html, cell)
        is_first = html.endswith("</td>", 0, before) and _empty_cell(html, before) is None
        if (new_cell and is_first) or not html.endswith("</td>", 0, before):
            return html[: end - 5], html[end - 5 :]
        end = before


def _empty_cell(html: str, end: int) -> int | None:
    """Where the empty cell begins that ends here, if there is one."""
    cell = _EMPTY_CELL.fullmatch(html, html.rfind("<", 0, max(0, end - 5)), end)
    return cell.start() if cell else None


def _without_space(html: str, end: int) -> int:
    while html[end - 1 : end].isspace():
        end -= 1
    return end
