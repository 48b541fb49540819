"""Streams and answers through the client, upstream faked at its transport."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import httpx
import pytest

from openrouter.client import ClientConfig
from openrouter.errors import (
    KeyRejected,
    NotConnected,
    OpenRouterError,
    ProtocolError,
    RateLimited,
    StreamInterrupted,
    Unavailable,
)
from openrouter.events import Done, Failed, Identified, KeepAlive, TextDelta
from openrouter.patience import Patience
from openrouter.testing import HANG, ReplayTransport, Reply
from tests.openrouter.answers import (
    DONE,
    KEEP_ALIVE,
    chunk,
    comparable,
    events_of,
    failures_of,
    stream,
    text_of,
)
from tests.openrouter.upstream import KEY, QUESTION, all_of, asking

GOOD = Reply(body=(chunk("good") + chunk("", finish="stop") + DONE).encode())


def refusal(status: int, message: str = "no", **headers: str) -> Reply:
    body = json.dumps({"error": {"code": status, "message": message}})
    return Reply(status=status, body=body.encode(), headers=dict(headers))


async def test_a_stream_tells_who_answers_first_and_then_all_that_came() -> None:
    body = stream("finish-twice.sse")
    reply = Reply(body=body, slices=(5, 1, 70), headers={"x-generation-id": "gen-of-header"})
    async with asking(ReplayTransport(reply)) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert events[0] == Identified("gen-of-header")
    assert comparable(events[1:]) == comparable(events_of(body))
    assert events[-1] == Done()


async def test_a_request_names_the_key_the_application_and_room_for_the_answer() -> None:
    transport = ReplayTransport(GOOD)
    async with asking(transport) as client:
        await all_of(client.stream_chat(QUESTION))
    (request,) = transport.requests
    assert str(request.url) == "https://upstream.test/api/v1/chat/completions"
    sent = {name: request.headers[name] for name in request.headers}
    assert sent["authorization"] == f"Bearer {KEY}"
    assert sent["http-referer"] == "https://chat.example"
    assert sent["x-openrouter-title"] == "Cafe"
    assert sent["x-openrouter-categories"] == "general-chat"
    assert sent["accept-encoding"] == "identity"
    assert json.loads(request.content) == {
        "model": "example/beacon",
        "messages": [{"role": "user", "content": "Hello?"}],
        "max_completion_tokens": 64,
        "stream": True,
    }


async def test_without_a_key_none_is_sent() -> None:
    transport = ReplayTransport(GOOD)
    async with asking(transport, api_key="") as client:
        await all_of(client.stream_chat(QUESTION))
    assert "authorization" not in transport.requests[0].headers


async def test_a_key_that_no_header_can_hold_is_told_before_anything_is_sent() -> None:
    transport = ReplayTransport(GOOD)
    async with asking(transport, api_key="sk-or-v1-…") as client:
        with pytest.raises(KeyRejected):
            await all_of(client.stream_chat(QUESTION))
    assert transport.requests == []


def test_a_key_is_in_no_repr() -> None:
    assert KEY not in repr(ClientConfig(api_key=KEY))


async def test_a_connection_that_breaks_in_mid_answer_keeps_what_came() -> None:
    broken = Reply(body=chunk("so far").encode(), ending=httpx.ReadError("reset by peer"))
    async with asking(ReplayTransport(broken)) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert text_of(events) == "so far"
    (failed,) = failures_of(events)
    assert isinstance(failed.error, StreamInterrupted)
    assert (failed.error.detail, failed.error.generation_id) == ("reset by peer", "gen-1")


async def test_a_connection_that_breaks_after_the_finish_and_the_bill_harms_nothing() -> None:
    body = chunk("all", finish="stop", usage={"prompt_tokens": 1, "cost": 0.1})
    broken = Reply(body=body.encode(), ending=httpx.ReadError("reset by peer"))
    async with asking(ReplayTransport(broken)) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert not failures_of(events)


async def test_silence_in_mid_answer_ends_it_after_the_idle_timeout() -> None:
    stalled = ReplayTransport(Reply(body=chunk("so far").encode(), ending=HANG))
    async with asking(stalled, idle_timeout_s=0.01) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert text_of(events) == "so far"
    (failed,) = failures_of(events)
    assert isinstance(failed.error, StreamInterrupted)
    assert failed.error.detail == "silence for 0.01 s"
    assert stalled.closed == 1


async def test_with_every_piece_the_patience_begins_anew() -> None:
    now_s, coming = [0.0], asyncio.Queue[bytes]()

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield await coming.get()

    patience = Patience(pieces(), 45.0, clock=lambda: now_s[0])
    for _ in range(3):
        reading = asyncio.create_task(patience.next())
        await asyncio.sleep(0)
        now_s[0] += 40
        patience._look()
        coming.put_nowait(KEEP_ALIVE.encode())
        assert await reading == KEEP_ALIVE.encode()
    reading = asyncio.create_task(patience.next())
    await asyncio.sleep(0)
    now_s[0] += 45
    patience._look()
    with pytest.raises(StreamInterrupted, match="silence for 45 s"):
        await reading
    patience.stop()


async def test_who_is_cancelled_while_the_patience_ends_is_cancelled() -> None:
    patience = Patience(_nothing(), 0.0)
    reading = asyncio.create_task(patience.next())
    await asyncio.sleep(0)
    patience._look()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def _nothing() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


async def test_after_the_end_nobody_waits_long_for_the_connection_to_close() -> None:
    """Else a server that forgets to end the body would hold back the settling of every answer."""
    lingering = ReplayTransport(Reply(body=GOOD.body, ending=HANG))
    async with asking(lingering) as client, aclosing(client.stream_chat(QUESTION)) as events:
        told = [await anext(events) for _ in range(5)]
        assert told[-1] == Done()
    assert lingering.closed == 1


async def test_an_upstream_that_never_answers_is_given_up_after_the_first_byte_timeout() -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError(request)

    async with asking(Silent(), connect_timeout_s=0.005, first_byte_timeout_s=0.005) as client:
        with pytest.raises(NotConnected) as caught:
            await all_of(client.stream_chat(QUESTION))
    assert caught.value.may_have_cost


async def test_closing_the_iterator_closes_the_response() -> None:
    transport = ReplayTransport(Reply(body=(chunk("a") * 9).encode(), slices=(100,), ending=HANG))
    async with asking(transport) as client, aclosing(client.stream_chat(QUESTION)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    assert transport.closed == 1


async def test_cancelling_the_reader_closes_the_response() -> None:
    transport = ReplayTransport(Reply(body=chunk("a").encode(), ending=HANG))
    async with asking(transport) as client:
        reading = asyncio.create_task(all_of(client.stream_chat(QUESTION)))
        await transport.hanging.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert transport.closed == 1


async def test_a_second_cancellation_does_not_stop_the_closing() -> None:
    """Stop, and then the end of the process: the connection must be closed all the same."""
    closing, may_close = asyncio.Event(), asyncio.Event()

    class SlowToClose(httpx.AsyncByteStream):
        is_closed = False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield chunk("a").encode()
            await asyncio.Event().wait()

        async def aclose(self) -> None:
            closing.set()
            await may_close.wait()
            self.is_closed = True

    body = SlowToClose()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    async with asking(transport) as client:
        events = client.stream_chat(QUESTION)
        reading = asyncio.create_task(all_of(events))
        await asyncio.sleep(0)
        while not reading.done():
            reading.cancel()
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await closing.wait()
        assert not body.is_closed
        may_close.set()
    assert body.is_closed


async def test_no_more_streams_are_open_than_allowed() -> None:
    transport = ReplayTransport(Reply(body=KEEP_ALIVE.encode(), ending=HANG), GOOD)
    async with asking(transport, max_streams=1) as client:
        first = asyncio.create_task(all_of(client.stream_chat(QUESTION)))
        await transport.hanging.wait()
        second = asyncio.create_task(all_of(client.stream_chat(QUESTION)))
        await asyncio.sleep(0)
        assert len(transport.requests) == 1
        assert client.waiting == 1
        first.cancel()
        assert text_of(await second) == "good"
        assert client.waiting == 0


async def test_a_whole_answer_is_read_in_spite_of_its_padding() -> None:
    transport = ReplayTransport(Reply(body=stream("answer-padded.json"), slices=(9,)))
    async with asking(transport) as client:
        answer = await client.complete_chat(QUESTION)
    assert (answer.text, answer.finish_reason) == ("Worth the wait.", "stop")
    assert answer.generation_id == "gen-1783000201-PaddedCell0000000201"
    assert answer.usage is not None
    assert str(answer.usage.cost_usd) == "6E-8"
    assert json.loads(transport.requests[0].content)["stream"] is False


async def test_an_error_with_status_200_is_asked_again_as_any_other() -> None:
    good = Reply(body=stream("answer-padded.json"))
    transport = ReplayTransport(Reply(body=stream("error-with-status-200.json")), good)
    async with asking(transport) as client:
        assert (await client.complete_chat(QUESTION)).text == "Worth the wait."
    assert len(transport.requests) == 2


async def test_an_error_of_a_whole_answer_names_its_generation() -> None:
    """Only so can its cost be looked up later."""
    body = stream("answer-with-error-in-choice.json")
    reply = Reply(body=body, headers={"x-generation-id": "gen-of-header"})
    async with asking(ReplayTransport(reply), max_attempts=1) as client:
        with pytest.raises(Unavailable) as caught:
            await client.complete_chat(QUESTION)
    assert (caught.value.generation_id, caught.value.may_have_cost) == ("gen-of-header", True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("error-with-status-200.json", RateLimited),
        ("answer-with-error-in-choice.json", Unavailable),
    ],
)
async def test_an_error_that_comes_with_status_200_is_raised(
    name: str, kind: type[OpenRouterError]
) -> None:
    async with asking(ReplayTransport(Reply(body=stream(name)))) as client:
        with pytest.raises(kind):
            await client.complete_chat(QUESTION)


async def test_a_stream_request_that_gets_a_whole_answer_still_tells_it() -> None:
    """A local server may not know how to stream."""
    reply = Reply(body=stream("answer-padded.json"), headers={"content-type": "application/json"})
    async with asking(ReplayTransport(reply)) as client:
        assert text_of(await all_of(client.stream_chat(QUESTION))) == "Worth the wait."


async def test_a_whole_answer_that_breaks_off_is_interrupted_and_not_nonsense() -> None:
    half = Reply(body=stream("answer-padded.json")[:-40], ending=httpx.ReadError("reset by peer"))
    async with asking(ReplayTransport(half)) as client:
        (failed,) = failures_of(await all_of(client.stream_chat(QUESTION)))
    assert isinstance(failed.error, StreamInterrupted)


async def test_a_page_instead_of_a_stream_is_a_failure() -> None:
    page = Reply(body=b"<html><title>Welcome</title></html>", headers={"content-type": "text/html"})
    async with asking(ReplayTransport(page)) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert [type(failed.error) for failed in failures_of(events)] == [ProtocolError]


async def test_an_address_that_is_none_is_told_as_such() -> None:
    async with asking(base_url="http://[oops") as client:
        with pytest.raises(NotConnected):
            await all_of(client.stream_chat(QUESTION))


async def test_a_key_in_an_error_of_the_upstream_is_taken_out() -> None:
    async with asking(ReplayTransport(refusal(401, f"No user for {KEY}, Bearer {KEY}"))) as client:
        with pytest.raises(KeyRejected) as caught:
            await all_of(client.stream_chat(QUESTION))
    assert KEY not in f"{caught.value} {caught.value.detail} {caught.value!r}"
    assert "sk-…" in caught.value.detail


async def test_keep_alives_are_told_while_nothing_else_comes() -> None:
    async with asking(ReplayTransport(Reply(body=(KEEP_ALIVE * 3).encode()))) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert [type(event) for event in events] == [
        Identified,
        KeepAlive,
        KeepAlive,
        KeepAlive,
        Failed,
    ]
