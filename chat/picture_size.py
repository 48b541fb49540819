"""How wide and high a picture is, from its first bytes, so that a page keeps its place. Pure.

Sources: the PNG, GIF, JPEG (ITU T.81, B.2) and WebP (RFC 9649) formats.
"""

from __future__ import annotations

from typing import Literal

MOST_PIXELS = 100_000  # a side that is longer is not believed
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the JPEG segments that tell the size


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where it does not say."""
    sides: tuple[int, int] | None
    if content.startswith(b"\x89PNG"):
        sides = _numbers(content, (16, 20), 4, "big")
    elif content.startswith(b"GIF8"):
        sides = _numbers(content, (6, 8), 2, "little")
    elif content.startswith(b"\xff\xd8"):
        sides = _of_jpeg(content)
    else:
        sides = _of_webp(content)
    if sides is None or not all(0 < side <= MOST_PIXELS for side in sides):
        return None
    return sides


def _numbers(
    content: bytes, places: tuple[int, int], size: int, order: Literal["big", "little"]
) -> tuple[int, int]:
    one, two = (int.from_bytes(content[at : at + size], order) for at in places)
    return one, two


def _of_jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        if content[at + 1] in FRAMES:
            height, width = _numbers(content, (at + 5, at + 7), 2, "big")
            return width, height
        at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))
    return None


def _of_webp(content: bytes) -> tuple[int, int] | None:
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = _numbers(content, (24, 27), 3, "little")
        return width + 1, height + 1
    if kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = _numbers(content, (26, 28), 2, "little")
        return width & 0x3FFF, height & 0x3FFF
    return None
