"""Answers that came from a file have a text and no drawing: it is made when they are looked at."""

from __future__ import annotations

from collections.abc import Iterable

from chat.markdown import render
from chat.models import Message, Role


def draw_missing(messages: Iterable[Message]) -> None:
    """Draw and keep what was never drawn; nothing, as a rule. Ten thousand at once would take
    minutes, the ones on show a moment."""
    undrawn = [m for m in messages if m.role == Role.ASSISTANT and m.text and not m.html]
    undrawn = [message for message in undrawn if not message.is_running]
    for message in undrawn:
        message.html = render(message.text)
    if undrawn:
        Message.objects.bulk_update(undrawn, ["html"], batch_size=200)
