"""The chaos run in short; and that it would see what it is there to see."""

import subprocess
import sys

import pytest

from tests.chaos.page import Page, Unbalanced
from tests.chaos.truth import Sent
from tests.chaos.verdict import text_harm
from tests.chaos.witness import Harm, Witness, harm
from tests.processes import ROOT

SEED = "3"
LONGEST_S = 420  # on a machine that does much else

PAGE = """<main><div id="messages"><div id="live">
<article id="m1" class="message user" data-state="done">Hi</article>
<article id="m2" class="message assistant" data-state="streaming">
<div id="m2-done"></div><div id="m2-open"><span id="m2-tail"></span></div></article>
<div id="next-2"></div></div></div></main>"""


@pytest.mark.postgres
@pytest.mark.redis
def test_nothing_is_lost_under_fire() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--mild", "--seed", SEED]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert run.returncode == 0, f"{run.stdout[-6000:]}\n{run.stderr[-3000:]}"


def test_a_page_takes_the_swaps_that_our_frames_use() -> None:
    page = Page(PAGE)
    page.apply('<div hx-swap-oob="beforeend:#m2-tail">a &lt; b</div>')
    page.apply('<div hx-swap-oob="beforeend:#m2-done"><p>closed</p></div>')
    page.apply('<div hx-swap-oob="innerHTML:#m2-open"><p>open<span id="m2-tail"></span></p></div>')
    page.apply('<div hx-swap-oob="beforeend:#m2-tail"> now</div>')
    article = page.find("m2")
    assert article is not None
    assert article.text().split() == ["closedopen", "now"]


def test_a_turn_that_comes_twice_is_placed_once() -> None:
    page = Page(PAGE)
    turn = (
        '<div hx-swap-oob="beforebegin:#next-2"><article id="m3" class="message user">'
        'x</article><div id="next-3"></div></div><div id="next-2" hx-swap-oob="delete"></div>'
    )
    page.apply(turn)
    page.apply(turn)
    live = page.find("live")
    assert live is not None
    assert [one.id for one in live.walk() if one.tag == "article"] == ["m1", "m2", "m3"]


def test_what_has_no_place_is_ignored_and_what_is_broken_is_not() -> None:
    page = Page(PAGE)
    page.apply('<article id="m9" hx-swap-oob="outerHTML">of another branch</article>')
    assert page.find("m9") is None
    with pytest.raises(Unbalanced):
        page.apply('<div hx-swap-oob="beforeend:#m2-tail"><b>half</div>')


def test_finished_turns_leave_the_live_region_as_in_the_browser() -> None:
    page = Page(PAGE)
    assert page.move_settled() == 0
    page.apply(
        '<article id="m2" class="message assistant" data-state="done" hx-swap-oob="outerHTML">'
        "<template class='source'>Hi</template></article>"
    )
    assert page.move_settled() == 2
    live = page.find("live")
    assert live is not None
    assert "m2" not in [one.id for one in live.walk()]


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("one two three", Harm()),
        ("one three", Harm(lost=4)),
        ("one two two three", Harm(doubled=4)),
        ("one two threeX", Harm(disordered=1)),
    ],
)
def test_harm_is_counted_in_letters(shown: str, found: Harm) -> None:
    assert harm("one two three", shown) == found


@pytest.mark.parametrize(
    ("state", "text", "is_true"),
    [
        ("done", "w1 w2 w3", True),
        ("done", "w1 w2", False),
        ("stopped", "w1 w2", True),
        ("interrupted", "w2 w3", False),
        ("failed", "", True),
    ],
)
def test_a_reply_is_all_that_was_sent_or_its_beginning(
    state: str, text: str, is_true: bool
) -> None:
    reply = {"id": 1, "state": state, "text": text, "reasoning": "", "generation_id": "gen-1"}
    sent = Sent("w1 w2 w3", "", is_complete=True)
    assert bool(text_harm(reply, sent)) is not is_true


def test_views_of_one_text_agree_however_far_each_is() -> None:
    witness = Witness()
    for text in ("w1", "w1 w2 w3", "w1 w2", "w1 w2 w3 w4"):
        witness.saw_growing(7, "text", "tab", text)
    assert witness.wrong == []


@pytest.mark.parametrize("text", ["w1 w3", "w1 w1 w2", "w2", "w1 w2 w3 w3"])
def test_a_view_that_lost_or_doubled_something_is_seen(text: str) -> None:
    witness = Witness()
    for one in ("w1", "w1 w2", "w1 w2 w3 w4", text):
        witness.saw_growing(7, "text", "tab", one)
    assert [sighting.tab for sighting in witness.wrong] == ["tab"]
