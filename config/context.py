"""What every page may ask about this installation."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from billing.keys import is_emulated


def installation(request: HttpRequest) -> dict[str, Any]:
    """`emulated`: no key is set, so the built-in emulator answers and nothing costs money.

    `sign_up`: off, invitation or open.
    """
    return {"emulated": is_emulated(), "sign_up": settings.SIGN_UP}
