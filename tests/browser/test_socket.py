"""The socket as something else than our page may use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import TypeAlias

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.browser.conftest import Person, Site
from tests.browser.pages import ChatPage
from tests.browser.prompts import say, words

pytestmark = pytest.mark.browser

WAIT_S = 10


Cookies: TypeAlias = dict[str, str]


def cookies_of(person: Person) -> Cookies:
    return {cookie["name"]: cookie["value"] for cookie in person.state["cookies"]}


@pytest.fixture
def cookies(person: Person) -> Cookies:
    return cookies_of(person)


@pytest.fixture
def finished(site: Site, cookies: Cookies) -> str:
    """A conversation of the person whose answer has ended."""
    answer = httpx.post(
        f"{site.url}/send/",
        data={"prompt": "Say it. [[say: Said.]]"},
        headers={"X-CSRFToken": cookies["csrftoken"]},
        cookies=cookies,
        timeout=WAIT_S,
    )
    conversation = answer.headers["location"].split("/")[2]
    assert site.books.ended(conversation).state == "settled"
    return conversation


def socket(
    site: Site, conversation: str, cookies: Cookies | None, origin: str = ""
) -> ClientConnection:
    """A raw socket with the cookies of a browser, or with none."""
    pairs = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
    return connect(
        f"ws://127.0.0.1:{site.server.port}/ws/c/{conversation}/",
        additional_headers={"Cookie": pairs} if pairs else {},
        origin=Origin(origin or site.url),
        open_timeout=WAIT_S,
    )


def closing_code(connection: ClientConnection) -> int:
    """Read what comes, until it is closed from the other side."""
    with suppress(ConnectionClosed):
        while True:
            connection.recv(timeout=WAIT_S)
    assert connection.close_code is not None
    return connection.close_code


@pytest.mark.parametrize(
    "frame", ["", "{", '{"prompt": "hi"}', '{"stop": 1}', b"\x00\xff", "x" * 100_000]
)
def test_any_frame_closes_the_socket_with_4400(
    site: Site, cookies: Cookies, finished: str, frame: str | bytes
) -> None:
    with socket(site, finished, cookies) as connection:
        assert "Said." in connection.recv(timeout=WAIT_S, decode=True)
        connection.send(frame)
        assert closing_code(connection) == 4400


def test_a_frame_in_mid_stream_harms_nobody_but_its_sender(
    site: Site, chat: ChatPage, cookies: Cookies
) -> None:
    chat.ask(say(words(120), 80))
    chat.see(50)
    with socket(site, chat.conversation, cookies) as connection:
        connection.recv(timeout=WAIT_S)
        connection.send("{not a frame of ours")
        assert closing_code(connection) == 4400
    chat.ends()
    assert chat.source == words(120)


def test_without_a_sign_in_it_closes_with_4401(site: Site, finished: str) -> None:
    with socket(site, finished, None) as connection:
        assert closing_code(connection) == 4401


def test_another_persons_conversation_closes_it_with_4404(
    site: Site, finished: str, newcomers: Iterator[Person]
) -> None:
    with socket(site, finished, cookies_of(next(newcomers))) as connection:
        assert closing_code(connection) == 4404


def test_an_unknown_conversation_closes_it_with_4404(site: Site, cookies: Cookies) -> None:
    with socket(site, "00000000-0000-4000-8000-000000000000", cookies) as connection:
        assert closing_code(connection) == 4404


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_page_of_another_origin_gets_no_socket(
    site: Site, cookies: Cookies, finished: str, origin: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        socket(site, finished, cookies, origin)
    assert refused.value.response.status_code == HTTPStatus.FORBIDDEN
