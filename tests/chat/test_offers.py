"""Each line of what OpenRouter offers inside a conversation, from the form to the other side.

The body is the one that came to the emulator, and is held against OpenRouter's own document.
Pictures that models draw are in test_offers_pictures.py.
"""

from __future__ import annotations

import base64
import json
from decimal import Decimal

import pytest
from django.urls import reverse
from pytest_django import Settings

from billing.pricebook_models import PriceEntry
from chat.models import Message
from chat.wishes import SEARCHES
from routing.services import models_by_slug
from tests.chat.offered import (
    CLAUDE,
    GEMINI,
    GPT,
    HTMX,
    MP3,
    PAINTER,
    PDF,
    PLAIN,
    PNG,
    WAV,
    Desk,
    documented,
    last_parts,
    reserved,
    stock,
)

pytestmark = pytest.mark.shared


# --- In: pictures, PDF, recordings, text


def test_images_in(desk: Desk) -> None:
    reply, body = desk.send("What is this?", model=CLAUDE, files=[desk.attach("a.png", PNG)])
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert last_parts(body)[1] == {"type": "image_url", "image_url": {"url": url}}
    assert reply.state == "done"


def test_pdfs_in_and_their_annotations_back_so_that_they_are_not_parsed_twice(desk: Desk) -> None:
    first, body = desk.send("Sum it up", model=CLAUDE, files=[desk.attach("a.pdf", PDF)])
    data = "data:application/pdf;base64," + base64.b64encode(PDF).decode()
    file = {"filename": "a.pdf", "file_data": data}
    assert last_parts(body)[1] == {"type": "file", "file": file}
    assert body["plugins"] == [{"id": "file-parser", "pdf": {"engine": "cloudflare-ai"}}]
    assert [each["type"] for each in first.annotations or ()] == ["file"]
    _, again = desk.send("And in one word?", model=CLAUDE)
    assert documented(again)["messages"][1]["annotations"] == first.annotations


def test_a_model_that_reads_files_is_given_the_pdf_itself(desk: Desk) -> None:
    _, body = desk.send("Sum it up", model=GEMINI, files=[desk.attach("a.pdf", PDF)])
    assert documented(body)["plugins"] == [{"id": "file-parser", "pdf": {"engine": "native"}}]


@pytest.mark.parametrize(("name", "content", "told"), [("a.wav", WAV, "wav"), ("b", MP3, "mp3")])
def test_audio_in_as_base64_alone(desk: Desk, name: str, content: bytes, told: str) -> None:
    reply, body = desk.send("What is said?", model=GEMINI, files=[desk.attach(name, content)])
    data = base64.b64encode(content).decode()
    part = {"type": "input_audio", "input_audio": {"data": data, "format": told}}
    assert last_parts(body)[1] == part
    assert reply.state == "done"
    html = desk.browser.get(reply.conversation.get_absolute_url()).content.decode()
    assert f"<span>{name}</span>" in html
    assert "KB</small>" in html


def test_auto_gives_a_recording_to_a_model_that_hears(desk: Desk) -> None:
    reply, body = desk.send("What is said?", files=[desk.attach("a.wav", WAV)])
    asked = [body["model"], *body.get("models", ())]
    assert all("audio" in models_by_slug()[slug].inputs for slug in asked)
    assert reply.state == "done"


def test_what_hearing_costs_more_than_reading_is_held(desk: Desk) -> None:
    """One is priced as its text, the other by the price of audio: 2 s are 64 tokens at most."""
    heard, _ = desk.send("What?", model=GEMINI, files=[desk.attach("a.wav", WAV)])
    prices = PriceEntry.objects.get(model=GEMINI).prices
    prices["audio"] = "0.001"
    PriceEntry.objects.bulk_create([PriceEntry(model=GEMINI, prices=prices)])
    desk.conversation = None
    dearer, _ = desk.send("What?", model=GEMINI, files=[desk.attach("a.wav", WAV)])
    assert reserved(dearer) - reserved(heard) > Decimal("0.05")


def test_text_files_in(desk: Desk) -> None:
    _, body = desk.send("What is this?", model=PLAIN, files=[desk.attach("a.md", b"# Hi")])
    assert last_parts(body)[1] == {"type": "text", "text": "a.md:\n\n# Hi"}


# --- Web search


def test_web_search_by_the_server_tool_with_citations(desk: Desk) -> None:
    desk.wish(search="on")
    reply, body = desk.send("What is new about tea?", model=CLAUDE)
    [tool] = documented(body)["tools"]
    assert tool["type"] == "openrouter:web_search"
    assert tool["parameters"]["max_uses"] == SEARCHES
    assert "plugins" not in body
    assert "models" not in body, "a server tool with fallbacks is refused"
    html = desk.browser.get(reply.conversation.get_absolute_url()).content.decode()
    assert 'class="host">example.org<' in html


def test_web_search_by_the_plugin_for_a_model_without_tools_with_citations_alike(
    desk: Desk,
) -> None:
    desk.wish(search="on")
    reply, body = desk.send("What is new about tea?", model=PLAIN)
    assert documented(body)["plugins"] == [{"id": "web", "max_results": 5}]
    assert "tools" not in body
    html = desk.browser.get(reply.conversation.get_absolute_url()).content.decode()
    assert 'class="host">example.org<' in html


def test_auto_searches_by_the_tool_where_a_model_has_it_and_else_by_the_plugin(desk: Desk) -> None:
    desk.wish(search="on")
    _, body = desk.send("What is new about tea?")
    assert "tools" in documented(body)
    stock(PLAIN)
    _, body = desk.send("And about coffee?")
    assert documented(body)["plugins"] == [{"id": "web", "max_results": 5}]


# --- Thinking


