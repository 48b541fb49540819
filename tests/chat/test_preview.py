"""The composer's preview says what a send would choose, and leaves nothing behind."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.models import Call
from chat.attachments import attach
from chat.drafts import Draft
from chat.models import Conversation, Message, State
from chat.preview import BURST, Limiter, limiter
from chat.settlement import Timing, settle_reply
from chat.warmth import warm_prompt
from openrouter.results import Architecture, Pricing
from routing.shelf import shelf
from routing.sync import store_catalogue
from tests.chat.conftest import Ask
from tests.chat.test_attachments import PNG
from tests.routing.factories import info

HTMX = {"HX-Request": "true"}
SEEING = Architecture(input_modalities=("text", "image"), output_modalities=("text",))


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    limiter.forget()
    client.force_login(ada)
    return client


def look(page: Client, prompt: str, *, pk: Any = None, **fields: Any) -> Any:
    url = reverse("chat:preview_in", args=[pk]) if pk else reverse("chat:preview")
    return page.post(url, {"prompt": prompt, **fields})


def answered(ask: Ask, prompt: str = "Why?", said: str = "Because.") -> Message:
    turn = ask(prompt)
    settled = settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=Draft([said], model="acme/one-20260501"),
        state=State.DONE,
        timing=Timing(None, 1),
    )
    assert settled is not None
    return settled


def test_it_names_the_model_that_a_send_would_choose_and_its_price(page: Client, ask: Ask) -> None:
    html = look(page, "Why is the sky blue?").content.decode()
    sent = ask("Why is the sky blue?").reply
    assert sent.decision is not None
    assert f'data-slug="{sent.decision["slug"]}"' in html
    assert "$0.00" in html
    assert " to $" in html


def test_nothing_is_stored_or_reserved_and_no_text_is_read(page: Client, ask: Ask) -> None:
    reply = answered(ask)
    before = Message.objects.count(), Call.objects.count(), Conversation.objects.count()
    look(page, "And then?", pk=reply.conversation_id)  # the catalogue is at hand from now on
    with CaptureQueriesContext(connection) as queries:
        assert look(page, "And then?", pk=reply.conversation_id).status_code == 200
    assert (Message.objects.count(), Call.objects.count(), Conversation.objects.count()) == before
    told = [query["sql"] for query in queries]
    assert not any(sql.startswith(("INSERT", "UPDATE", "DELETE")) for sql in told)
    assert not any('"chat_message"."text",' in sql for sql in told)


def test_a_long_conversation_has_its_price_named(page: Client, ask: Ask) -> None:
    reply = answered(ask, said="word " * 4_000)
    html = look(page, "And then?", pk=reply.conversation_id).content.decode()
    assert "tokens of this conversation and its files, sent along" in html


def test_what_the_browser_left_out_of_a_long_text_is_counted(page: Client) -> None:
    short = look(page, "Summarise this").content.decode()
    long = look(page, "Summarise this", left_out=300_000).content.decode()
    assert short != long


def test_a_picture_that_goes_with_it_counts(
    page: Client, ada: User, settings: Settings, tmp_path: Path
) -> None:
    settings.ATTACHMENT_DIR = str(tmp_path)
    blind, sees = info("acme/one"), info("umbra/two", architecture=SEEING)
    store_catalogue([blind, sees], now=timezone.now())
    shelf.forget()
    picture = SimpleUploadedFile("dot.png", PNG, "image/png")
    file = attach(user=ada, upload=picture)
    assert (
        'data-slug="umbra/two"' in look(page, "What is this?", file=str(file.pk)).content.decode()
    )
    assert look(page, "What is this?", file=str(uuid.uuid4())).status_code == 400


def test_what_is_too_much_at_once_is_refused(page: Client) -> None:
    statuses = [look(page, "Hi there").status_code for _ in range(int(BURST) + 4)]
    assert statuses.count(429) >= 3
    assert statuses[0] == 200


def test_the_limit_renews_itself_and_is_each_persons_own() -> None:
    now = [0.0]
    gate = Limiter(clock=lambda: now[0])
    assert [gate.admits(1) for _ in range(8)].count(True) == int(BURST)
    assert gate.admits(2)
    assert not gate.admits(1)
    now[0] += 1
    assert gate.admits(1)


@pytest.mark.parametrize("fields", [{"prompt": ""}, {"prompt": "x" * 20_001}, {"left_out": -1}])
def test_bad_input_is_refused_without_harm(page: Client, fields: dict[str, Any]) -> None:
    response = look(page, **{"prompt": "fine"} | fields)
    assert response.status_code == 400


def test_where_nothing_fits_it_says_so(page: Client) -> None:
    html = look(page, "hello", left_out=10**8).content.decode()
    assert "preview-none" in html


def test_only_its_owner_looks_and_only_signed_in(client: Client, eve: User, ask: Ask) -> None:
    reply = answered(ask)
    assert look(client, "hello").status_code == 302
    client.force_login(eve)
    assert look(client, "hello", pk=reply.conversation_id).status_code == 404


# --- What is warm ---


def test_the_prompt_of_the_last_answer_is_warm(ask: Ask) -> None:
    reply = answered(ask, prompt="w" * 8_000)
    assert reply.parent is not None
    assert reply.ended_at is not None
    question = Message(text="And then?", role="user")
    warm = warm_prompt(
        [reply.parent, reply, question], now=reply.ended_at + dt.timedelta(minutes=1)
    )
    assert warm is not None
    assert (warm.model, warm.tokens, warm.age_s) == ("acme/one-20260501", 2_000, 60)


def test_without_an_answer_nothing_is_warm(ask: Ask) -> None:
    turn = ask()
    assert warm_prompt(turn.messages, now=timezone.now()) is None
    assert warm_prompt([], now=timezone.now()) is None


def test_a_warm_cache_lowers_the_least_price(page: Client, ada: User, ask: Ask) -> None:
    cheap = Pricing(
        prompt_usd=Decimal("0.000001"),
        completion_usd=Decimal("0.000004"),
        input_cache_read_usd=Decimal("0.0000001"),
    )
    store_catalogue([info("acme/one", pricing=cheap), info("acme/two")], now=timezone.now())
    shelf.forget()
    reply = answered(ask, prompt="w" * 40_000)
    warm = look(page, "And then?", pk=reply.conversation_id).content.decode()
    Message.objects.filter(pk=reply.pk).update(ended_at=timezone.now() - dt.timedelta(hours=1))
    cold = look(page, "And then?", pk=reply.conversation_id).content.decode()
    assert 'data-slug="acme/one"' in warm
    assert least(warm) < least(cold)


def least(html: str) -> Decimal:
    found = re.search(r"\$(\d+\.\d+) to ", html)
    assert found is not None
    return Decimal(found[1])
