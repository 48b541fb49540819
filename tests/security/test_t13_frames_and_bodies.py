"""T13: no frame and no body, however malformed, is a fault of ours or keeps others waiting.

The sizes that a server takes are in test_limits.py, imports, schemas and NUL in the other t13_*.
"""

from __future__ import annotations

import json

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from accounts.models import User
from tests.chat.conftest import Ask
from tests.chat.test_consumers import tab

FRAMES: dict[str, str | bytes] = {
    "nothing": "",
    "no JSON": "{",
    "deep": "[" * 100_000,
    "deep, closed": "[" * 5_000 + "]" * 5_000,
    "a million letters": "x" * 1_000_000,
    "bytes": b"\x00\xff\xfe" * 1_000,
    "no bytes": b"",
    "a surrogate": "\\ud800",
    "a number": "9" * 10_000,
    "a cycle": '{"$ref": "#"}',
    "a prototype": '{"__proto__": {"x": 1}}',
    "htmx": '<div id="live" hx-swap-oob="true"></div>',
    "a type of channels": '{"type": "websocket.close"}',
    "a handler of ours": '{"type": "lose"}',
}
BODIES = [
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="prompt"'),
    ("multipart/form-data; boundary=", b"--\r\n\r\n--"),
    ("multipart/form-data; boundary=" + "x" * 300, b"x"),
    ("multipart/form-data; boundary=x; charset=no-such", b"--x--"),
    ("application/x-www-form-urlencoded; charset=utf-7", b"prompt=+AGE-"),
    ("application/x-www-form-urlencoded; charset=no-such", b"prompt=a"),
    ("application/x-www-form-urlencoded", b"prompt=%ff%fe&nonce=%zz"),
    ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(5_000))),
    ("application/json", b"[" * 100_000),
    ("application/json", b'{"prompt": NaN}'),
    ("text/xml", b'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><x>&b;</x>'),
    ("", b"\x00" * 1_000),
    ("x" * 10_000, b"prompt=a"),
]
ADDRESSES = (
    "/send/",
    "/preview/",
    "/files/",
    "/folders/",
    "/library/files/import/",
    "/library/prompts/",
    "/accounts/login/",
    "/models/favourite/",
)


@pytest.mark.parametrize("name", FRAMES)
async def test_t13_a_frame_closes_its_socket_and_no_other(ask: Ask, ada: User, name: str) -> None:
    turn = await sync_to_async(ask)()
    bad, good = tab(ada, turn.conversation.pk), tab(ada, turn.conversation.pk)
    for each in (bad, good):
        await each.connect()
        await each.receive_from()
    frame = FRAMES[name]
    kind = "bytes" if isinstance(frame, bytes) else "text"
    await bad.send_input({"type": "websocket.receive", kind: frame})
    closing = await bad.receive_output()
    assert (closing["type"], closing["code"]) == ("websocket.close", 4400)
    assert await good.receive_nothing()
    again = tab(ada, turn.conversation.pk)
    await again.connect()
    assert 'id="live"' in await again.receive_from()
    for each in (bad, good, again):
        await each.disconnect()


@pytest.mark.parametrize(("kind", "body"), BODIES, ids=range(len(BODIES)))
def test_t13_a_body_is_refused_with_words(
    kind: str, body: bytes, idle: None, ada: User, client: Client
) -> None:
    client.force_login(ada)
    for url in ADDRESSES:
        answer = client.generic("POST", url, body, content_type=kind)
        assert answer.status_code < 500, url


@pytest.mark.parametrize(
    "query",
    [
        "%ff",
        "a=%F0%28%8C%28",
        "q=" + "%22" * 2_000,
        "page=1e999",
        "shown=-9",
        "page=%E2%91%A0",
        "q=" + "(" * 500,
        "q=%00",
    ],
)
def test_t13_so_is_a_query(query: str, ada: User, client: Client) -> None:
    client.force_login(ada)
    for url in ("/", "/search/", "/library/", "/sidebar/", "/usage/", "/models/", "/learned/"):
        assert client.get(f"{url}?{query}").status_code < 500, url


@pytest.mark.parametrize(
    "cookie",
    [
        "sessionid=",
        "sessionid=\x7f",
        "sessionid=" + "x" * 8_000,
        "sessionid='; DROP",
        ";;;=",
        "csrftoken=\\",
        "messages=[[",
    ],
)
def test_t13_and_a_cookie(cookie: str, ada: User, client: Client) -> None:
    for url in ("/", "/accounts/login/"):
        assert client.get(url, headers={"Cookie": cookie}).status_code < 500


async def test_t13_a_cookie_of_the_socket_is_no_fault(ask: Ask, ada: User) -> None:
    turn = await sync_to_async(ask)()
    for cookie in (
        b"sessionid=\xff\xfe",
        b"sessionid=" + b"x" * 9_000,
        b"\x00",
        json.dumps({}).encode(),
    ):
        communicator = tab(ada, turn.conversation.pk)
        communicator.scope["headers"].append((b"cookie", cookie))
        await communicator.connect()
        assert (await communicator.receive_output())["type"] in (
            "websocket.send",
            "websocket.close",
        )
        await communicator.disconnect()
