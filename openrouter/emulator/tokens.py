"""Text in pieces, about as large as a model's tokens. What is a piece is a token on the bill."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PIECE = re.compile(
    r" ?[A-Za-zÀ-ɏ]{1,8}(?![A-Za-zÀ-ɏ])"  # a short word with the space before it
    r"| ?[A-Za-zÀ-ɏ]{1,5}"  # the beginning of a long one, or the middle
    r"|\d{1,3}"
    r"|\n+| +"
    r"|[^\w\s]{1,3}"
    r"|.",
    re.DOTALL,
)
TOKENS_PER_MESSAGE = 4
TOKENS_PER_IMAGE = 1000
TOKENS_PER_FILE = 1500


def pieces(text: str) -> list[str]:
    """The text cut into pieces; joined they are the text again."""
    return PIECE.findall(text)


def count(text: str) -> int:
    return len(PIECE.findall(text)) if len(text) < 20_000 else len(text.encode()) // 4


def count_message(message: Mapping[str, Any]) -> int:
    """Tokens of one message with all that hangs on it."""
    content = message.get("content")
    if isinstance(content, str):
        tokens = TOKENS_PER_MESSAGE + count(content)
    else:
        tokens = TOKENS_PER_MESSAGE + sum(_count_part(part) for part in content or ())
    return tokens + sum(
        count(str(call.get("function"))) for call in message.get("tool_calls") or ()
    )


def _count_part(part: Mapping[str, Any]) -> int:
    match part.get("type"):
        case "text":
            return count(str(part.get("text", "")))
        case "image_url":
            return TOKENS_PER_IMAGE
        case _:
            return TOKENS_PER_FILE
