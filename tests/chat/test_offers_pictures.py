"""Pictures that models draw: asked for, judged, kept, shown while they come and ever after."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from chat.exporting import as_json, as_markdown
from chat.import_formats import read_file
from chat.models import Attachment, Conversation, Message
from chat.pictures import NoPicture, read_picture
from chat.sharing import revoke, share
from chat.wishes import PICTURE_USD
from openrouter.events import (
    Done,
    Finished,
    Identified,
    ImageDelta,
    StreamEvent,
    TextDelta,
    Usage,
    UsageReported,
)
from openrouter.testing import ReplayTransport, Reply, ScriptedClient
from routing.services import models_by_slug
from tests.chat.offered import CLAUDE, PAINTER, PLAIN, PNG, Desk, client_of, documented, stock
from tests.openrouter.answers import stream

URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
ENDING: Sequence[StreamEvent] = (
    Finished("stop"),
    UsageReported(Usage(9, 2, cost_usd=Decimal("0.04"))),
    Done(),
)


def page_of(desk: Desk, reply: Message) -> str:
    return desk.browser.get(reply.conversation.get_absolute_url()).content.decode()


def picture_of(reply: Message) -> dict[str, Any]:
    assert reply.files
    [file] = reply.files
    told: dict[str, Any] = file
    return told


def drawn(desk: Desk, *events: StreamEvent) -> Message:
    """A reply in which these events came."""
    begun = Identified("gen-1", PAINTER, "Google")
    desk.client = partial(ScriptedClient, begun, *events, *ENDING)
    return desk.send("Draw a bee", model=PAINTER)[0]


# --- Asked for


@pytest.mark.shared
def test_a_picture_is_asked_for_by_a_wish_and_auto_finds_who_draws(desk: Desk) -> None:
    desk.wish(picture="on")
    reply, body = desk.send("Draw a bee")
    assert documented(body)["modalities"] == ["image", "text"]
    asked = [body["model"], *body.get("models", ())]
    assert all("image" in models_by_slug()[slug].outputs for slug in asked)
    assert picture_of(reply)["kind"] == "image"


@pytest.mark.shared
def test_a_model_that_draws_is_asked_for_pictures_by_its_choice(desk: Desk) -> None:
    _, body = desk.send("Draw a bee", model=PAINTER)
    assert documented(body)["modalities"] == ["image", "text"]


def test_one_that_does_not_is_not_asked(desk: Desk) -> None:
    _, body = desk.send("Draw a bee", model=CLAUDE)
    assert "modalities" not in body
    desk.wish(picture="on")
    refused = desk.post("Draw a bee", model=CLAUDE)
    assert refused.status_code == 400
    assert "makes no pictures" in refused.content.decode()
    stock(CLAUDE, PLAIN)
    assert "No model that fits can make pictures" in desk.post("Draw").content.decode()


def test_without_the_wish_auto_never_chooses_one_that_draws(desk: Desk) -> None:
    stock(PAINTER)
    refused = desk.post("Draw a bee")
    assert refused.status_code == 400


def test_a_picture_is_held_for(desk: Desk) -> None:
    reply, _ = desk.send("Draw a bee", model=PAINTER)
    assert reply.call is not None
    listed = Decimal((reply.decision or {})["worst_case_usd"])
    assert reply.call.reserved_usd == listed + PICTURE_USD


# --- Kept and shown


def test_it_is_shown_as_it_comes_stays_and_is_the_owners_alone(
    desk: Desk, eve: User, client: Client
) -> None:
    reply, _ = desk.send("Draw a bee", model=PAINTER)
    picture = picture_of(reply)
    address = reverse("chat:file", args=[picture["id"]])
    coming = next(frame for frame in desk.frames if f'src="{address}"' in frame)
    assert f'id="m{reply.pk}-pictures"' in coming, "before the end"
    assert 'data-state="done"' not in coming
    assert f'src="{address}"' in desk.frames[-1], "and with it"
    html = page_of(desk, reply)
    assert f'src="{address}"' in html, "after a reload"
    assert f'width="{picture["width"]}" height="{picture["height"]}"' in html
    response = client.get(address)
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert response["Content-Disposition"].startswith("attachment")
    assert "base64" not in reply.text
    client.force_login(eve)
    assert client.get(address).status_code == 404


def test_an_answer_of_a_picture_alone_is_an_answer(desk: Desk) -> None:
    reply = drawn(desk, ImageDelta(URL))
    assert (reply.text, reply.state) == ("", "done")
    html = page_of(desk, reply)
    assert "without saying anything" not in html
    assert reverse("chat:file", args=[picture_of(reply)["id"]]) in html


def test_a_picture_that_comes_twice_is_kept_once(desk: Desk) -> None:
    reply = drawn(desk, ImageDelta(URL), TextDelta("A bee."), ImageDelta(URL))
    assert len(reply.files or ()) == 1
    assert Attachment.objects.count() == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("data:image/png;base64,AAAA", "of a kind that is not shown"),
        ("data:image/svg+xml;base64,PHN2Zz4=", "of a kind that is not shown"),
        ("data:image/png;base64,JVBERi0xLjQK", "of a kind that is not shown"),  # a PDF
        ("data:image/png;base64,%%%", "of a kind that is not shown"),
        ("data:image/png,raw", "of a kind that is not shown"),
        ("data:image/png;base64," + "A" * 1_400_000, "too large"),
        ("https://e.org/bee.png", "[A picture](<https://e.org/bee.png>)"),
        ("https://e.org/><script>", "%3E%3Cscript%3E"),
        ("javascript:alert(1)", "no picture"),
        ("", "no picture"),
    ],
)
def test_what_is_no_picture_is_named_in_the_answer_and_nothing_is_fetched(
    desk: Desk, settings: Settings, url: str, said: str
) -> None:
    settings.MAX_ATTACHMENT_MB = 1
    with pytest.raises(NoPicture) as refused:
        read_picture(url)
    assert said in refused.value.instead
    reply = drawn(desk, TextDelta("Here:"), ImageDelta(url))
    assert reply.state == "done"
    assert said in reply.text
    assert not Attachment.objects.exists()
    assert "<script>" not in reply.html


def test_an_answer_has_a_bounded_number_of_pictures(desk: Desk) -> None:
    urls = [
        "data:image/png;base64," + base64.b64encode(PNG + bytes([number])).decode()
        for number in range(20)
    ]
    reply = drawn(desk, *map(ImageDelta, urls))
    assert len(reply.files or ()) == 16
    assert reply.text.count("was left out") == 4


def test_what_was_paid_for_is_kept_beyond_the_bound_of_ones_files(
    desk: Desk, settings: Settings
) -> None:
    settings.MAX_ATTACHMENTS_MB_PER_USER = 0
    assert drawn(desk, ImageDelta(URL)).files


def test_a_full_disk_costs_the_picture_and_not_the_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chat.pictures.store", full)
    reply = drawn(desk, TextDelta("A bee: "), ImageDelta(URL), TextDelta("done."))
    assert reply.state == "done"
    assert "could not be stored" in reply.text
    assert reply.text.endswith("done.")


def test_a_recorded_stream_with_a_picture(desk: Desk) -> None:
    """tests/streams/image.sse, as the wire has it."""
    desk.client = lambda: client_of(ReplayTransport(Reply(body=stream("image.sse"))))
    reply, _ = desk.send("Draw a red square", model=PAINTER)
    assert reply.text == "A red square:"
    assert picture_of(reply)["media_type"] == "image/png"
    assert reply.usage is not None
    assert reply.usage.cost_usd == Decimal("0.03871")


# --- Given back


@pytest.mark.shared
def test_a_picture_goes_back_to_a_model_that_sees_and_to_no_other(desk: Desk) -> None:
    reply, _ = desk.send("Draw a bee", model=PAINTER)
    content = Attachment.objects.get().path.read_bytes()
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    _, body = desk.send("Make it blue", model=PAINTER)
    assert documented(body)["messages"][1]["images"] == [
        {"type": "image_url", "image_url": {"url": url}}
    ]
    blind, body = desk.send("What rhymes with bee?", model=PLAIN)
    assert "images" not in documented(body)["messages"][1]
    assert blind.state == "done"
    assert reply.text


# --- Shared, exported, imported


def test_a_share_shows_what_a_model_drew_and_only_names_what_was_attached(
    desk: Desk, client: Client
) -> None:
    key = desk.attach("me.png", PNG)
    reply, _ = desk.send("Draw me as a bee", model=PAINTER, files=[key])
    link = share(reply.conversation, days="1", shown_name="")
    client.logout()
    page = client.get(reverse("chat:shared", args=[link.token])).content.decode()
    address = reverse("chat:shared_picture", args=[link.token, picture_of(reply)["id"]])
    assert f'src="{address}"' in page
    assert "With me.png, which is not shared" in page
    response = client.get(address)
    assert response["Content-Type"] == "image/png"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]
    uploaded = reverse("chat:shared_picture", args=[link.token, key])
    assert client.get(uploaded).status_code == 404
    revoke(link)
    assert client.get(address).status_code == 404


def test_a_share_shows_no_picture_of_another_conversation(desk: Desk, client: Client) -> None:
    secret, _ = desk.send("Draw a bee", model=PAINTER)
    desk.conversation = None
    public, _ = desk.send("Hello?", model=CLAUDE)
    link = share(public.conversation, days="1", shown_name="")
    address = reverse("chat:shared_picture", args=[link.token, picture_of(secret)["id"]])
    assert client.get(address).status_code == 404


def test_exports_name_files_and_an_import_says_that_they_are_missing(desk: Desk) -> None:
    reply, _ = desk.send("Draw me", model=PAINTER, files=[desk.attach("me.png", PNG)])
    conversation = Conversation.objects.get(pk=reply.conversation_id)
    markdown = as_markdown(conversation)
    assert "(Files: me.png)" in markdown
    assert "(Pictures: picture-1.png)" in markdown
    told = as_json(conversation)
    assert [[file["name"] for file in each["files"]] for each in told["messages"]] == [
        ["me.png"],
        ["picture-1.png"],
    ]
    whole = {"format": "switchboard-conversations", "version": 1, "conversations": [told]}
    [talk] = read_file(json.dumps(whole).encode())
    assert talk.notes[0].text == "Draw me\n\n[me.png, not in the export]"
    assert talk.notes[1].text.endswith("[picture-1.png, not in the export]")
