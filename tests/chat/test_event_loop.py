"""Nothing may block the event loop: a query on it is an error, in the tests and in production."""

import os

import pytest
from django.core.exceptions import SynchronousOnlyOperation

from chat.models import Conversation


async def test_a_query_on_the_event_loop_is_refused(db: None) -> None:
    with pytest.raises(SynchronousOnlyOperation):
        Conversation.objects.first()


def test_nobody_has_switched_the_detector_off() -> None:
    assert "DJANGO_ALLOW_ASYNC_UNSAFE" not in os.environ
