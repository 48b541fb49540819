"""How large a request's body may be and how long it may take, whoever is in front of us.

Django's handler stores a body to its end before any view is asked. Here it is cut where no view
would take more, and where it comes so slowly that it is not meant to end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from django.conf import settings

Receive = Callable[[], Awaitable[dict[str, Any]]]

PATIENCE_S: Final = 30.0  # for a body as such; besides:
BYTES_PER_S: Final = 16_000  # slower than a telephone at the edge of its net
MEGABYTE: Final = 1_000_000
# Read on and thrown away before it is refused: who is hung up on in mid-sentence hears no reason.
SPARED_BYTES: Final = 8 * MEGABYTE


class BodyRefused(Exception):
    """Too large (413) or too slow (408)."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def most_bytes(scope: Mapping[str, Any]) -> int:
    """What the largest form of ours may be: with files, or without."""
    headers = dict(scope["headers"])
    form: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if not headers.get(b"content-type", b"").lower().startswith(b"multipart/"):
        return form
    files: int = max(settings.MAX_IMPORT_MB, settings.MAX_ATTACHMENTS * settings.MAX_ATTACHMENT_MB)
    return form + files * MEGABYTE


def bounded(scope: Mapping[str, Any], receive: Receive) -> Receive:
    """The same, but it raises BodyRefused instead of reading on for ever."""
    most, began_s, got, is_whole = most_bytes(scope), time.monotonic(), 0, False
    told = 0
    with suppress(ValueError, KeyError):
        told = int(dict(scope["headers"])[b"content-length"])

    async def receive_some() -> dict[str, Any]:
        nonlocal got, is_whole
        if is_whole:
            return await receive()
        if told > most + SPARED_BYTES:  # said by itself: nothing of it is read
            raise BodyRefused(413)
        message = await read_some()
        while max(got, told) > most:
            if is_whole or got > most + SPARED_BYTES:
                raise BodyRefused(413)
            message = await read_some()
        return message

    async def read_some() -> dict[str, Any]:
        nonlocal got, is_whole
        left_s = began_s + PATIENCE_S + got / BYTES_PER_S - time.monotonic()
        try:
            async with asyncio.timeout(left_s):
                message = await receive()
        except TimeoutError:
            raise BodyRefused(408) from None
        got += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        return message

    return receive_some
