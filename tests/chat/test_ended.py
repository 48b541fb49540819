"""How an answer ends on a tab that watched it: what it shows stays, and only the rest is sent."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from chat import fragments
from chat.fragments import Ended, Snapshot, blocks_in, message
from chat.markdown import render
from chat.models import Message, Part, State
from chat.pace import pace
from openrouter.errors import StreamInterrupted
from openrouter.events import (
    Done,
    Failed,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
)
from openrouter.testing import ScriptedClient
from tests.chaos.page import Element, Page, parse
from tests.chat.conftest import Ask
from tests.chat.test_replies import BEGUN, USAGE, Desk

FIRST = "A first paragraph, & <b>no</b> markup.\n\n"
ANSWER = f"{FIRST}```python\nx = 1  # > 0\n```\n\n| a | b |\n|---|---|\n| `|` | 2 |\n\nThe **end**"
LATER_LINK = "See [the book].\n\nMore.\n\n[the book]: https://example.org/book\n"


@pytest.fixture(autouse=True)
def _each_piece_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "frame_s", 0.0)


def told(*texts: StreamEvent) -> tuple[StreamEvent, ...]:
    return (BEGUN, *texts, Finished("stop"), USAGE, Done())


async def written(ask: Ask, *events: StreamEvent) -> tuple[Desk, Message, Page]:
    """A reply that was written to its end, and a page that was sent all of it."""
    desk = Desk(ask, ScriptedClient(*events))
    await desk.open()
    running = await sync_to_async(Message.objects.with_books().get)(pk=desk.job.reply)
    page = Page(f'<div id="live">{await sync_to_async(message)(running)}</div>')
    reply = await desk.ended()
    for frame in desk.follower.pending:
        page.apply(frame)
    return desk, reply, page


def article_of(page: Page, reply: Message) -> Element:
    article = page.find(f"m{reply.pk}")
    assert article is not None
    return article


def markdown_in(article: Element) -> str:
    return next(one for one in article.walk() if one.classes == ["markdown"]).text()


def in_slices(text: str, size: int) -> tuple[StreamEvent, ...]:
    return tuple(TextDelta(text[at : at + size]) for at in range(0, len(text), size))


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
async def test_finished_blocks_stay_and_the_rest_comes(ask: Ask, size: int) -> None:
    desk, reply, page = await written(ask, *told(*in_slices(ANSWER, size)))
    last = desk.follower.pending[-1]
    article = article_of(page, reply)
    assert article.attrs["data-state"] == "done"
    assert markdown_in(article).split() == parse(render(ANSWER)).text().split()
    source = next(one for one in article.walk() if one.classes == ["source"])
    assert source.own_texts() == ANSWER
    assert "outerHTML:" not in last
    if size < len(ANSWER):
        assert last.count("A first paragraph") == 1  # in the source, for copying


async def test_the_page_is_then_what_a_new_one_is(ask: Ask) -> None:
    _, reply, page = await written(ask, *told(ReasoningDelta("hm"), *in_slices(ANSWER, 9)))
    anew = parse(await sync_to_async(message)(reply))
    shown, whole = (
        [one.classes for one in root.walk() if one.classes and one.classes not in (["done"],)]
        for root in (article_of(page, reply), next(iter(anew.walk())))
    )
    assert shown == whole
    assert article_of(page, reply).text().split() == anew.text().split()


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(told(*in_slices(LATER_LINK, 9)), id="a link defined later"),
        pytest.param((BEGUN, TextDelta(FIRST), Failed(StreamInterrupted("cut"))), id="failed"),
        pytest.param(told(), id="nothing said"),
    ],
)
async def test_what_is_not_as_it_was_shown_comes_whole(
    ask: Ask, events: tuple[StreamEvent, ...]
) -> None:
    desk, reply, page = await written(ask, *events)
    assert f'<article id="m{reply.pk}"' in desk.follower.pending[-1]
    if reply.html:
        assert markdown_in(article_of(page, reply)).split() == parse(reply.html).text().split()


async def test_a_stopped_answer_comes_whole(ask: Ask) -> None:
    reply = await sync_to_async(ended_as)(ask, state=State.STOPPED)
    frame = await sync_to_async(Ended)(reply, Snapshot())
    assert f'<article id="m{reply.pk}"' in frame.frame(Snapshot())


@pytest.mark.parametrize("over", [{"schema": {"type": "object"}}, {"files": [{"id": "x"}]}])
def test_an_answer_of_a_shape_or_with_pictures_comes_whole(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, over: dict[str, object]
) -> None:
    monkeypatch.setattr(fragments, "settled", lambda reply: f"all of {reply.pk}")
    reply = ended_as(ask)
    for name, value in over.items():
        setattr(reply, name, value)
    assert Ended(reply, Snapshot()).frame(Snapshot()) == f"all of {reply.pk}"


def test_a_view_that_shows_something_else_by_then_needs_a_new_snapshot(ask: Ask) -> None:
    ended = Ended(ended_as(ask), Snapshot())
    assert "<p>Well</p>" in ended.frame(Snapshot())
    assert ended.frame(Snapshot(closed_html="<p>Wel</p>")) == ""
    assert ended.frame(Snapshot(reasoning="hm")) == ""


def ended_as(ask: Ask, state: State = State.DONE) -> Message:
    pk = ask().reply.pk
    Message.objects.filter(pk=pk).update(state=state, text="Well", html="<p>Well</p>\n")
    return Message.objects.with_books().get(pk=pk)


async def test_nothing_is_drawn_after_the_end(ask: Ask) -> None:
    """A log that took text late would else have it shown twice."""
    desk = Desk(ask, ScriptedClient())
    await desk.open()
    view = desk.feed.views[desk.job.reply]
    view.append(Part.TEXT, FIRST)
    view.take()
    assert view.end() == Snapshot(open_html=fragments.tail(view.pk))
    assert view.draw(1.0) == ""
    await desk.ended()


async def test_tabs_start_anew_where_the_end_does_not_fit(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ended, "frame", lambda _self, _shown: "")
    desk = Desk(ask, ScriptedClient(*told(TextDelta("Well"))))
    await desk.open()
    await desk.ended()
    assert desk.follower.lost_track


@pytest.mark.parametrize(
    "source",
    [
        ANSWER,
        LATER_LINK,
        "",
        "> a\n> - b\n>   1. c\n\n---\n\n![x](y)\n",
        "$$\na > b\n$$\n\n- [x] a",
    ],
)
def test_blocks_are_counted_as_a_page_counts_them(source: str) -> None:
    html = render(source)
    assert blocks_in(html) == sum(isinstance(one, Element) for one in parse(html).children)


def test_a_tab_without_these_blocks_is_found_out() -> None:
    page = Page('<article id="m1" data-state="streaming"><div id="m1-done"></div></article>')
    end = '<div data-state="done" data-blocks="2" hx-swap-oob="beforeend:#m1">{}</div>'
    with pytest.raises(Exception, match="1 blocks, not 2"):
        page.apply(end.format('<div class="markdown"><p>x</p></div>'))
