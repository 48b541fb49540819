"""Properties of drawing in strokes: nothing lost, nothing doubled, the same as drawing it whole."""

import re
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from chat.dialect import draw as draw_blocks
from chat.dialect import parse_blocks
from chat.longblock import LISTS, LongBlock
from chat.markdown import Drawing, render
from chat.sanitiser import clean
from tests.chat.markdown_follower import TAIL, Follower, Page, drawn

WORD = re.compile(r"w\d+e")
FUZZ = settings(derandomize=True, deadline=None, max_examples=100, database=None)


@dataclass
class Document:
    """Markdown in which each word is written once, and only where a reader will see it."""

    text: str = ""
    words: int = 0
    labels: list[str] = field(default_factory=list)

    def word(self) -> str:
        self.words += 1
        return f"w{self.words - 1}e"

    def fill(self, pattern: str) -> str:
        return re.sub("W", lambda _: self.word(), pattern)


INLINE = [
    "W", "W W", "**W** W", "*W* W W", "***W***", "~~W~~ W", "`W`", "``W ` W``", "W_W_", "W **W",
    "[W](https://a.b/c)", "[W *W*](https://a.b 'x') W", "<https://a.b/>W", "https://a.b/c_(d)). W",
    "![W](https://a.b/i.png)", "![W](data:image/png;base64,AAAA)W", "W $x^2$ W", "\\(y\\) W",
    "$$z$$", "W costs $5 and W $10", "W  \nW", "W\\\nW", "W\nW", "&amp; W &lt;W", "\\*W\\* W",
    "<b onclick=x>W</b>", "<!-- W -->", "W[^1]", "[W](javascript:x)", "[W][none]", "W | W",
    "é W 😀", "[W](/relative)", "W\ttab W", "\u200eW\u00a0W", "(https://a.b/c) W", "W [", "W ](",
    "W `",
]  # fmt: skip
BLOCKS = [
    "I\n\n", "I\n", "I I I\n\n", "# I\n", "## I ##\n\n", "I\n---\n", "I\n===\n\n", "---\n",
    "***\n\n", "- I\n- I\n", "- I\n\n- I\n\n", "* I\n  I\n\n", "1. I\n2. I\n   - I\n   - I\n",
    "7) I\n\n   I\n", "- [ ] I\n- [x] I\n", "- I\n  - I\n    - I\n", "> I\n> I\n\n", "> I\nI\n",
    "> - I\n> - I\n>\n> I\n\n", "```py\nW = W\n\n  W\n```\n", "~~~\nW\n~~~\n\n",
    "````\n```\nW\n```\n````\n", "```\nW\n", "- I\n\n  ```sh\n  W\n  ```\n\n- I\n",
    "    W\n    W\n\n", "- I\n\n      W\n\n", "\tW\n\n",
    "| W | W |\n|---|:-:|\n| W | W |\n| W | W |\n\n", "W | W\n--|--\nW | W\n", "|W|\n|-|\nW\n\n",
    "$$\nx\n- y\n$$\n", "\\[ x \\]\n\n", "$$ W\n\n", "- I\n  $$x$$\n", "[^1]: I\n    I\n\n",
    "[^n]: I\nI\n\n", "\n", "\n\n\n", "<div>\nI\n</div>\n\n", "<!--\nI\n\n-->\n", "D\n", "L W\n\n",
    "- L W\n", "+\n  I\n", "1.\n\n   I\n", "-\n\n", "#\n", ">\n", "I\r\n\r\n", "- I\r\n- I\r\n",
    "I\r\r", "W\n```\nW\n```\n", "W\n- I\n", "W\n1. I\n", "W\n> I\n", "W\n# I\n", "- I\n# I\n",
    "- I\n***\n", "- I\nI\n\nI\n\n", "  - I\n - I\n- I\n\n", "- I\n* I\n+ I\n", "1. I\n1) I\n",
    "> ```\n> W\n\nI\n\n", "- ```\n  W\nI\n\n",
]  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> Document:
    document, parts = Document(), []
    for pattern in draw(st.lists(st.sampled_from(BLOCKS), max_size=12)):
        block = re.sub("I", lambda _: draw(st.sampled_from(INLINE)), pattern)
        if "D" in block:
            document.labels.append(f"label{len(document.labels)}")
            block = block.replace("D", f"[{document.labels[-1]}]: https://a.b '<t>'")
        known = draw(st.sampled_from(document.labels or ["unknown"]))
        parts.append(document.fill(block.replace("L ", f"[x][{known}] ")))
    document.text = "".join(parts)
    return document


