"""What a result shows of a message: its words, not the marks of its Markdown."""

from __future__ import annotations

import pytest

from chat.search_text import excerpt, read_terms


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("## A **pool** is `full`", "A <mark>pool</mark> is full"),
        ("*slanted* pool | cell", "slanted <mark>pool</mark> cell"),
        ("2 * 3 is no pool, nor #1", "2 * 3 is no <mark>pool</mark>, nor #1"),
        ("<b> pool & co", "&lt;b&gt; <mark>pool</mark> &amp; co"),
    ],
)
def test_marks_are_left_out(text: str, shown: str) -> None:
    assert excerpt(text, read_terms("pool")) == shown
