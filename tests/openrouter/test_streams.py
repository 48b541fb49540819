"""The streams of our own writing in tests/streams: each recorded shape, decoded in any slicing."""

from decimal import Decimal

import pytest

from openrouter.errors import InvalidRequest, RateLimited, StreamInterrupted, Unavailable
from openrouter.events import Annotation, Done, Identified, ImageDelta, KeepAlive, ReasoningDetail
from tests.openrouter.answers import (
    NAMES,
    SLICES,
    arguments_of,
    bill_of,
    comparable,
    events_of,
    failures_of,
    reasoning_of,
    reasons_of,
    stream,
    text_of,
)

MANY_SCRIPTS = (
    "Grüße aus 東京 — naïve 🚲\u2028 line separator, \u0085 next line"
    "; “quotes” 👩\u200d👩\u200d👧 ½ €"
)
TEXTS = {
    "finish-twice.sse": "A harbour at dusk: still water,\nslow bells.",
    "finish-null-again.sse": "The tram is late, again.",
    "usage-with-empty-choices.sse": "Apples, pears, plums.",
    "reasoning-with-signature.sse": "No: a king and two knights only draw.",
    "reasoning-encrypted.sse": "Sealed, signed, delivered.",
    "tool-call-in-fragments.sse": "",
    "parallel-tool-calls.sse": "Let me look at both.",
    "citations-before-text.sse": "Spring tides follow the new and the full moon.",
    "image.sse": "A red square:",
    "error-after-length.sse": "Once upon",
    "error-with-empty-choices.sse": "",
    "error-with-string-code.sse": "The sails turned, then ",
    "finish-error-without-error.sse": "",
    "debug-first.sse": "All clear.",
    "cut-in-mid-answer.sse": "The knot holds until the rope",
    "keep-alives-only.sse": "",
    "many-scripts.sse": MANY_SCRIPTS,
    "served-by-another-model.sse": "The understudy speaks.",
    "from-a-gateway.sse": "No space, no role, no empty line.",
    "split-surrogates.sse": "Half a bicycle 🚲 and a lone \ufffd half",
    "answer-padded.json": "Worth the wait.",
    "answer-with-error-in-choice.json": "Half of it",
    "error-with-status-200.json": "",
}
TEXTS |= {f"many-scripts-{end}.sse": TEXTS["many-scripts.sse"] for end in ("cr", "crlf")}


@pytest.mark.parametrize("size", SLICES)
@pytest.mark.parametrize("name", NAMES)
def test_a_stream_tells_the_same_in_every_slicing(name: str, size: int) -> None:
    assert comparable(events_of(stream(name), size)) == comparable(events_of(stream(name)))


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_tells_its_text_and_nothing_else(name: str) -> None:
    assert text_of(events_of(stream(name))) == TEXTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_names_its_end_once(name: str) -> None:
    events = events_of(stream(name))
    assert len(reasons_of(events)) == len(set(reasons_of(events)))
    assert reasons_of(events) or failures_of(events)
    assert len(failures_of(events)) <= 1
    assert all(event is events[-1] for event in events if isinstance(event, Done))


@pytest.mark.parametrize(
    ("name", "cost_usd"),
    [
        ("finish-twice.sse", "0.000069"),
        ("finish-null-again.sse", "0.0000225000"),
        ("usage-with-empty-choices.sse", "6.34E-8"),
        ("citations-before-text.sse", "0.0076120000000000003"),
        ("served-by-another-model.sse", "0.00002075"),
        ("answer-padded.json", "6E-8"),
        ("error-after-length.sse", "0"),
    ],
)
def test_a_cost_keeps_every_digit_of_its_text(name: str, cost_usd: str) -> None:
    told = bill_of(events_of(stream(name))).cost_usd
    assert told is not None
    assert told.as_tuple() == Decimal(cost_usd).as_tuple()


def test_reasoning_comes_as_text_and_as_details_with_the_signature_last() -> None:
    events = events_of(stream("reasoning-with-signature.sse"))
    details = [event.detail for event in events if isinstance(event, ReasoningDetail)]
    assert reasoning_of(events) == "Two knights cannot force mate."
    assert [detail.get("text") for detail in details] == [
        "Two knights",
        " cannot force mate.",
        None,
    ]
    assert details[-1]["signature"] == "U2lnbmF0dXJl+/8A" * 40 + "=="


def test_an_encrypted_detail_comes_whole_with_what_nobody_knows_in_it() -> None:
    events = events_of(stream("reasoning-encrypted.sse"), 7)
    (detail,) = [event.detail for event in events if isinstance(event, ReasoningDetail)]
    assert detail["data"] == "gAAAA" + "Zm9vYmFy_-" * 300
    assert detail["vendor_note"] == {"kept": True, "weight": 1e-7, "big": 12345678901234567890123}


def test_the_arguments_of_a_call_are_joined_in_their_order() -> None:
    events = events_of(stream("tool-call-in-fragments.sse"))
    assert arguments_of(events, 0) == '{"place":"Cuxhaven","height_m":10.5}'


def test_calls_in_parallel_are_told_apart_by_their_index() -> None:
    events = events_of(stream("parallel-tool-calls.sse"))
    assert [arguments_of(events, index) for index in range(3)] == ['{"line":7}', '{"line":9}', ""]


def test_citations_come_as_they_are_before_the_text() -> None:
    events = events_of(stream("citations-before-text.sse"))
    urls = [e.annotation["url_citation"]["url"] for e in events if isinstance(e, Annotation)]
    assert urls == [
        "https://example.org/tides",
        "https://example.net/moon?phase=new&lang=de",
        "javascript:alert(1)",
    ]


def test_an_image_comes_as_its_address() -> None:
    (image,) = [e for e in events_of(stream("image.sse")) if isinstance(e, ImageDelta)]
    assert image.url.startswith("data:image/png;base64,iVBORw0KGgo")


def test_keep_alives_are_told_between_the_other_events() -> None:
    events = events_of(stream("finish-twice.sse"))
    assert sum(isinstance(event, KeepAlive) for event in events) == 3


def test_the_one_who_answers_is_told_before_the_first_text() -> None:
    who = events_of(stream("served-by-another-model.sse"))[0]
    assert who == Identified(
        "gen-1783000118-SpareWheel0000000018", "example/understudy", "Stage Door"
    )


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("error-after-length.sse", InvalidRequest, 400),
        ("error-with-empty-choices.sse", Unavailable, 502),
        ("error-with-string-code.sse", Unavailable, 500),
        ("finish-error-without-error.sse", Unavailable, None),
        ("cut-in-mid-answer.sse", StreamInterrupted, None),
        ("keep-alives-only.sse", StreamInterrupted, None),
        ("answer-with-error-in-choice.json", Unavailable, 502),
        ("error-with-status-200.json", RateLimited, 429),
    ],
)
def test_a_failure_is_of_its_kind(name: str, kind: type[Exception], status: int | None) -> None:
    (failed,) = failures_of(events_of(stream(name)))
    assert (type(failed.error), failed.error.status) == (kind, status)
