"""T13, and limits: of requests in a minute, of bodies, of a conversation, of frames."""

from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from autobahn.websocket.types import ConnectionDeny
from channels.testing import WebsocketCommunicator
from django.core.cache import cache
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import User
from chat.errors import ConversationFull
from chat.models import Conversation, Message, State
from config import bodies
from config.asgi import application
from config.daphne_bounds import MOST_FRAME_BYTES, bound_daphne
from config.handler import PooledHandler
from config.limits import address_of
from tests import processes
from tests.chat.conftest import Ask

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _nothing_was_counted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def few(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three requests a minute for a person, five for an address, in a minute that stands still."""
    settings.MAX_REQUESTS_PER_MINUTE = 3
    settings.MAX_REQUESTS_PER_MINUTE_ADDRESS = 5
    monkeypatch.setattr("config.limits.time.time", lambda: 999_999_990.0)


def forget(client: Client, address: str = "192.0.2.1", **headers: str) -> Any:
    """A command that changes nothing much."""
    more: dict[str, Any] = {"REMOTE_ADDR": address}
    return client.post("/folders/", {"name": "x"}, headers=headers or None, **more)


def test_a_person_who_changes_too_much_is_told_to_wait(
    few: None, ada: User, eve: User, client: Client
) -> None:
    client.force_login(ada)
    assert [forget(client).status_code < 400 for _ in range(3)] == [True] * 3
    refused = forget(client, "192.0.2.9")  # another address, the same person
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) == 30
    assert b"Too many requests" in refused.content
    other = Client()
    other.force_login(eve)
    assert forget(other, "192.0.2.2").status_code < 400


def test_htmx_is_told_in_its_place(few: None, ada: User, client: Client) -> None:
    client.force_login(ada)
    for _ in range(3):
        forget(client)
    refused = client.post("/folders/", {"name": "x"}, headers=HTMX)
    assert refused.status_code == 429
    assert b'id="notice"' in refused.content
    assert b"Wait 30 seconds" in refused.content


def test_what_only_reads_costs_nothing(few: None, ada: User, client: Client) -> None:
    client.force_login(ada)
    assert {client.get("/").status_code for _ in range(8)} == {200}
    for _ in range(8):
        client.post("/preview/", {"prompt": "x"})  # which has a limit of its own
    assert forget(client).status_code < 400


def test_an_address_has_a_limit_of_its_own_signed_in_or_not(few: None, client: Client) -> None:
    told = [forget(client).status_code for _ in range(6)]
    assert told == [302] * 5 + [429]
    assert forget(client, "192.0.2.2").status_code == 302


def test_the_next_minute_begins_anew(
    few: None, ada: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(ada)
    assert [forget(client).status_code for _ in range(4)][-1] == 429
    monkeypatch.setattr("config.limits.time.time", lambda: 1_000_000_030.0)
    assert forget(client).status_code < 400


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.7", "192.0.2.1"),  # nobody of ours has written that
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "10.0.0.1, 203.0.113.7", "203.0.113.7"),  # the client put the first one there
        (2, "10.0.0.1, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
        (1, "", "192.0.2.1"),
        (1, "x" * 5_000 + "\r\n%s{}", "x" * 45),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
        (1, "2001:db8::6", "2001:db8"),
        (1, "::ffff:192.0.2.5", "::ffff:192.0.2.5"),
    ],
)
def test_the_address_is_the_one_our_own_proxy_has_seen(
    settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().post("/", headers=headers, REMOTE_ADDR="192.0.2.1")
    assert address_of(request) == address


# --- A conversation ---


def test_a_conversation_that_is_full_says_so(
    ask: Ask, ada: User, client: Client, settings: Settings
) -> None:
    settings.MAX_CONVERSATION_MESSAGES = 4
    turn = ask("One")
    Message.objects.filter(pk=turn.reply.pk).update(state=State.DONE, text="Said.")
    turn = ask("Two", conversation=turn.conversation, nonce="two")
    Message.objects.filter(pk=turn.reply.pk).update(state=State.DONE, text="Said.")
    with pytest.raises(ConversationFull):
        ask("Three", conversation=turn.conversation, nonce="three")
    client.force_login(ada)
    for path in (f"/c/{turn.conversation.pk}/send/", f"/m/{turn.reply.pk}/again/"):
        refused = client.post(path, {"prompt": "Three", "nonce": path}, headers=HTMX)
        assert refused.status_code == 409, path
        assert b"4 messages, which is the most" in refused.content
    assert Conversation.objects.get().messages.count() == 4  # nothing is kept of what was refused


# --- Bodies ---


async def post(
    pieces: list[bytes], headers: Mapping[bytes, bytes], *, ends: bool = True
) -> tuple[int, dict[bytes, bytes], bytes, int]:
    """Status, headers and body of the answer, and how many pieces were read."""
    never, sent, read = asyncio.Event(), [], 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        if read < len(pieces):
            read += 1
            more = read < len(pieces) or not ends
            return {"type": "http.request", "body": pieces[read - 1], "more_body": more}
        await never.wait()
        raise AssertionError

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/send/", "query_string": b"",
             "headers": list(headers.items()), "client": ("192.0.2.1", 1)}  # fmt: skip
    await PooledHandler()(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], dict(sent[0]["headers"]), body, read


FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=x"


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [FORM, MULTIPART, b"", b"text/plain"])
async def test_a_body_without_an_end_is_cut_when_it_is_too_large(
    kind: bytes, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SPARED_BYTES", 100_000)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000
    settings.MAX_IMPORT_MB = settings.MAX_ATTACHMENT_MB = 1
    settings.MAX_ATTACHMENTS = 1
    pieces = [b"x" * 50_000] * 1_000
    status, headers, _, read = await post(pieces, {b"content-type": kind}, ends=False)
    assert status == 413
    assert headers[b"Connection"] == b"close"
    assert read == (25 if kind == MULTIPART else 5)


@pytest.mark.django_db
async def test_who_sends_somewhat_too_much_is_heard_out_and_told_why() -> None:
    told = {b"content-type": FORM, b"content-length": b"5000000"}
    status, _, body, read = await post([b"x" * 1_000_000] * 5, told)
    assert (status, read) == (413, 5)
    assert b"This is too much at once" in body


@pytest.mark.django_db
async def test_a_body_that_says_it_is_too_large_is_not_read_at_all() -> None:
    told = {b"content-type": FORM, b"content-length": b"99999999999"}
    status, _, body, read = await post([b"x"], told)
    assert (status, read) == (413, 0)
    assert b"This is too much at once" in body
    _, _, body, _ = await post([b"x"], {**told, b"hx-request": b"true"})
    assert b'id="notice"' in body


@pytest.mark.django_db
@pytest.mark.parametrize("length", [b"-5", b"x", b"", b"1e99", b"\xff", b"3"])
async def test_a_length_that_is_none_or_not_true_is_not_believed(length: bytes) -> None:
    told = {b"content-type": FORM, b"content-length": length}
    status, _, _, _ = await post([b"prompt=", *[b"x" * 3_000_000] * 4], told, ends=False)
    assert status == 413


@pytest.mark.django_db
async def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_S", 0.05)
    status, headers, _, _ = await post([b"prompt="], {b"content-type": FORM}, ends=False)
    assert (status, headers[b"Connection"]) == (408, b"close")


# --- daphne, which hands out whole bodies and frames ---


@pytest.fixture(scope="module")
def daphne(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a daphne with our application; what is tried here needs no database."""
    folder: Path = tmp_path_factory.mktemp("daphne")
    env = processes.environment(folder)
    with processes.switchboard(env, folder / "log", server="daphne") as running:
        yield running.port


def said(port: int, *pieces: bytes) -> bytes:
    """What comes back until the server hangs up or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        answer = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while piece := connection.recv(65536):
                answer += piece
        except OSError:  # it hung up on us
            return answer
    return answer


def test_daphne_cuts_a_body_that_has_no_end(daphne: int) -> None:
    head = b"POST /send/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk, sent = b"10000\r\n" + b"x" * 0x10000 + b"\r\n", 0
    with socket.create_connection(("127.0.0.1", daphne), timeout=20) as connection:
        connection.sendall(head)
        try:
            while sent < 2_000:  # 131 MB
                connection.sendall(chunk)
                sent += 1
        except OSError:  # it hung up
            pass
    assert 20 < sent < 400


def test_daphne_takes_no_frame_that_is_large() -> None:
    """The whole way, by a person who may watch, is tests/security/fuzz_sockets.py."""
    module = importlib.import_module("daphne.ws_protocol")
    importlib.import_module("daphne.http_protocol")
    bound_daphne()
    factory = module.WebSocketFactory(None)
    assert factory.maxFramePayloadSize == factory.maxMessagePayloadSize == MOST_FRAME_BYTES


# --- Handshakes ---


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/", b"http://localhost"),
        ("/ws/", b"http://localhost"),
        ("/ws/c/1/", b"http://localhost"),
        ("/ws/c/00000000-0000-4000-8000-000000000000/x", b"http://localhost"),
        ("/ws/c/00000000-0000-4000-8000-000000000000/", b"http://["),
        ("/ws/c/00000000-0000-4000-8000-000000000000/", b"http://localhost:99999999"),
    ],
)
async def test_a_handshake_of_nobodys_is_refused_and_no_fault(path: str, origin: bytes) -> None:
    """Channels raises for these, which was a 500."""
    communicator = WebsocketCommunicator(application, path)
    communicator.scope["headers"].append((b"origin", origin))
    communicator.scope["path"] = path
    connected, _ = await communicator.connect()
    assert not connected


def test_a_form_that_cannot_be_read_is_no_fault_at_an_address_that_is_none(client: Client) -> None:
    """The page for 404 reads the form, too, and there it was a 500."""
    spoiled = (
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\nxxxxx\r\n--x--\r\n"
    )
    for path in ("/s/%00/", "/nowhere/", "/send/"):
        answer = client.post(path, spoiled, content_type="multipart/form-data; boundary=x")
        assert answer.status_code == 400, path


def test_daphne_refuses_a_subprotocol_that_is_no_ascii() -> None:
    """It was a 500, and a traceback in the log."""
    module = importlib.import_module("daphne.ws_protocol")
    importlib.import_module("daphne.http_protocol")
    bound_daphne()
    request = SimpleNamespace(headers={"sec-websocket-protocol": "\xff"})
    with pytest.raises(ConnectionDeny):
        module.WebSocketProtocol.onConnect(SimpleNamespace(), request)
