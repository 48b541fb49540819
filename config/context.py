"""What every page may ask about this installation."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def installation(request: HttpRequest) -> dict[str, Any]:
    """`emulated`: no key is set, so the built-in emulator answers and nothing costs money."""
    return {"emulated": not settings.OPENROUTER_API_KEY}
