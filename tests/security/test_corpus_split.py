"""T6: each payload of the corpus, cut in two at every boundary, and letter by letter.

At every moment what is drawn holds only what tests/chat/test_markdown_hostile.py allows, by a
parser that is not the renderer's; at the end it is what the whole text gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from chat.markdown import Drawing, render
from tests.chat.markdown_follower import TAIL
from tests.chat.test_markdown_hostile import assert_inert, without_tail
from tests.security.corpus import CORPUS, Payload, citations

MOST_CUTS = 12  # of a long payload; the others are cut everywhere
FAMILIES = sorted({it.family for it in CORPUS})


@cache
def inert(html: str) -> bool:
    """Each state is looked at once, however many ways lead to it."""
    assert_inert(html)
    return True


bare = cache(without_tail)


def look(drawing: Drawing) -> str:
    html = drawing.closed_html + bare(drawing.open_html or TAIL)
    assert inert(html)
    return html


def cuts(payload: Payload) -> Iterator[list[str]]:
    """The pieces: two, for every boundary; then letters."""
    text, length = payload.text, len(payload.text)
    step = max(1, length // MOST_CUTS) if payload.is_long else 1
    for at in range(1, length, step):
        yield [text[:at], text[at:]]
    size = max(1, length // 200)
    yield [text[at : at + size] for at in range(0, length, size)]


def draw(pieces: list[str], wait_s: float) -> str:
    """The end of an answer that came so; every moment of it was looked at."""
    drawing = Drawing(TAIL)
    for turn, piece in enumerate(pieces):
        drawing.feed(piece, turn * wait_s)
        look(drawing)
        drawing.feed("", (turn + 0.9) * wait_s)
        look(drawing)
    drawing.finish()
    return look(drawing)


@pytest.mark.parametrize("family", FAMILIES)
def test_wherever_a_payload_is_cut_it_is_inert_and_ends_as_the_whole(family: str) -> None:
    for payload in (it for it in CORPUS if it.family == family):
        whole = render(payload.text)
        assert inert(whole)
        for pieces in cuts(payload):
            end = draw(pieces, 1.0)
            assert end == whole or payload.defines, (payload.text, pieces[0])


def test_no_moment_of_a_fast_answer_is_otherwise() -> None:
    """Pieces that come faster than is drawn go into the tail, as text."""
    for payload in CORPUS:
        if not payload.is_long:
            assert draw(list(payload.text), 0.01) == render(payload.text) or payload.defines


def test_the_corpus_is_large_enough_and_of_many_kinds() -> None:
    assert len({it.text for it in CORPUS}) >= 600
    assert len(FAMILIES) >= 12
    assert len(citations()) >= 90
