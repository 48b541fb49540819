"""Our transport under httpx, on asyncio's loop and on uvloop, plain and encrypted."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from openrouter.connections import StreamTransport
from tests.openrouter.answers import DONE, chunk, text_of
from tests.openrouter.upstream import (
    QUESTION,
    all_of,
    asking,
    begin_stream,
    end_stream,
    read_request,
    send,
    upstream,
)

Run = Callable[[Coroutine[Any, Any, None]], None]
Treat = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
loops = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@asynccontextmanager
async def served(treat: Treat, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of a server that treats each connection so."""
    server = await asyncio.start_server(treat, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


def saying(*answers: bytes) -> Treat:
    """One answer after the other on each connection; at the end of them it is closed."""

    async def treat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await read_request(reader)
            writer.write(answer)
        await writer.drain()
        writer.close()

    return treat


@loops
def test_a_whole_stream_comes_through_the_client(run: Run) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            begin_stream(writer)
            for number in range(200):
                send(writer, chunk(f"{number} "))
                await writer.drain()
            send(writer, chunk("", finish="stop") + DONE)
            end_stream(writer)

    async def ask() -> None:
        async with upstream(serve) as url, asking(base_url=url) as client:
            for _ in range(3):
                told = text_of(await all_of(client.stream_chat(QUESTION)))
                assert told == "".join(f"{number} " for number in range(200))

    run(ask())


@loops
def test_bytes_go_and_come_encrypted(run: Run, certificate: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, _, body = (await read_request(reader)).partition(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async def ask() -> None:
        transport = StreamTransport(lambda: ssl.create_default_context(cafile=str(certificate)))
        async with (
            served(echo, server_tls(certificate)) as url,
            httpx.AsyncClient(transport=transport) as client,
        ):
            answer = await client.post(url, content=b"x" * 300_000)
            assert answer.content == b"x" * 300_000
            assert transport.busy_connections == 0

    run(ask())


@loops
def test_a_certificate_that_nobody_vouches_for_is_not_connected(
    run: Run, certificate: Path
) -> None:
    async def ask() -> None:
        async with (
            served(saying(), server_tls(certificate)) as url,
            httpx.AsyncClient(transport=StreamTransport()) as client,
        ):
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                await client.get(url)

    run(ask())


ANSWERS = {
    "with a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbye", b"bye"),
    "in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nby\r\n1\r\ne\r\n0\r\n\r\n",
        b"bye",
    ),
    "until it is closed": (b"HTTP/1.1 200 OK\r\nContent-Type: x/y\r\n\r\nbye", b"bye"),
    "without a body": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "after a hint": (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbye",
        b"bye",
    ),
}


@loops
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_ends_where_its_framing_says(run: Run, answer: str) -> None:
    said, body = ANSWERS[answer]

    async def ask() -> None:
        transport = StreamTransport()
        client = httpx.AsyncClient(transport=transport)
        async with served(saying(said)) as url, client:
            response = await client.get(url)
            assert (response.content, response.headers.get("link")) == (body, None)
            assert transport.busy_connections == 0

    run(ask())


BROKEN = {
    "no HTTP": b"SSH-2.0-OpenSSH_9\r\n",
    "nothing at all": b"",
    "half of the headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half of the body": b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nhalf",
    "half of the chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
}


@loops
@pytest.mark.parametrize("answer", BROKEN)
def test_a_broken_answer_is_an_error_of_httpx(run: Run, answer: str) -> None:
    async def ask() -> None:
        transport = StreamTransport()
        client = httpx.AsyncClient(transport=transport)
        async with served(saying(BROKEN[answer])) as url, client:
            with pytest.raises(httpx.TransportError):
                await client.get(url)
            assert transport.busy_connections == 0

    run(ask())


@loops
def test_what_comes_unasked_on_an_idle_connection_is_no_answer(run: Run) -> None:
    """A server may say 408 before it hangs up: the next question must not take it for its own."""
    late = asyncio.Event()
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"

    async def treat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(good)
        await late.wait()
        writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nlate")
        assert await reader.read() == b""

    async def ask() -> None:
        async with served(treat) as url, httpx.AsyncClient(transport=StreamTransport()) as client:
            assert (await client.get(url)).text == "good"
            late.set()
            async with asyncio.timeout(5):
                while client._transport._idle:  # type: ignore[attr-defined]
                    await asyncio.sleep(0)
                    if all(c.is_closed for kept in client._transport._idle.values() for c in kept):  # type: ignore[attr-defined]
                        break
            assert (await client.get(url)).text == "good"

    run(ask())


@loops
def test_a_reader_that_is_slow_holds_the_sender_back(run: Run) -> None:
    size, sent = 20_000_000, 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _turn in range(size // 100_000):
            writer.write(b"y" * 100_000)
            await writer.drain()
            sent += 100_000

    async def ask() -> None:
        client = httpx.AsyncClient(transport=StreamTransport())
        async with served(flood) as url, client, client.stream("GET", url) as response:
            held = -1
            while held != sent:  # until nothing moves any more
                held = sent
                for _ in range(50):
                    await asyncio.sleep(0)
            assert held < size
            assert len(await response.aread()) == size

    run(ask())


@loops
def test_a_port_where_nobody_listens_is_an_error_of_httpx(run: Run) -> None:
    async def ask() -> None:
        async with served(saying()) as url:
            pass
        async with httpx.AsyncClient(transport=StreamTransport()) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(url)

    run(ask())
