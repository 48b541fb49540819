"""T6: what others wrote is text on every page, in every fragment and in every frame.

All texts of the database that a person, a model or a provider can choose hold markup, and every
address is read as htmx and as a browser would, the admin's included. That it stays inert in a real
browser is shown by tests/browser/test_hostile*.py with the corpus, and the renderer's own tests are
tests/chat/test_markdown_hostile.py.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from allauth.mfa.models import Authenticator
from asgiref.sync import async_to_sync, sync_to_async
from django.apps import apps
from django.db import models
from django.test import Client

from accounts.models import User
from chat.models import Message, Part
from chat.runner import runner
from tests.chat.conftest import Ask
from tests.chat.test_consumers import growing, tab
from tests.chat.test_markdown_hostile import ATTRIBUTES, PAYLOADS, TAGS
from tests.security.matrix import ALL, BY_HTMX, Belongings, filled
from tests.security.test_t01_other_peoples_chats import whole
from tests.security.test_t11_admin_matrix import ALL as ADMIN

MARK = "x-evil"
WRITTEN = f"'\"></textarea></title><{MARK} hx-get=/ hx-swap-oob=true onload=x>{{{{ 7|add:7 }}}}"
RAW = re.compile(rf"<{MARK}", re.IGNORECASE)
TEXTS = {  # model → fields that somebody else writes
    "chat.conversation": ("title", "system_prompt"),
    "chat.message": ("text", "reasoning", "served_model", "error_text"),
    "chat.folder": ("name",),
    "chat.savedprompt": ("name", "text"),
    "chat.attachment": ("name",),
    "chat.share": ("title", "shown_name"),
    "billing.call": ("served_model", "provider", "error", "finish_reason", "last_answer"),
    "routing.languagemodel": ("name", "description"),
    "accounts.user": ("first_name", "last_name", "email"),
    "auth.group": ("name",),
}


def write_everywhere() -> int:
    """Put WRITTEN into every one of these columns, as long as each takes. How many it was."""
    done = 0
    for label, names in TEXTS.items():
        model = apps.get_model(label)
        columns = {it.name: it for it in model._meta.concrete_fields}
        for name in set(names) & columns.keys():
            column = columns[name]
            most = column.max_length if isinstance(column, models.CharField) else None
            done += model._default_manager.update(**{name: WRITTEN[:most] if most else WRITTEN})
    return done


def body_of(client: Client, url: str, headers: dict[str, str]) -> str:
    answer = client.get(url, headers=headers)
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        return ""  # a download, or plain text: nothing of it is markup
    body = async_to_sync(whole)(answer) if answer.streaming else answer.content
    return body.decode("utf-8", "replace")


def test_t06_markup_of_others_is_text_on_every_page(
    hers: Belongings, ada: User, client: Client
) -> None:
    assert write_everywhere() > 10
    Authenticator.objects.update(data={"name": WRITTEN, "credential": {}})
    client.force_login(ada)
    seen = 0
    for address in ALL:
        if "webauthn" in address.route and address.has_id:
            continue
        for url in filled(address, hers):
            for headers in ({}, BY_HTMX):
                client.raise_request_exception = False  # hers is no passkey that could be asked for
                body = body_of(client, url, headers)
                assert not RAW.search(body), url
                seen += MARK in body
    assert seen > 10


def test_t06_and_in_the_admin(hers: Belongings, root: User, client: Client) -> None:
    write_everywhere()
    client.force_login(root)
    seen = 0
    for url in {*ADMIN, *(it.replace("export/", "") for it in ADMIN)}:
        body = body_of(client, url, {})
        assert not RAW.search(body), url
        seen += MARK in body
    assert seen > 3


class Elements(HTMLParser):
    """The elements of a frame, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


async def frames_of(ask: Ask, ada: User, *pieces: str) -> str:
    """What a tab is sent of a reply that grows by these pieces."""
    turn = await sync_to_async(ask)("Why?")
    view = await growing(turn, "")
    communicator = tab(ada, turn.conversation.pk)
    await communicator.connect()
    sent = [await communicator.receive_from()]
    for piece in pieces:
        view.append(Part.TEXT, piece)
        runner.relay.flush(view)
        while not await communicator.receive_nothing(timeout=0.01):
            sent.append(await communicator.receive_from())
    await communicator.disconnect()
    runner.feed.close(turn.reply.pk)
    await sync_to_async(Message.objects.all().delete)()
    return "".join(sent)


@pytest.mark.parametrize("payload", PAYLOADS[::6])
async def test_t06_a_frame_holds_no_markup_of_a_model(ask: Ask, ada: User, payload: str) -> None:
    """Cut in two places, so that no piece is the whole of it."""
    benign = Elements(await frames_of(ask, ada, "Hello ", "there", " you")).found
    ours = {(tag, name) for tag, attributes in benign for name in attributes}
    known = {tag for tag, _ in benign} | TAGS
    third = max(1, len(payload) // 3)
    pieces = payload[:third], payload[third : 2 * third], payload[2 * third :]
    for tag, attributes in Elements(await frames_of(ask, ada, *pieces)).found:
        assert tag in known
        for name, value in attributes.items():
            allowed = ATTRIBUTES.get(tag, {}).get(name)
            is_theirs = allowed is not None and re.fullmatch(allowed, value)
            assert is_theirs or (tag, name) in ours or tag in MATH, (tag, name, value)
            assert not name.startswith("on")


MATH = {"math", "mrow", "mi", "mn", "mo", "mtext", "mstyle", "mtable", "mtr", "mtd"}
