"""About how many tokens a text will be, rather too many than too few. Pure.

Three bytes of UTF-8 count as one token: about four letters of English are one, a Chinese,
Japanese or Korean sign (three bytes) is one or a little less, and so is a Thai or Hindi one.
"""

from __future__ import annotations

from collections.abc import Iterable

BYTES_PER_TOKEN = 3


def tokens_of(*texts: str) -> int:
    """Of all of them together."""
    return bytes_of(texts) // BYTES_PER_TOKEN


def bytes_of(texts: Iterable[str]) -> int:
    """Their length in UTF-8; one that is all ASCII is not looked through."""
    return sum(
        len(text) if text.isascii() else len(text.encode(errors="replace")) for text in texts
    )
