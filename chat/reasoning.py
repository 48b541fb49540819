"""What a model thought, as it must be given back to it: whole, in order, unchanged. Pure.

Source: OpenRouter's document, "Reasoning tokens": in a stream the items of `reasoning_details`
come in pieces, the signature alone and last; what is encrypted comes whole. A signature or a
ciphertext means something to the vendor whose model wrote it, and may be refused by any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

WRITTEN = ("text", "summary")  # what comes in pieces, and is of one type only


def whole_details(pieces: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items that these pieces make up; what is whole already stays as it is."""
    items: list[dict[str, Any]] = []
    for piece in pieces:
        if items and _goes_on(items[-1], piece):
            _join(items[-1], piece)
        else:
            items.append(dict(piece))
    return items


def _goes_on(item: Mapping[str, Any], piece: Mapping[str, Any]) -> bool:
    """Whether a piece belongs to the item before it. A signature is the end of an item."""
    is_same = all(item.get(name) == piece.get(name) for name in ("type", "index"))
    if not is_same or item.get("type") not in ("reasoning.text", "reasoning.summary"):
        return False
    is_other = item.get("id") and piece.get("id") and item["id"] != piece["id"]
    return not (is_other or item.get("signature"))


def _join(item: dict[str, Any], piece: Mapping[str, Any]) -> None:
    for name, value in piece.items():
        if name in WRITTEN and isinstance(value, str):
            item[name] = (item.get(name) or "") + value
        elif value is not None:
            item[name] = value


def is_of(model: str, vendor_of: str) -> bool:
    """Whether two models are of one vendor; a router, which may be any, is of none."""
    authors = [name.removeprefix("~").split("/", 1)[0] for name in (model, vendor_of)]
    return "/" in model and authors[0] == authors[1] != "openrouter"


def written_in(details: Iterable[Mapping[str, Any]]) -> list[str]:
    """The texts of some items: what a provider may count as prompt."""
    texts = (item.get(name) for item in details for name in WRITTEN)
    return [text for text in texts if isinstance(text, str)]
