"""What a send may ask of the database: what keeps it as quick in the thousandth conversation."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from chat.models import Message
from tests.chat.conftest import Ask


def plan(query: str) -> str:
    """How SQLite would answer it. PostgreSQL decides by size, so a small table tells nothing."""
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite's plan is the same for small tables and large ones")
    return query


def test_running_replies_are_found_by_their_index(ada: User) -> None:
    theirs = Message.objects.running().filter(requested_by_id=ada.pk).order_by()
    assert "USING INDEX running_replies" in plan(theirs.explain())
    assert "INDEX running_replies" in plan(Message.objects.running().explain())


def test_the_reply_of_a_nonce_is_found_by_its_index(ada: User) -> None:
    asked = Message.objects.filter(requested_by_id=ada.pk, nonce="twice").exclude(nonce="")
    assert "INDEX one_reply_per_nonce" in plan(asked.explain())


def test_a_longer_conversation_takes_no_more_queries(ask: Ask) -> None:
    first = ask("One")
    counts = []
    for number in range(3):
        Message.objects.running().update(state="done", lease_until=None, text="Said.")
        with CaptureQueriesContext(connection) as queries:
            ask(f"More {number}", conversation=first.conversation, nonce=f"n{number}")
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2]