def test_effort(desk: Desk) -> None:
    desk.wish(effort="high")
    _, body = desk.send("Why?", model=GPT)
    assert documented(body)["reasoning"] == {"effort": "high"}
    _, body = desk.send("Why?", model=PLAIN)
    assert "reasoning" not in documented(body), "it does not think"


@pytest.mark.parametrize("model", [GPT, CLAUDE, GEMINI])
def test_thoughts_are_kept_whole_and_given_back_unchanged(desk: Desk, model: str) -> None:
    desk.wish(effort="low")
    first, _ = desk.send("Why is the sky blue?", model=model)
    details = first.reasoning_details
    assert details
    texts = [each.get("text") or each.get("summary") for each in details]
    assert texts[0] == first.reasoning, "the pieces are joined"
    sealed = details[-1].get("signature") or details[-1].get("data")
    assert sealed
    _, body = desk.send("And at night?", model=model)
    assert documented(body)["messages"][1]["reasoning_details"] == details
    _, third = desk.send("And at dawn?", model=model)
    assert third["messages"][1]["reasoning_details"] == details


def test_thoughts_of_one_vendor_are_not_shown_to_another(desk: Desk) -> None:
    desk.wish(effort="low")
    first, _ = desk.send("Why is the sky blue?", model=GPT)
    assert first.reasoning_details
    for other in (GEMINI, CLAUDE, "openrouter/auto"):
        reply, body = desk.send("And at night?", model=other)
        assert "reasoning_details" not in documented(body)["messages"][1]
        assert reply.state == "done"


def test_thoughts_that_were_cut_are_not_given_back(desk: Desk) -> None:
    desk.wish(effort="low")
    first, _ = desk.send("Why is the sky blue?", model=GPT)
    Message.objects.filter(pk=first.pk).update(state="stopped")
    _, body = desk.send("And at night?", model=GPT)
    assert "reasoning_details" not in body["messages"][1]


# --- Structured output


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def test_structured_output_validated_and_shown_as_a_tree(desk: Desk) -> None:
    desk.wish(schema=json.dumps(SCHEMA))
    reply, body = desk.send("Which city?", model=GPT)
    told = documented(body)["response_format"]
    assert told["type"] == "json_schema"
    assert told["json_schema"]["schema"] == SCHEMA
    assert body["provider"] == {"require_parameters": True}
    html = desk.browser.get(reply.conversation.get_absolute_url()).content.decode()
    assert 'class="tree"' in html
    assert "does not keep to its schema" not in html
    assert desk.post("Which?", model=PLAIN).status_code == 400, "it keeps to none"


# --- Continue


def test_continue_after_a_cut_by_length_begins_with_what_is_there(
    desk: Desk, settings: Settings
) -> None:
    settings.MAX_COMPLETION_TOKENS = 30
    reply, _ = desk.send("Write an essay about tea", model=CLAUDE)
    assert reply.is_cut
    settings.MAX_COMPLETION_TOKENS = 8_192
    url = reverse("chat:go_on", args=[reply.pk])
    assert desk.browser.post(url, {"nonce": "more"}, headers=HTMX).status_code == 204
    whole, body = desk.written()
    begun = {"role": "assistant", "content": reply.text.rstrip()}
    assert documented(body)["messages"][-1] == begun
    assert whole.text.startswith(reply.text.rstrip())
    assert len(whole.text) > len(reply.text)


# --- What a model lacks


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [("a.png", PNG, "cannot read images"), ("a.wav", WAV, "cannot listen to audio")],
)
def test_a_model_that_lacks_a_sense_is_not_asked(
    desk: Desk, name: str, content: bytes, why: str
) -> None:
    response = desk.post("What is this?", model=PLAIN, files=[desk.attach(name, content)])
    assert response.status_code == 400
    assert why in response.content.decode()
    assert not Message.objects.exists()


def test_what_the_picked_model_cannot_do_is_not_offered_by_the_form(desk: Desk) -> None:
    def offered(model: str) -> set[str]:
        html = desk.browser.get(reverse("chat:wishes"), {"model": model}).content.decode()
        fields = {name: html.split(f'name="{name}"')[1].split(">")[0] for name in
                  ("effort", "picture", "schema", "search")}  # fmt: skip
        return {name for name, tag in fields.items() if "disabled" not in tag}

    assert offered("") == {"effort", "picture", "schema", "search"}
    assert offered(PLAIN) == {"search"}
    assert offered(CLAUDE) == {"effort", "schema", "search"}
    assert "picture" in offered(PAINTER)


def test_a_wish_that_no_longer_fits_can_be_taken_back(desk: Desk) -> None:
    desk.wish(picture="on")
    html = desk.browser.get(reverse("chat:wishes"), {"model": PLAIN}).content.decode()
    tag = html.split('name="picture"')[1].split(">")[0]
    assert "disabled" not in tag
    assert "checked" in tag


def test_the_picker_tells_the_browser_what_each_model_takes(desk: Desk) -> None:
    html = desk.browser.get(reverse("chat:models")).content.decode()
    takes = {
        option.split('value="')[1].split('"')[0]: option.split('data-takes="')[1].split('"')[0]
        for option in html.split('name="model"')[1:]
    }
    assert takes[PLAIN] == "text"
    assert takes[GEMINI] == "text image file audio video"


# --- Estimates


def test_a_chinese_conversation_is_held_for_at_what_it_may_cost(desk: Desk) -> None:
    """A sign of Chinese is about a token; three of English are one."""
    told = []
    for text in ("word" * 500, "水" * 2_000):
        desk.conversation = None
        desk.send(text, model=CLAUDE)
        reply, _ = desk.send("?", model=CLAUDE)
        told.append((reply.decision or {})["prompt_tokens"])
    assert told[1] - told[0] > 1_200
