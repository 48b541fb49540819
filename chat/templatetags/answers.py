"""What the templates show of an answer besides its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from chat.citations import Citation, citations
from chat.picking import takes_of
from chat.structured import Structured, structured
from routing.services import models_by_slug

if TYPE_CHECKING:
    from chat.models import Message

register = template.Library()


@register.filter
def sources(message: Message) -> list[Citation]:
    """The pages that an answer cites."""
    return citations(message.annotations)


@register.filter
def shaped(message: Message) -> Structured | None:
    """An answer that was to keep to a schema, as a tree; None where none was asked for."""
    return structured(message.text, message.schema) if message.schema and message.text else None


@register.filter
def takes(slug: str) -> str:
    """What else than text a model takes, for the composer; empty where it is not known."""
    candidate = models_by_slug().get(slug)
    return takes_of(candidate) if candidate else ""
