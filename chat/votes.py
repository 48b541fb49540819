"""Thumbs under answers: kept with the reply, and told to the router as evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from chat.models import Message, Role
from routing.votes import forget, record_thumb

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

THUMBS = {"up": 1, "down": -1, "none": None}


class NotVotable(Exception):
    """A prompt, or an answer that is still being written."""


@transaction.atomic
def set_thumb(*, user: AbstractBaseUser, reply: Message, thumb: int | None) -> Message:
    """Put a person's thumb under a reply, or take it away (None). The same twice is once.

    Raises NotVotable.
    """
    locked = Message.objects.select_for_update(of=("self",)).get(pk=reply.pk)
    if locked.role != Role.ASSISTANT or locked.is_running:
        raise NotVotable
    if locked.thumb != thumb:
        record_thumb(
            user_id=user.pk,
            decision=locked.decision,
            served_model=_model_of(locked),
            value=thumb or 0,
            instead_of=locked.thumb or 0,
        )
        locked.thumb = thumb
        locked.save(update_fields=["thumb"])
    return locked


def _model_of(reply: Message) -> str:
    """Who answered; where nobody said so, who was asked."""
    return reply.served_model or (reply.call.requested_model if reply.call else "")


@transaction.atomic
def forget_votes(*, user: AbstractBaseUser | AnonymousUser) -> None:
    """Take back all that the router learned from a person, and their thumbs with it."""
    forget(user_id=user.pk or 0)
    Message.objects.owned_by(user).exclude(thumb=None).update(thumb=None)
