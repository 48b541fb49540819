"""The headers of every request: who asks, for which application. Pure.

Source: OpenRouter documentation, "App attribution". A header value is ASCII: a title in another
script would kill the request in the HTTP client, before it is sent.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from openrouter.errors import KeyRejected

MOST_CATEGORIES: Final = 2
_URL_MARKS: Final = "%/:=&?~#+!$,;'@()*[]"


def ascii_title(title: str) -> str:
    """The title in ASCII: accents fall off, other scripts are percent-encoded, controls go."""
    plain = unicodedata.normalize("NFKD", title)
    letters = "".join(c for c in plain if not unicodedata.combining(c) and c.isprintable())
    return letters.strip() if letters.isascii() else quote(letters.strip(), safe=" ")


def ascii_url(url: str) -> str:
    """The address with everything outside ASCII, and every control, percent-encoded."""
    return quote(url.strip(), safe=_URL_MARKS)


def request_headers(
    *, api_key: str, app_url: str, app_title: str, app_categories: Sequence[str] = ()
) -> dict[str, str]:
    """The headers that name the key and the application; what is empty is not sent.

    Raises KeyRejected for a key that no header can hold (a pasted "…", say).
    """
    key = api_key.strip()
    if not (key.isascii() and key.isprintable()):
        raise KeyRejected("the key holds characters that no key has")
    categories = [ascii_title(category) for category in app_categories[:MOST_CATEGORIES]]
    headers = {
        "authorization": f"Bearer {key}" if key else "",
        "http-referer": ascii_url(app_url),
        "x-openrouter-title": ascii_title(app_title),
        "x-openrouter-categories": ",".join(categories),
    }
    return {name: value for name, value in headers.items() if value}
