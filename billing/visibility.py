"""Whether people see money here (SHOW_MONEY). Who looks after the books sees it in the admin."""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings

# An amount, and the words that lead to it: "… at about $0.0012, best of 3" → "…, best of 3".
_AMOUNT: Final = re.compile(r"(?:(?:[;,]? (?:at )?about| at| for))? ?-?\$\d[\d.,]*\d|-?\$\d")


def money_is_shown() -> bool:
    """Whether pages for people may name amounts and prices."""
    return bool(settings.SHOW_MONEY)


def without_money(text: str) -> str:
    """A sentence of ours as it may be shown: where money is hidden, no amount stays in it."""
    return text if money_is_shown() else _AMOUNT.sub("", text)
