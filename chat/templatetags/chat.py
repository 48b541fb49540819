"""Small words for the templates: icons, short names."""

from __future__ import annotations

import re

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat.diagrams import library_url

register = template.Library()

VERSION_DATE = re.compile(r"-20\d\d-?\d\d-?\d\d(?=:|$)")
ROUTERS = {"": "Auto", "openrouter/auto": "OpenRouter Auto"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """One drawing of our sprite, of the size of the text; silent for screen readers."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("switchboard/icons.svg"),
        name,
    )


@register.simple_tag
def diagrams() -> str:
    """The address of the frame that draws diagrams; "" where they stay code."""
    return reverse("chat:diagram") if library_url() else ""


@register.filter
def is_tall(text: str) -> bool:
    """Whether a prompt may be higher than its box, on a phone too, and is then scrolled in it."""
    return len(text) > 600 or text.count("\n") > 14


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
