"""Somebody who chats, a small catalogue, and turns begun as the page begins them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from chat.models import Conversation
from chat.runner import runner
from chat.services import Turn, send
from routing.evidence_memory import memory
from routing.policy_shelf import policy_shelf
from routing.shelf import shelf
from routing.sync import store_catalogue
from tests.chat.offered import Desk, stock
from tests.routing.factories import info

Ask: TypeAlias = Callable[..., Turn]
OWNER = "here:1:test"


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", password="engine")


@pytest.fixture
def eve(db: None) -> User:
    return User.objects.create_user("eve", password="listens")


@pytest.fixture(autouse=True)
def _catalogue(request: pytest.FixtureRequest) -> Iterator[None]:
    """Two models to choose from, wherever a test has a database."""
    shelf.forget()
    memory.forget()
    policy_shelf.forget()
    if {"db", "ada", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("db")
        store_catalogue([info("acme/one"), info("umbra/two")], now=timezone.now())
    yield
    shelf.forget()
    memory.forget()
    policy_shelf.forget()


@pytest.fixture
def ask(ada: User) -> Ask:
    """Begin a turn: `ask("why?", conversation=..., nonce=...)`."""

    def begin(
        prompt: str = "Why is the sky blue?",
        *,
        user: User = ada,
        conversation: Conversation | None = None,
        choice: str = "",
        nonce: str = "",
    ) -> Turn:
        return send(
            user=user,
            conversation=conversation,
            prompt=prompt,
            choice=choice,
            nonce=nonce,
            owner=OWNER,
        )

    return begin


@pytest.fixture
def desk(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> Desk:
    """Ada's browser, a catalogue of what the emulator lists, and files in a folder of the test."""
    settings.ATTACHMENT_DIR = str(tmp_path / "attachments")
    desk = Desk(client)
    monkeypatch.setattr(runner, "start", lambda job, change, frame: desk.jobs.append(job))
    client.force_login(ada)
    stock()
    return desk
