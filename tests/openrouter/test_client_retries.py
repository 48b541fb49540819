"""What the client asks again, and what it does not; upstream faked at its transport."""

import json
from contextlib import aclosing

import httpx
import pytest

from openrouter.errors import (
    InvalidRequest,
    KeyRejected,
    OpenRouterError,
    PaymentRequired,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from openrouter.events import Failed, Retrying
from openrouter.testing import ReplayTransport, Reply
from tests.openrouter.answers import (
    DONE,
    bill_of,
    chunk,
    failures_of,
    stream,
    text_of,
)
from tests.openrouter.upstream import QUESTION, Waits, all_of, asking

GOOD = Reply(body=(chunk("good") + chunk("", finish="stop") + DONE).encode())
FULL = Reply(body=stream("error-with-empty-choices.sse"))


def refusal(status: int, message: str = "no", **headers: str) -> Reply:
    body = json.dumps({"error": {"code": status, "message": message}})
    return Reply(status=status, body=body.encode(), headers=dict(headers))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(400), InvalidRequest),
        (refusal(401), KeyRejected),
        (refusal(402), PaymentRequired),
        (refusal(429, "Rate limit exceeded: free-models-per-day"), RateLimited),
        (refusal(429, **{"retry-after": "3600"}), RateLimited),
        (Reply(status=302, headers={"location": "https://elsewhere.test"}), ProtocolError),
    ],
)
async def test_a_refusal_that_will_stay_one_is_raised_at_once(
    reply: Reply, kind: type[OpenRouterError]
) -> None:
    transport = ReplayTransport(reply)
    async with asking(transport) as client:
        with pytest.raises(kind):
            await all_of(client.stream_chat(QUESTION))
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        refusal(408),
        refusal(429, "Rate limit exceeded: free-models-per-min"),
        refusal(500),
        refusal(502),
        refusal(503),
        refusal(529),
        Reply(status=524, body=b"<html>a timeout occurred</html>"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
    ],
    ids=repr,
)
async def test_what_may_pass_is_asked_again_and_the_caller_sees_it(
    reply: Reply | httpx.HTTPError,
) -> None:
    transport, waits = ReplayTransport(reply, GOOD), Waits()
    async with asking(transport, waits) as client:
        first, *rest = await all_of(client.stream_chat(QUESTION))
    assert isinstance(first, Retrying)
    assert (first.attempt, first.delay_s) == (1, 0.5)
    assert text_of(rest) == "good"
    assert waits.delays_s == [0.5]
    assert len(transport.requests) == 2


async def test_the_last_attempt_raises_what_went_wrong() -> None:
    transport, waits = ReplayTransport(refusal(503, "still no provider")), Waits()
    async with (
        asking(transport, waits, max_attempts=4) as client,
        aclosing(client.stream_chat(QUESTION)) as events,
    ):
        told = [await anext(events) for _ in range(3)]
        with pytest.raises(Unavailable, match="still no provider"):
            await anext(events)
    assert [event.attempt for event in told if isinstance(event, Retrying)] == [1, 2, 3]
    assert waits.delays_s == [0.5, 1.0, 2.0]
    assert len(transport.requests) == 4


async def test_the_wait_that_the_answer_names_is_kept() -> None:
    waits = Waits()
    transport = ReplayTransport(refusal(429, "slow down", **{"retry-after": "9"}), GOOD)
    async with asking(transport, waits) as client:
        await all_of(client.stream_chat(QUESTION))
    assert waits.delays_s == [9.5]


async def test_a_stream_that_fails_before_its_first_token_is_asked_again() -> None:
    async with asking(ReplayTransport(FULL, GOOD)) as client:
        events = await all_of(client.stream_chat(QUESTION))
    kinds = [type(event).__name__ for event in events]
    assert kinds.index("Retrying") < kinds.index("TextDelta")
    (retrying,) = [event for event in events if isinstance(event, Retrying)]
    assert retrying.error.generation_id == "gen-1784000111-FullHotel00000000011"
    assert not failures_of(events)
    assert text_of(events) == "good"


async def test_the_last_stream_that_fails_before_its_first_token_ends_with_the_failure() -> None:
    async with asking(ReplayTransport(FULL), max_attempts=2) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert [type(event) for event in events].count(Retrying) == 1
    assert isinstance(events[-1], Failed)


async def test_nothing_is_asked_again_after_the_first_token() -> None:
    failing = chunk("half ") + chunk("", error={"code": 502, "message": "gone"})
    transport = ReplayTransport(Reply(body=failing.encode()), GOOD)
    async with asking(transport) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert len(transport.requests) == 1
    assert text_of(events) == "half "
    assert [failed.error.may_have_cost for failed in failures_of(events)] == [True]


async def test_nothing_is_asked_again_that_came_with_a_bill() -> None:
    failing = chunk(
        "", error={"code": 502, "message": "gone"}, usage={"prompt_tokens": 9, "cost": 1}
    )
    transport = ReplayTransport(Reply(body=failing.encode()), GOOD)
    async with asking(transport) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert len(transport.requests) == 1
    assert failures_of(events)
    assert bill_of(events).cost_usd == 1
