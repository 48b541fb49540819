"""A long list or table that still grows, pure: only its last item or row is drawn again.

For the open block only, which is drawn for a moment: each piece is parsed on its own, so a link
that another item defines is text until the block closes and is drawn as one.
"""

import re
from collections import ChainMap
from dataclasses import dataclass
from typing import Final

from chat.dialect import References, draw, parse_blocks
from chat.sanitiser import clean

LISTS: Final = {"bullet_list_close", "ordered_list_close"}
TABLE: Final = "table_close"
IN_PIECES: Final = {*LISTS, TABLE}
_FIRST_ITEM = re.compile(r"([-+*]|\d{1,9}([.)]))[ \t]")
_LIST_TAG = re.compile(r'<[uo]l(?: start="\d+")?>\n')


@dataclass(frozen=True, slots=True)
class Piece:
    html: str
    withheld: bool  # an address at its end is not a link yet
    is_loose: bool  # it has an item with paragraphs


class LongBlock:
    """What was drawn of one open block: all its pieces but the last, which may still change."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[str, bool], Piece] = {}

    def draw(
        self, text: str, kind: str, links: References, *, cut: bool
    ) -> tuple[str, bool, int] | None:
        """HTML of the block, whether an address was withheld, and how many characters were parsed.

        `kind` is the type of the token that ends the block. None when this way does not fit it.
        """
        if kind in LISTS:
            return self._draw_list(text, links, cut=cut)
        return self._draw_table(text, links, cut=cut) if kind == TABLE else None

    def _draw_list(
        self, text: str, links: References, *, cut: bool
    ) -> tuple[str, bool, int] | None:
        *items, end = _items(text)
        if not items:
            return None
        fresh = sum(len(item) for item in items if (item, False) not in self._drawn)
        pieces = [self._piece(item, links) for item in items]
        last = _drawn(end, links, cut=cut)
        gap = any(item.endswith("\n\n") for item in items)
        if gap or last.is_loose or any(piece.is_loose for piece in pieces):
            pieces = [self._piece(item, links, loose=True) for item in items]
            last = _drawn(end, links, loose=True, cut=cut)
        html = _joined([*(piece.html for piece in pieces), last.html])
        return html, last.withheld, fresh + len(end)

    def _draw_table(
        self, text: str, links: References, *, cut: bool
    ) -> tuple[str, bool, int] | None:
        lines = text.splitlines(keepends=True)
        head, rows = "".join(lines[:2]), lines[2:]
        if len(rows) < 2:
            return None
        fresh = sum(len(row) for row in rows if (head + row, False) not in self._drawn)
        last = _drawn(head + rows[-1], links, cut=cut)
        pieces = [*(self._piece(head + row, links) for row in rows[:-1]), last]
        split = [re.split(r"<tbody>\n|</tbody>", piece.html) for piece in pieces]
        if any(len(parts) != 3 for parts in split):
            return None  # a line that is no row: the table has ended
        body = "".join(parts[1] for parts in split)
        return f"{split[0][0]}<tbody>\n{body}</tbody>{split[0][2]}", last.withheld, fresh

    def _piece(self, text: str, links: References, *, loose: bool = False) -> Piece:
        key = (text, loose)
        if key not in self._drawn:
            self._drawn[key] = _drawn(text, links, loose=loose)
        return self._drawn[key]


def _items(text: str) -> list[str]:
    """The top-level items of a list that begins at the left, each with what hangs under it."""
    first = _FIRST_ITEM.match(text)
    if first is None:
        return [text]
    marker = rf"\d{{1,9}}{re.escape(first[2])}" if first[2] else re.escape(first[1])
    starts = [item.start() for item in re.finditer(rf"^{marker}[ \t]+\S", text, re.MULTILINE)]
    return [
        text[begin:end] for begin, end in zip([0, *starts[1:]], [*starts[1:], None], strict=True)
    ]


def _drawn(text: str, links: References, *, loose: bool = False, cut: bool = False) -> Piece:
    """A piece as a document of its own. `loose`: its items have paragraphs, as others have."""
    blocks = parse_blocks(text if text.endswith("\n") else f"{text}\n", links, cut=cut)
    texts = [token for token in blocks.tokens if token.level == 2 and token.tag == "p"]
    is_loose = any(not token.hidden for token in texts)
    for token in texts:
        token.hidden = token.hidden and not loose
    html, withheld = draw(blocks.tokens, ChainMap(blocks.links, links), growing=True, cut=cut)
    return Piece(clean(html), withheld, is_loose)


def _joined(pieces: list[str]) -> str:
    """One list of many, each drawn as a list of its own."""
    whole = [pieces[0]]
    for piece in pieces[1:]:
        tag = _LIST_TAG.match(piece)
        if tag and whole[-1].endswith(("</ul>\n", "</ol>\n")):
            whole[-1] = whole[-1][: -len("</ul>\n")]
            whole.append(piece[tag.end() :])
        else:
            whole.append(piece)
    return "".join(whole)
