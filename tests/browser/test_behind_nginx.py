"""Two processes behind nginx, on PostgreSQL and Redis: nobody can tell that they are two."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from accounts.management.commands.create_demo import PASSWORD, USERNAME
from chat.markdown import render
from tests import processes
from tests.browser import pair as pairs
from tests.browser.front import served
from tests.browser.pages import ChatPage, Watch, one_spaced, squeezed, text_of
from tests.browser.pair import Pair
from tests.browser.prompts import never_ending, paced, say, words
from tests.browser.test_story import (
    COMPOUND_INTEREST,
    ledger_shows,
    receipt_tells_who_answered_and_why,
    tags_in,
)
from tests.browser.truth import Upstream, eventually
from tests.processes import Running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.nginx,
    pytest.mark.postgres,
    pytest.mark.redis,
]
QUESTION = paced(30, COMPOUND_INTEREST)  # half a minute: four reloads fit in, on a busy machine too
STORY_MS = 60_000
REAPED_MS = 40_000  # a lease of 20 s, a look every 5 s, and a busy machine


@pytest.fixture(scope="module")
def database_url(emulator: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database as `make run` prepares it."""
    with pairs.database(f"behind_nginx_{os.getpid()}") as url:
        folder = tmp_path_factory.mktemp("behind-nginx")
        processes.install(processes.environment(folder, emulator.url, DATABASE_URL=url))
        yield url


@pytest.fixture(scope="module")
def pair(
    database_url: str,
    emulator: Running,
    upstream: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    """The pair that most tests here share."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("pair")
        yield pairs.start(folder, database_url, emulator.url, upstream, stack)


@pytest.fixture
def mortal_pair(
    database_url: str, emulator: Running, upstream: Upstream, tmp_path: Path
) -> Iterator[Pair]:
    """A pair for a test that ends one of them."""
    with ExitStack() as stack:
        yield pairs.start(tmp_path, database_url, emulator.url, upstream, stack)


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as context:
        yield context


def signed_in(visitor: BrowserContext, pair: Pair, *, on: int) -> ChatPage:
    pair.lands_on(on, visitor)
    chat = ChatPage(visitor.new_page(), pair.site.url)
    chat.sign_in(USERNAME, PASSWORD)
    return chat


def test_the_story_with_each_reload_landing_on_the_other_process(
    visitor: BrowserContext, pair: Pair, watch: Watch
) -> None:
    chat = signed_in(visitor, pair, on=0)
    watch.over(chat.page)
    chat.ask(QUESTION)
    shown = chat.see(100)
    conversation = chat.conversation
    generation = pair.books.generation(conversation)
    assert pair.writer(conversation) == 0
    for reload in range(1, 5):
        pair.lands_on(reload % 2, visitor)
        chat.open(f"/c/{conversation}/")
        assert pair.site.upstream.is_writing(generation), "the reload was meant to be in mid-stream"
        shown = chat.see(len(shown) + 60)
    expect(chat.answer).to_have_attribute("data-state", "done", timeout=STORY_MS)

    sent = pair.site.upstream.sent(generation)
    assert chat.source == sent
    assert one_spaced(chat.text.text_content() or "") == one_spaced(text_of(render(sent)))
    assert {"h2", "table", "pre", "math"} <= tags_in(chat)
    receipt_tells_who_answered_and_why(chat, pair.site, generation)
    ledger_shows(visitor, pair.site, generation)
    chat.page.close()
    sockets = eventually(lambda: _five(pair.sockets_served_by(conversation)))
    assert sockets == [0, 1, 0, 1, 0]
    assert watch.complaints == []
    assert watch.origins == {pair.site.url}


def _five(sockets: list[int]) -> list[int] | None:
    return sockets if len(sockets) == 5 else None


def test_what_another_process_writes_is_shown_as_it_grows_letter_by_letter(
    visitor: BrowserContext, pair: Pair
) -> None:
    answer = words(240)
    chat = signed_in(visitor, pair, on=0)
    chat.ask(say(answer, 20))
    pair.lands_on(1, visitor)
    other = ChatPage(visitor.new_page(), pair.site.url)
    other.open(f"/c/{chat.conversation}/")
    for tab in (chat, other):
        tab.ends()
        assert tab.source == answer
    states = other.history()
    assert len(states) > 5, "it came in pieces"
    assert all(squeezed(answer).startswith(state) for state in states[:-1])


def test_stop_from_the_other_process_closes_upstream_and_keeps_what_came(
    visitor: BrowserContext, pair: Pair
) -> None:
    chat = signed_in(visitor, pair, on=0)
    chat.ask(never_ending(words(120)))
    seen = chat.see(60)
    generation = pair.books.generation(chat.conversation)
    pair.lands_on(1, visitor)
    other = ChatPage(visitor.new_page(), pair.site.url)
    other.open(f"/c/{chat.conversation}/")
    other.see(len(seen))
    other.stop.click()
    for tab in (chat, other):
        tab.ends("stopped")
        assert squeezed(tab.source).startswith(seen)
    eventually(lambda: not pair.site.upstream.is_writing(generation))


def test_a_process_that_is_killed_leaves_its_reply_to_the_other(
    visitor: BrowserContext, mortal_pair: Pair
) -> None:
    chat = signed_in(visitor, mortal_pair, on=0)
    chat.ask("[[fault: stall after=60 times=1]] " + say(words(100), 100))
    chat.see(60)
    conversation = chat.conversation
    mortal_pair.kill(0)
    expect(chat.answer).to_have_attribute("data-state", "interrupted", timeout=REAPED_MS)
    chat.retry.click()
    chat.ends()
    assert chat.source == words(100)
    assert mortal_pair.writer(conversation) == 1


def test_a_process_that_drains_ends_what_it_writes_and_new_prompts_go_to_the_other(
    visitor: BrowserContext, mortal_pair: Pair, watch: Watch
) -> None:
    answer = words(150)
    chat = signed_in(visitor, mortal_pair, on=0)
    chat.ask(say(answer, 60))
    chat.see(100)
    mortal_pair.drain(0)
    second = ChatPage(visitor.new_page(), mortal_pair.site.url)
    watch.over(second.page)
    second.open()
    second.ask("In one sentence: what is a drain?")
    second.ends()
    assert mortal_pair.writer(second.conversation) == 1
    chat.ends()
    assert chat.source == answer
    mortal_pair.processes[0].process.wait(timeout=30)
    chat.ask("And what is a sluice, in one sentence?")
    chat.ends()
    assert mortal_pair.writer(chat.conversation) == 1
    refused = [line for line in served(mortal_pair.proxy_folder) if line[3].count("127.0.0.1") == 2]
    assert any(method == "POST" and status == "200" for method, _, status, _ in refused)
    assert watch.complaints == []


def test_metrics_do_not_leave_the_machine_through_the_proxy(
    visitor: BrowserContext, pair: Pair
) -> None:
    assert visitor.request.get(f"{pair.site.url}/metrics").status == 404
    ready = visitor.request.get(f"{pair.site.url}/readyz").json()
    assert ready["ready"] is True
    assert ready["redis"] == "ok"
