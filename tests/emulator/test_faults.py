"""Every fault can be ordered, and does on the wire what it says."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import httpx
import pytest

from openrouter.emulator.settings import instant
from tests.emulator.conftest import connected
from tests.emulator.reading import CALM, ask, billed, faulty, read, read_broken, whole


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("400", 400, "Invalid input"),
        ("400-raw", 400, "Provider returned error"),
        ("401", 401, "User not found."),
        ("402", 402, "can only afford 17"),
        ("402-key", 402, "settings/keys"),
        ("403", 403, "flagged"),
        ("403-guardrail", 403, "prompt injection"),
        ("404", 404, "No endpoints found"),
        ("408", 408, "timed out"),
        ("413", 413, "Too Large"),
        ("422", 422, "Unprocessable"),
        ("429", 429, "Provider returned error"),
        ("429-minute", 429, "free-models-per-min"),
        ("429-day", 429, "free-models-per-day"),
        ("500", 500, "Internal Server Error"),
        ("502", 502, "Provider returned error"),
        ("503", 503, "No instances available"),
        ("504", 504, "Timeout"),
        ("529", 529, "overloaded"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_refusal_is_an_envelope_with_its_status(
    fault: str, status: int, words: str, stream: bool
) -> None:
    async with connected() as (client, emulator):
        response = await client.post("/chat/completions", json=faulty(fault, stream=stream))
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, status)
    assert words in error["message"]
    assert len(emulator.bill) == 0


async def test_the_two_kinds_of_429_can_be_told_apart() -> None:
    async with connected() as (client, _):
        minute = await client.post("/chat/completions", json=faulty("429-minute retry_after=7"))
        day = await client.post("/chat/completions", json=faulty("429-day"))
    assert minute.headers["retry-after"] == "7"
    assert "retry-after" not in day.headers
    assert day.json()["error"]["metadata"]["headers"]["X-RateLimit-Remaining"] == "0"


@pytest.mark.parametrize(
    ("fault", "status"),
    [("502-html", 502), ("520-html", 520), ("524-html", 524), ("200-html", 200)],
)
async def test_the_edge_answers_with_a_page(fault: str, status: int) -> None:
    async with connected() as (client, _):
        response = await client.post("/chat/completions", json=faulty(fault))
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<!DOCTYPE html>")


async def test_an_error_can_hide_behind_status_200() -> None:
    async with connected() as (client, _):
        response = await client.post("/chat/completions", json=faulty("200-error"))
    assert response.status_code == 200
    assert response.json()["error"]["code"] == 502


async def test_an_error_without_usage_is_free_of_charge() -> None:
    async with connected() as (client, emulator):
        stream = await read(client, faulty("error after=4"))
    assert len([delta for delta in stream.deltas if delta["content"]]) == 4
    assert stream.errors[0]["code"] == 502
    assert stream.finishes == ["error"]
    assert not stream.usages
    assert stream.is_done
    assert billed(emulator, stream.id) == 0


async def test_an_error_with_usage_costs_what_it_says() -> None:
    async with connected() as (client, emulator):
        stream = await read(client, faulty("error after=4 usage=1 code=503"))
    assert stream.errors[0]["code"] == 503
    assert billed(emulator, stream.id) == stream.usages[0]["cost"] > 0


async def test_an_error_may_be_billed_although_nobody_said_so() -> None:
    async with connected() as (client, emulator):
        stream = await read(client, faulty("error after=4 billed=1"))
    assert not stream.usages
    assert billed(emulator, stream.id) > 0


async def test_an_error_code_may_be_a_word() -> None:
    async with connected() as (client, _):
        stream = await read(client, faulty("string-code after=1"))
    assert stream.errors[0]["code"] == "server_error"


async def test_an_error_may_come_with_empty_choices_before_any_text() -> None:
    async with connected() as (client, _):
        stream = await read(client, faulty("error-empty-choices"))
    assert stream.text == ""
    assert stream.chunks[0]["choices"] == []
    assert stream.errors


async def test_an_error_may_follow_two_finish_chunks_and_bring_usage() -> None:
    async with connected() as (client, emulator):
        stream = await read(client, faulty("length-then-error after=2"))
    assert stream.finishes == ["length", "length"]
    assert stream.chunks[-1]["choices"][0]["finish_reason"] is None
    assert stream.errors[0]["message"] == "Token limit reached"
    assert billed(emulator, stream.id) == stream.usages[0]["cost"] > 0


async def test_a_finish_reason_may_be_error_without_an_error_object() -> None:
    async with connected() as (client, _):
        stream = await read(client, faulty("finish-error"))
        answer = await whole(client, faulty("finish-error"))
    assert stream.finishes[0] == "error"
    assert not stream.errors
    assert answer["choices"][0]["finish_reason"] == "error"
    assert answer["choices"][0]["message"]["content"] is None


@pytest.mark.parametrize(
    ("fault", "is_charged"), [("finish-error", 0), ("finish-error billed=1", 1)]
)
async def test_what_the_usage_of_a_failed_answer_says_is_what_is_billed(
    fault: str, is_charged: int
) -> None:
    async with connected() as (client, emulator):
        stream = await read(client, faulty(fault))
        answer = await whole(client, faulty(fault))
    assert stream.usages[-1]["completion_tokens"] > 0
    assert billed(emulator, stream.id) == stream.usages[-1]["cost"]
    assert billed(emulator, answer["id"]) == answer["usage"]["cost"]
    assert (stream.usages[-1]["cost"] > 0) == is_charged


@pytest.mark.parametrize("after", [0, 3])
async def test_a_cut_breaks_the_connection_and_bills_what_was_written(after: int) -> None:
    async with connected() as (client, emulator):
        stream = await read_broken(client, faulty(f"cut after={after}"))
        complete = await read(client, CALM)
    assert len([delta for delta in stream.deltas if delta["content"]]) == after
    assert emulator.text_sent(stream.id) == stream.text
    assert complete.text.startswith(stream.text)
    entry = emulator.bill.find(stream.id)
    assert entry is not None
    assert not entry.usage_sent
    assert 0 < entry.cost < billed(emulator, complete.id)


async def test_a_reset_gives_no_answer_at_all() -> None:
    async with connected() as (client, emulator):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/chat/completions", json=faulty("reset"))
    assert len(emulator.bill) == 0


@pytest.mark.parametrize("fault", ["stall after=3", "keepalives after=3"])
async def test_a_stall_lasts_until_the_client_leaves(fault: str) -> None:
    async with connected(instant(keep_alive_s=0.01)) as (client, emulator):
        raw = b""
        async with client.stream("POST", "/chat/completions", json=faulty(fault)) as response:
            pieces = response.aiter_bytes()
            with suppress(TimeoutError):
                while piece := await asyncio.wait_for(anext(pieces), 0.5):
                    raw += piece
                    if raw.count(b": OPENROUTER") > 20:
                        break
        assert raw.count(b'"content":') == 3
        assert (raw.count(b": OPENROUTER") > 3) == fault.startswith("keepalives")
        entry = emulator.bill.find(response.headers["x-generation-id"])
    assert entry is not None
    assert entry.cancelled


async def test_a_body_may_end_without_finish_usage_and_done() -> None:
    async with connected() as (client, _):
        stream = await read(client, faulty("eof after=3"))
    assert stream.text
    assert (stream.finishes, stream.usages, stream.is_done) == ([], [], False)


async def test_what_is_not_json_is_followed_by_done() -> None:
    async with connected() as (client, _):
        response = await client.post("/chat/completions", json=faulty("bad-json after=0"))
    first = response.text.split("\n")[0].removeprefix("data: ")
    with pytest.raises(json.JSONDecodeError):
        json.loads(first)


async def test_oddities_leave_the_answer_whole() -> None:
    async with connected() as (client, emulator):
        calm = await read(client, CALM)
        for oddity in ("crlf", "no-space", "no-role", "data-comments", "split-utf8", "one-chunk"):
            stream = await read(client, faulty(oddity))
            assert stream.text == calm.text, oddity
            assert stream.is_done, oddity
            assert stream.raw != calm.raw, oddity
            assert billed(emulator, stream.id) == stream.usages[-1]["cost"], oddity


async def test_crlf_ends_every_line() -> None:
    async with connected() as (client, _):
        stream = await read(client, faulty("crlf"))
    assert stream.raw.count(b"\r\n") == stream.raw.count(b"\n")


async def test_slices_fall_into_the_middle_of_characters() -> None:
    async with connected() as (client, _):
        body = ask("[[say: 千里之行 始于足下 äöü 🙂]] [[fault: split-utf8]]")
        async with client.stream("POST", "/chat/completions", json=body) as response:
            pieces = [piece async for piece in response.aiter_raw()]

    def is_text(piece: bytes) -> bool:
        try:
            piece.decode()
        except UnicodeDecodeError:
            return False
        return True

    assert not all(is_text(piece) for piece in pieces)
    assert max(map(len, pieces)) <= 7


@pytest.mark.parametrize(
    ("fault", "finishes", "usages", "done"),
    [
        ("no-done", ["stop", "stop"], 1, False),
        ("no-usage", ["stop"], 0, True),
        ("duplicate-finish", ["stop", "stop", "stop"], 1, True),
        ("usage-empty-choices", ["stop"], 1, True),
        ("usage-null-finish", ["stop"], 1, True),
    ],
)
async def test_an_end_may_have_other_shapes(
    fault: str, finishes: list[str], usages: int, done: bool
) -> None:
    async with connected() as (client, emulator):
        stream = await read(client, faulty(fault))
    assert (stream.finishes, len(stream.usages), stream.is_done) == (finishes, usages, done)
    assert billed(emulator, stream.id) > 0
    if fault == "usage-empty-choices":
        assert stream.chunks[-1]["choices"] == []


async def test_one_line_may_be_megabytes_long() -> None:
    async with connected() as (client, _):
        stream = await read(client, faulty("megabyte after=2 mb=3"))
    assert max(map(len, stream.raw.split(b"\n"))) > 3_000_000


@pytest.mark.parametrize("fault", ["slow-headers s=0.2", "slow-first-token s=0.2"])
async def test_a_slow_answer_runs_into_the_clients_patience(fault: str) -> None:
    async with connected() as (client, _):
        client.timeout = httpx.Timeout(0.05)
        with pytest.raises(httpx.ReadTimeout):
            await read(client, faulty(fault))
        client.timeout = httpx.Timeout(5)
        assert (await read(client, faulty(fault))).is_done


async def test_a_failure_without_a_stream_comes_with_status_200() -> None:
    async with connected() as (client, emulator):
        broken = await whole(client, faulty("error usage=1"))
        bare = await client.post("/chat/completions", json=faulty("string-code", stream=False))
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/chat/completions", json=faulty("cut", stream=False))
        half = await client.post("/chat/completions", json=faulty("bad-json", stream=False))
    assert broken["choices"][0]["error"]["code"] == 502
    assert broken["choices"][0]["finish_reason"] == "error"
    assert billed(emulator, broken["id"]) == broken["usage"]["cost"]
    assert bare.status_code == 200
    assert "error" in bare.json()
    with pytest.raises(json.JSONDecodeError):
        half.json()
