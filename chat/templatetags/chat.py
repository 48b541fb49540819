"""Small words for the templates: icons, short names, groups of days."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

VERSION_DATE = re.compile(r"-20\d\d-?\d\d-?\d\d(?=:|$)")
ROUTERS = {"": "Auto", "openrouter/auto": "OpenRouter Auto"}


class Dated(Protocol):
    updated_at: dt.datetime


@dataclass(slots=True)
class Period:
    """Conversations that were last touched within one stretch of days."""

    name: str
    conversations: list[Dated] = field(default_factory=list)


@register.simple_tag
def icon(name: str) -> SafeString:
    """One drawing of our sprite, of the size of the text; silent for screen readers."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("switchboard/icons.svg"),
        name,
    )


@register.filter
def model_name(slug: str | None) -> str:
    """The short name of a model: what follows its author, without the date of a version.

    `openai/gpt-5:free` → `gpt-5:free`; `deepseek/deepseek-v4-pro-20260423` → `deepseek-v4-pro`.
    """
    slug = slug or ""
    return ROUTERS.get(slug) or VERSION_DATE.sub("", slug.split("/", 1)[-1])


@register.filter
def model_author(slug: str | None) -> str:
    """Who made the model: what stands before the slash."""
    author, slash, _ = (slug or "").partition("/")
    return author if slash else ""


@register.filter
def seconds(milliseconds: int | None) -> str:
    """Milliseconds as a person reads them: `840 ms`, `1.2 s`, `74 s`. Unknown is empty."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    decimals = 1 if milliseconds < 9_950 else 0
    return f"{milliseconds / 1000:.{decimals}f} s"


@register.filter
def by_date(conversations: Iterable[Dated]) -> list[Period]:
    """Conversations, newest first, as periods: Today, Yesterday, Previous 7 days, Older."""
    today = timezone.localdate()
    periods = {name: Period(name) for name in ("Today", "Yesterday", "Previous 7 days", "Older")}
    for conversation in conversations:
        day = timezone.localtime(conversation.updated_at).date()
        periods[_period((today - day).days)].conversations.append(conversation)
    return [period for period in periods.values() if period.conversations]


def _period(days_ago: int) -> str:
    if days_ago <= 0:
        return "Today"
    if days_ago == 1:
        return "Yesterday"
    return "Previous 7 days" if days_ago <= 7 else "Older"
