"""A growing answer on the page: nothing is doubled and nothing lost, whatever the network does."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from chat.markdown import render
from tests.browser.cable import Cable
from tests.browser.conftest import Site
from tests.browser.pages import ChatPage, one_spaced, squeezed, text_of
from tests.browser.prompts import say, words
from tests.browser.truth import eventually

pytestmark = pytest.mark.browser

CUT = 700  # words, at a pace at which they take longer than a network that is gone for 3 s
PACE = 90


def only_grew(chat: ChatPage, answer: str) -> int:
    """Check every state that the page has shown against the answer; return how many there were."""
    whole, states = squeezed(answer), chat.history()
    strange = [state for state in states if not whole.startswith(state)]
    assert not strange, f"{len(strange)} of {len(states)} states, the first: {strange[0]!r}"
    lengths = [len(state) for state in states]
    assert lengths == sorted(lengths), "text was taken away from a growing answer"
    assert states[-1] == whole
    return len(states)


def is_whole(chat: ChatPage, site: Site, answer: str) -> None:
    """The answer has ended, and is on the page as it went out and as it is drawn whole."""
    chat.ends()
    assert site.upstream.sent(site.books.generation(chat.conversation)) == answer
    assert chat.source == answer
    drawn = one_spaced(chat.text.text_content() or "")
    assert drawn == one_spaced(text_of(render(answer)))


def test_the_visible_text_only_ever_grows(chat: ChatPage, site: Site) -> None:
    answer = words(400)
    chat.ask(say(answer, 200))
    is_whole(chat, site, answer)
    assert only_grew(chat, answer) > 10


def test_two_tabs_show_the_same_question_stream_and_end(
    chat: ChatPage, second_tab: ChatPage, site: Site
) -> None:
    chat.ask(say("A first answer.", 400))
    chat.ends()
    second_tab.open(f"/c/{chat.conversation}/")
    answer = words(300)
    chat.ask(say(answer, 75))
    expect(second_tab.questions).to_have_count(2)
    second_tab.see(200)
    assert site.upstream.is_writing(site.books.generation(chat.conversation))
    for tab in (chat, second_tab):
        is_whole(tab, site, answer)
        expect(tab.questions).to_have_count(2)
        expect(tab.cost).to_have_text(chat.cost.text_content() or "$")
        expect(tab.page.locator("#total")).to_have_text(
            chat.page.locator("#total").text_content() or "$"
        )
        only_grew(tab, answer)


def test_a_tab_opened_in_mid_stream_catches_up(
    chat: ChatPage, second_tab: ChatPage, site: Site
) -> None:
    answer = words(300)
    chat.ask(say(answer, 75))
    seen = chat.see(200)
    second_tab.open(f"/c/{chat.conversation}/")
    second_tab.see(len(seen))
    assert site.upstream.is_writing(site.books.generation(chat.conversation))
    for tab in (chat, second_tab):
        is_whole(tab, site, answer)
        expect(tab.questions).to_have_count(1)
        only_grew(tab, answer)


def test_a_tab_that_connects_again_and_again_doubles_nothing(chat: ChatPage, site: Site) -> None:
    answer = words(400)
    chat.ask(say(answer, 120))
    chat.see(100)
    generation = site.books.generation(chat.conversation)
    opened: list[str] = []
    chat.page.on("websocket", lambda socket: opened.append(socket.url))
    chat.page.evaluate(
        "window.restless = setInterval(() => dispatchEvent(new Event('online')), 70)"
    )
    eventually(lambda: not site.upstream.is_writing(generation))
    chat.page.evaluate("clearInterval(window.restless)")
    is_whole(chat, site, answer)
    only_grew(chat, answer)
    assert len(opened) > 5


def test_a_tab_without_a_block_that_came_is_given_the_whole_answer(
    chat: ChatPage, site: Site
) -> None:
    answer = words(300)
    chat.ask(say(answer, 200))
    chat.see(900)
    chat.text.locator("p").first.evaluate("it => it.remove()")
    is_whole(chat, site, answer)


@pytest.fixture
def far_chat(context: BrowserContext, cable: Cable) -> ChatPage:
    """A tab behind a cable that can be pulled."""
    chat = ChatPage(context.new_page(), cable.url)
    chat.open()
    return chat


@pytest.fixture
def far_second_tab(context: BrowserContext, cable: Cable) -> ChatPage:
    return ChatPage(context.new_page(), cable.url)


def test_a_network_gone_for_three_seconds_loses_and_doubles_nothing(
    far_chat: ChatPage, cable: Cable, site: Site
) -> None:
    answer = words(CUT)
    connection = far_chat.page.locator("#connection")
    far_chat.ask(say(answer, PACE))
    seen = far_chat.see(300)
    cable.pull()
    expect(connection).to_be_visible()  # the page says so after three seconds
    assert squeezed(answer).startswith(far_chat.visible())
    generation = site.books.generation(far_chat.conversation)
    cable.plug()
    assert site.upstream.is_writing(generation), "the cut was meant to end in mid-stream"
    expect(connection).to_be_hidden()
    assert len(far_chat.visible()) > len(seen)
    is_whole(far_chat, site, answer)
    only_grew(far_chat, answer)


def test_a_network_that_stands_still_for_three_seconds_loses_and_doubles_nothing(
    far_chat: ChatPage, cable: Cable, site: Site
) -> None:
    answer = words(CUT)
    far_chat.ask(say(answer, PACE))
    far_chat.see(300)
    generation = site.books.generation(far_chat.conversation)
    cable.freeze()
    frozen = len(site.upstream.sent(generation).split())
    eventually(lambda: len(site.upstream.sent(generation).split()) > frozen + 3 * PACE)
    cable.plug()
    assert site.upstream.is_writing(generation)
    is_whole(far_chat, site, answer)
    only_grew(far_chat, answer)


def test_two_tabs_whose_browser_goes_offline_both_end_whole(
    far_chat: ChatPage, far_second_tab: ChatPage, cable: Cable, context: BrowserContext, site: Site
) -> None:
    answer = words(CUT)
    far_chat.ask(say(answer, PACE))
    far_chat.see(200)
    far_second_tab.open(f"/c/{far_chat.conversation}/")
    far_second_tab.see(200)
    generation = site.books.generation(far_chat.conversation)
    context.set_offline(True)  # this is what a browser notices; the cable breaks open sockets
    cable.pull()
    for tab in (far_chat, far_second_tab):
        expect(tab.page.locator("#connection")).to_be_visible()
    assert site.upstream.is_writing(generation)
    cable.plug()
    context.set_offline(False)
    for tab in (far_chat, far_second_tab):
        expect(tab.page.locator("#connection")).to_be_hidden()
    for tab in (far_chat, far_second_tab):
        is_whole(tab, site, answer)
        expect(tab.questions).to_have_count(1)
        only_grew(tab, answer)
