"""What is half typed is not shown until it is whole, or has grown too long to wait for."""

from __future__ import annotations

import re
from html import unescape

import pytest

from chat.halftyped import half_typed
from chat.markdown import Drawing

TAIL = '<span id="tail"></span>'
TICK_S = 0.045


def frames(source: str, size: int = 3) -> list[str]:
    """What a reader sees of an answer outside of code, at every frame while it comes."""
    drawing, seen = Drawing(TAIL), []
    for number, start in enumerate(range(0, len(source), size)):
        drawing.feed(source[start : start + size], number * TICK_S)
        html = re.sub(r"<(pre|annotation)\b.*?</\1>", "", "".join(drawing.snapshot()), flags=re.S)
        seen.append(unescape(re.sub(r"<[^>]+>", "", html)))
    return seen


@pytest.mark.parametrize(
    ("source", "raw"),
    [
        ("It is **quite bold** here.", r"\*"),
        ("It is *slanted* and ***both*** here.", r"\*"),
        ("It is _slanted_ here.", "_"),
        ("Call `run()` and ``a ` b`` now.", "`[^ ]|``"),
        ("See [the handbook](https://example.org/a_(b)) there.", r"\[|\]|\("),
        ("An ![image](https://example.org/a.png) there.", r"\[|\]|!"),
        ("Now ~~hurry~~ wait.", "~"),
        ("With $x^2 + y$ and \\(a_1\\) as well.", r"\$|\\|\^"),
        ("Over:\n\n$$\n\\sum_k k\n+ 1\n$$\n\nDone.", r"\$|\\"),
        ("Over:\n\n\\[\n\\sum_k k\n\\]\n\nDone.", r"\[|\\"),
        ("So:\n\n| a | **b** |\n|---|:--|\n| c | `d` |\n\nDone.", r"\||--|\*|`"),
        ("So:\n| a | b |\n|---|---|\n| c | d |\n\nDone.", r"\||--"),
        ("- [x] done\n- [ ] **to do**\n1. `code`\n", r"\[|\*|`"),
        ("# One **two**\n\n> *three*\n", r"#|\*|>"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_syntax_is_never_seen(source: str, raw: str, size: int) -> None:
    seen = frames(source, size)
    flashes = [text for text in seen if re.search(raw, text)]
    assert not flashes, flashes[0]


@pytest.mark.parametrize(
    "source",
    ["It costs $5 and then $6 each, ", "2 * 3 * 4 is 24, ", "snake_case_name and another, "],
)
def test_what_is_no_syntax_does_not_hold_the_text_up(source: str) -> None:
    seen = frames(source + "and so it goes on for a while", 4)
    assert source.split()[0] in seen[3]
    assert "goes on" in seen[-1]


@pytest.mark.parametrize("opener", ["**", "*", "_", "`", "$", "\\(", "[", "[a](", "~~", "$$"])
def test_what_never_closes_is_shown_after_all(opener: str) -> None:
    source = f"It {opener}never closes " + "and goes on and on " * 40
    assert "never closes" in frames(source, 9)[-1]
    ended = f"It {opener}never closes\n\nThe next one is "
    assert "never closes" in frames(ended, 9)[-1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("a **b", "a "),
        ("a **b** c", "a **b** c"),
        ("a **b** `c", "a **b** "),
        ("a\n\n| b |", "a\n\n"),
        ("a `b\n- c", "a `b\n- c"),  # the item ends the paragraph
        ("```\na **b", "```\na **b"),
        ("a [b]", "a "),
        ("a [b] c", "a [b] c"),
        ("a \\", "a "),
        ("a \\*b", "a \\*b"),
    ],
)
def test_where_it_begins(text: str, shown: str) -> None:
    assert text[: half_typed(text, left="", in_table=False)] == shown


def test_a_row_of_a_table_is_shown_cell_by_cell() -> None:
    text = "| c | d"
    assert half_typed(text, left="\n", in_table=True) == len(text)
    assert half_typed(text, left="\n", in_table=False) == 0
