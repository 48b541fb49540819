"""What OpenRouter really sent, through the writer to the page: each recording of section 8.

A recording that was not streamed is read as a client reads a whole answer on a stream request.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from billing.models import UsageRecord
from billing.pricebook_models import PriceEntry
from chat.models import Message
from chat.reasoning import whole_details
from openrouter.testing import ReplayTransport, Reply
from tests.chat.offered import CLAUDE, GEMINI, GPT, PDF, PLAIN, PNG, Desk, client_of, stock
from tests.openrouter.answers import SHARED

pytestmark = pytest.mark.shared
RECORDINGS = SHARED / "recordings"
SONNET = "anthropic/claude-sonnet-4.6"
JSON_HEADERS = {"content-type": "application/json"}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """With the models of the recordings."""
    stock(CLAUDE, GEMINI, GPT, PLAIN, SONNET)
    return desk


def body_of(name: str) -> bytes:
    [path] = RECORDINGS.glob(f"{name}/response.body.*")
    return path.read_bytes()


def replayed(
    desk: Desk, name: str, *, model: str, files: tuple[str, ...] = ()
) -> tuple[Message, str]:
    """The recording as the answer of a turn: the reply and its page."""
    is_stream = next(RECORDINGS.glob(f"{name}/response.body.*")).suffix == ".sse"
    reply = (
        Reply(body=body_of(name)) if is_stream else Reply(body=body_of(name), headers=JSON_HEADERS)
    )
    desk.client = partial(_asked, reply)
    answered, _ = desk.send("Hello?", model=model, files=files)
    page = desk.browser.get(answered.conversation.get_absolute_url()).content.decode()
    return answered, page


def _asked(reply: Reply) -> Any:
    return client_of(ReplayTransport(reply))


def cost_of(name: str) -> Decimal:
    return Decimal(str(usage_of(name)["cost"]))


def usage_of(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(body_of(name), parse_float=Decimal)["usage"]
    return told


def test_images_in(desk: Desk) -> None:
    key = desk.attach("a.png", PNG)
    reply, _ = replayed(desk, "image-input", model=CLAUDE, files=(key,))
    assert reply.state == "done"
    assert reply.usage is not None
    assert reply.usage.cost_usd == cost_of("image-input")


def test_pdf_annotations_come_back_with_the_next_turn(desk: Desk) -> None:
    key = desk.attach("a.pdf", PDF)
    reply, _ = replayed(desk, "file-annotation-pdf", model=GEMINI, files=(key,))
    [annotation] = reply.annotations or []
    assert annotation["type"] == "file"
    told = json.loads(body_of("file-annotation-pdf"))["choices"][0]["message"]
    assert [annotation] == told["annotations"]
    assert reply.reasoning_details == whole_details(told["reasoning_details"])
    desk.client = None
    _, body = desk.send("And more?", model=GEMINI)
    assert body["messages"][1]["annotations"] == told["annotations"]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("stream-web-search-citations", GPT),
        ("web-search-citations", GPT),
        ("citations-perplexity", GPT),
    ],
)
def test_web_search_with_its_sources(desk: Desk, name: str, model: str) -> None:
    reply, page = replayed(desk, name, model=model)
    cited = [each for each in reply.annotations or () if each["type"] == "url_citation"]
    assert cited
    assert 'aria-label="Sources"' in page
    assert 'rel="noopener noreferrer nofollow"' in page
    assert reply.usage is not None
    assert (reply.usage.cost_usd or 0) > 0


@pytest.mark.parametrize(
    ("name", "model", "types"),
    [
        ("stream-reasoning-anthropic-signature", CLAUDE, ["reasoning.text"]),
        ("stream-reasoning-openai-encrypted", GPT, ["reasoning.encrypted"]),
    ],
)
def test_streamed_thoughts_are_kept_whole_with_what_seals_them(
    desk: Desk, name: str, model: str, types: list[str]
) -> None:
    reply, _ = replayed(desk, name, model=model)
    details = reply.reasoning_details or []
    assert [each["type"] for each in details] == types
    sealed = [each.get("signature") or each.get("data") for each in details]
    assert all(sealed)
    pieces = [
        line for line in body_of(name).decode().split("data: ") if "reasoning_details" in line
    ]
    assert sealed[0] in "".join(pieces), "byte for byte"
    if types == ["reasoning.text"]:
        assert len(pieces) > 5
        assert details[0]["text"] == reply.reasoning


def test_thoughts_of_the_first_turn_are_what_the_second_sent(desk: Desk) -> None:
    """reasoning-signature-turn-2 is what a client sent that is known to have done it well."""
    reply, _ = replayed(desk, "reasoning-signature-turn-1", model=CLAUDE)
    sent = json.loads((RECORDINGS / "reasoning-signature-turn-2" / "request.json").read_text())
    theirs = [m.get("reasoning_details") for m in sent["body"]["messages"]]
    [details] = filter(None, theirs)
    assert [d["type"] for d in reply.reasoning_details or ()] == [d["type"] for d in details]
    assert (reply.reasoning_details or [])[0].get("signature") == details[0].get("signature")


def test_a_json_schema_is_held_against_the_answer(desk: Desk) -> None:
    asked = json.loads((RECORDINGS / "json-schema-anthropic" / "request.json").read_text())
    schema = asked["body"]["response_format"]["json_schema"]["schema"]
    desk.wish(schema=json.dumps(schema))
    _, page = replayed(desk, "json-schema-anthropic", model=CLAUDE)
    assert 'class="tree"' in page
    assert "does not keep to its schema" not in page


# --- The saving of a cache is what the bill says

CACHE = [
    ("cache-write-anthropic", SONNET),
    ("cache-read-anthropic", SONNET),
    ("cache-gemini-first", GEMINI),
    ("cache-gemini-second", GEMINI),
]


@pytest.mark.parametrize(("name", "model"), CACHE)
def test_the_saving_is_the_difference_to_the_bill_of_the_prompt(
    desk: Desk, name: str, model: str
) -> None:
    reply, page = replayed(desk, name, model=model)
    told = usage_of(name)
    paid = Decimal(str(told["cost_details"]["upstream_inference_prompt_cost"]))
    full = told["prompt_tokens"] * Decimal(PriceEntry.objects.get(model=model).prices["prompt"])
    assert reply.saved_usd is not None
    assert abs(reply.saved_usd - (full - paid)) < Decimal("1e-9")
    if reply.saved_usd > 0:
        assert 'class="saved"' in page
    else:
        assert "the next turn is the cheaper for it" in page
    assert UsageRecord.objects.get(pk=reply.usage_id or 0).cost_usd == cost_of(name)


def test_an_answer_cut_by_length_can_go_on(desk: Desk) -> None:
    reply, page = replayed(desk, "stream-finish-length", model=GPT)
    assert reply.is_cut
    assert "go-on" in page
