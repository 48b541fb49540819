"""What the provider of the model that answered last may still have in its cache. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from chat.models import Message, Role
from routing.live import Warm

CHARS_PER_TOKEN = 4  # rather too few tokens than too many: they are to be saved


def warm_prompt(history: Sequence[Message], *, now: dt.datetime) -> Warm | None:
    """The prompt of the latest answer on the branch, with the model that gave it."""
    return warm_of(history, [len(message.text) for message in history], now=now)


def warm_of(history: Sequence[Message], chars: Sequence[int], *, now: dt.datetime) -> Warm | None:
    """The same, given the lengths of the texts.

    None: nobody has answered yet, or it is not known who.
    """
    replies = [at for at, message in enumerate(history) if message.role == Role.ASSISTANT]
    last = history[replies[-1]] if replies else None
    if last is None or not last.served_model or last.ended_at is None:
        return None
    return Warm(
        model=last.served_model,
        tokens=sum(chars[: replies[-1]]) // CHARS_PER_TOKEN,
        age_s=(now - last.ended_at).total_seconds(),
    )
