"""What the tests of drawing share: a browser in miniature, and a reader of what it shows."""

from collections.abc import Iterable, Iterator
from html import escape
from html.parser import HTMLParser

from chat.markdown import Drawing, Stroke

TAIL = '<span id="m42-tail"></span>'
VOID = {"br", "hr", "img", "input"}


class Follower:
    """A page that applies strokes in order, as the script and HTMX do in a tab."""

    def __init__(self, closed: str = "", opened: str = TAIL) -> None:
        self.closed, self._open, self._tail = closed, opened, ""

    def apply(self, stroke: Stroke) -> None:
        self.closed += stroke.closed_html
        if stroke.open_html is not None:
            assert stroke.open_html.count(TAIL) == 1, stroke.open_html
            self._open, self._tail = stroke.open_html, ""
        self._tail += stroke.tail_text

    @property
    def opened(self) -> str:
        filled = TAIL.replace("></", f">{escape(self._tail, quote=False)}</")
        return self._open.replace(TAIL, filled)


class Page(HTMLParser):
    """The text that a reader sees, and every element with its attributes; tags must match."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.odd: list[str] = []  # comments, declarations, processing instructions
        self._inside: list[str] = []
        self.feed(html)
        self.close()
        assert not self._inside, f"left open: {self._inside}"

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag == "img":
            self.pieces.append(dict(attrs).get("alt") or "")
        if tag not in VOID:
            self._inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.odd.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if "figcaption" not in self._inside:
            self.pieces.append(data)

    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    def handle_decl(self, decl: str) -> None:
        self.odd.append(decl)

    def handle_pi(self, data: str) -> None:
        self.odd.append(data)

    def unknown_decl(self, data: str) -> None:
        self.odd.append(data)


def cut(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def drawn(pieces: Iterable[str], step_s: float = 0.05) -> tuple[str, list[Stroke]]:
    """All blocks of an answer that came in these pieces, and the strokes that drew them."""
    drawing, follower = Drawing(TAIL), Follower()
    strokes = [drawing.feed(piece, step * step_s) for step, piece in enumerate(pieces)]
    strokes.append(drawing.finish())
    for stroke in strokes:
        follower.apply(stroke)
    assert follower.opened == TAIL
    return follower.closed, strokes
