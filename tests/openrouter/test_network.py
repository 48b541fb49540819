"""Our sockets under httpcore, on asyncio's loop and on uvloop, plain and encrypted."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpcore
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from openrouter.network import LeanBackend
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


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)


async def with_server(
    treat: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    use: Callable[[int], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
) -> None:
    server = await asyncio.start_server(treat, "127.0.0.1", 0, ssl=tls)
    try:
        await use(server.sockets[0].getsockname()[1])
    finally:
        server.close()


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
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(certificate)
    client_tls = ssl.create_default_context(cafile=str(certificate))

    async def use(port: int) -> None:
        plain = await LeanBackend().connect_tcp("127.0.0.1", port, timeout=5)
        stream = await plain.start_tls(client_tls, "127.0.0.1", timeout=5)
        assert stream.get_extra_info("ssl_object") is not None
        await stream.write(b"x" * 300_000 + b"\n", timeout=5)
        received = b""
        while not received.endswith(b"\n"):
            received += await stream.read(65_536, timeout=5)
        assert received == b"x" * 300_000 + b"\n"
        await stream.aclose()

    run(with_server(echo_long, use, server_tls))


async def echo_long(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    received = b""
    while not received.endswith(b"\n"):
        received += await reader.read(65_536)
    writer.write(received)
    await writer.drain()


@loops
def test_a_certificate_that_nobody_vouches_for_is_not_connected(
    run: Run, certificate: Path
) -> None:
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(certificate)

    async def use(port: int) -> None:
        plain = await LeanBackend().connect_tcp("127.0.0.1", port, timeout=5)
        with pytest.raises(httpcore.ConnectError, match="certificate verify failed"):
            await plain.start_tls(ssl.create_default_context(), "127.0.0.1", timeout=5)

    run(with_server(echo, use, server_tls))


@loops
def test_a_port_where_nobody_listens_is_an_error_of_httpcore(run: Run) -> None:
    async def ask() -> None:
        async def use(port: int) -> None:
            await asyncio.sleep(0)
            ports.append(port)

        ports: list[int] = []
        await with_server(echo, use)
        with pytest.raises(httpcore.ConnectError):
            await LeanBackend().connect_tcp("127.0.0.1", ports[0], timeout=5)

    run(ask())


@loops
def test_silence_is_a_read_timeout_and_loses_nothing(run: Run) -> None:
    async def use(port: int) -> None:
        stream = await LeanBackend().connect_tcp("127.0.0.1", port)
        with pytest.raises(httpcore.ReadTimeout):
            await stream.read(100, timeout=0.01)
        await stream.write(b"still here\n")
        assert await stream.read(100, timeout=5) == b"still here\n"
        await stream.aclose()

    run(with_server(echo, use))


@loops
def test_the_end_of_the_other_side_is_the_end_of_reading(run: Run) -> None:
    async def bye(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        writer.close()

    async def use(port: int) -> None:
        stream = await LeanBackend().connect_tcp("127.0.0.1", port)
        assert await stream.read(2, timeout=5) == b"by"
        assert await stream.read(9, timeout=5) == b"e"
        assert await stream.read(9, timeout=5) == b""
        assert stream.get_extra_info("is_readable")
        await stream.aclose()

    run(with_server(bye, use))


@loops
def test_a_connection_at_rest_is_not_readable(run: Run) -> None:
    """httpcore takes an idle connection that is readable for one that was closed."""

    async def use(port: int) -> None:
        stream = await LeanBackend().connect_tcp("127.0.0.1", port)
        assert not stream.get_extra_info("is_readable")
        assert stream.get_extra_info("server_addr")[1] == port
        await stream.aclose()

    run(with_server(echo, use))


@loops
def test_a_reader_that_is_slow_holds_the_sender_back(run: Run) -> None:
    size = 20_000_000
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _turn in range(size // 100_000):
            writer.write(b"y" * 100_000)
            await writer.drain()
            sent += 100_000
        writer.close()

    async def use(port: int) -> None:
        stream = await LeanBackend().connect_tcp("127.0.0.1", port)
        received = len(await stream.read(1, timeout=5))
        held = -1
        while held != sent:  # until nothing moves any more
            held = sent
            for _ in range(50):
                await asyncio.sleep(0)
        assert held < size
        while piece := await stream.read(65_536, timeout=5):
            received += len(piece)
        assert received == size
        await stream.aclose()

    run(with_server(flood, use))


@loops
def test_writing_to_a_closed_connection_is_an_error_of_httpcore(run: Run) -> None:
    async def use(port: int) -> None:
        stream = await LeanBackend().connect_tcp("127.0.0.1", port)
        await stream.aclose()
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"x")
        await stream.write(b"")

    run(with_server(echo, use))