@st.composite
def long_lists(draw: st.DrawFn) -> Document:
    """A list of many items at the left; a link in one is not defined in another."""
    document, marker = Document(), draw(st.sampled_from(["- ", "* ", "1. ", "2) "]))
    inline = st.sampled_from([scrap for scrap in INLINE if scrap != "$$z$$"])
    under = st.sampled_from(["", "", "\n", "   - W\n", "   - W\n     - W\n", "\n   W\n", "W\n"])
    code = st.sampled_from(["", "", "   ```py\n   W\n   ```\n", "\n   | W |\n   |---|\n   | W |\n"])
    for _ in range(draw(st.integers(2, 15))):
        item = draw(inline).replace("\n", "\n   ")
        document.text += document.fill(f"{marker}{item}\n{draw(under)}{draw(code)}")
    return document


@st.composite
def long_tables(draw: st.DrawFn) -> Document:
    document = Document()
    inline = st.sampled_from([scrap for scrap in INLINE if not {"|", "\n"} & set(scrap)])
    document.text = document.fill("| W | W |\n|---|--:|\n")
    for _ in range(draw(st.integers(2, 20))):
        document.text += document.fill(f"| {draw(inline)} | {draw(inline)} |\n")
    document.text += document.fill(draw(st.sampled_from(["", "W\n", "\nW\n", "- W\n", "# W\n"])))
    return document


@st.composite
def slicings(draw: st.DrawFn, text: str) -> list[str]:
    sizes = st.integers(1, 12) if draw(st.booleans()) else st.integers(1, 120)
    pieces = []
    while text:
        size = draw(sizes)
        pieces.append(text[:size])
        text = text[size:]
    return pieces


SCRAPS = [
    "a", "b", "\n", "\n\n", "\t", "*", "**", "_", "`", "```", "~~~", "#", "-", "+", "1.", ">", "|",
    "---", "===", "[", "]", "(", ")", "](", "!", "<", "$", "$$", "\\", "\\(", "\\[", "\\]", "&",
    ";", "https://a.b", "[^1]", "[^1]: ", ": ", "x", "é", "😀", "\r", "\r\n", "\\*", "{", " ", "  ",
    "    ", "- ", "> ", "\n- ", "\n  ", "| a | b |\n", "|---|---|\n", "\n> ", "[x] ", "1. ",
]  # fmt: skip
JUNK = st.lists(st.sampled_from(SCRAPS), max_size=60).map("".join)
STEPS = st.sampled_from([0.0, 0.01, 0.05, 0.3])


@FUZZ
@given(st.data(), documents() | long_lists() | long_tables(), STEPS)
def test_strokes_draw_what_render_draws(
    data: st.DataObject, document: Document, step: float
) -> None:
    closed, _ = drawn(data.draw(slicings(document.text)), step)
    assert closed == render(document.text)


@FUZZ
@given(st.data(), JUNK, STEPS)
def test_strokes_draw_junk_as_render_does(data: st.DataObject, text: str, step: float) -> None:
    closed, _ = drawn(data.draw(slicings(text)), step)
    assert closed == render(text)


@FUZZ
@given(st.data(), documents() | JUNK.map(Document), STEPS)
def test_a_follower_and_a_snapshot_agree_at_every_step(
    data: st.DataObject, document: Document, step: float
) -> None:
    drawing, follower = Drawing(TAIL), Follower()
    for turn, piece in enumerate(data.draw(slicings(document.text))):
        follower.apply(drawing.feed(piece, turn * step))
        assert (follower.closed, follower.opened) == drawing.snapshot()
        assert (drawing.closed_html, drawing.open_html) == drawing.snapshot()
    follower.apply(drawing.finish())
    assert (follower.closed, follower.opened) == drawing.snapshot()
    assert follower.opened == TAIL


@FUZZ
@given(long_lists())
def test_a_long_list_in_pieces_looks_as_it_does_as_a_whole(document: Document) -> None:
    blocks = parse_blocks(document.text, {})
    kind = blocks.tokens[-1].type
    in_pieces = LongBlock().draw(document.text, kind, {}, cut=False)
    assert kind in LISTS
    assert in_pieces is not None
    assert in_pieces[0] == clean(draw_blocks(blocks.tokens, {}, growing=True)[0])


@FUZZ
@given(st.data(), documents() | long_lists() | long_tables(), STEPS)
def test_no_word_is_lost_or_doubled_or_out_of_place(
    data: st.DataObject, document: Document, step: float
) -> None:
    drawing, fed = Drawing(TAIL), ""
    for turn, piece in enumerate(data.draw(slicings(document.text))):
        drawing.feed(piece, turn * step)
        fed += piece
        lines = fed.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        shown = lines.removesuffix(drawing._held)
        assert WORD.findall(Page("".join(drawing.snapshot())).text) == WORD.findall(shown)
    drawing.finish()
    assert len(WORD.findall(Page(drawing.closed_html).text)) == document.words
