"""A picture that a model might have drawn: hills under a sky, the same for the same prompt."""

from __future__ import annotations

import base64
import math
import random
import struct
import zlib
from functools import lru_cache

WIDTH, HEIGHT = 320, 200
LAYERS = 4


@lru_cache(maxsize=16)
def picture_url(prompt: str) -> str:
    """A PNG as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(png(rows(prompt))).decode()}"


def rows(prompt: str) -> list[bytes]:
    """The pixels, row by row: each column is sky down to the first hill, and so on."""
    chance = random.Random(prompt)  # noqa: S311
    hue = chance.random()
    colours = [shade(hue + 0.08 * layer, 0.92 - 0.17 * layer) for layer in range(LAYERS + 1)]
    waves = [(chance.uniform(0.008, 0.03), chance.uniform(0, 7)) for _ in range(LAYERS)]
    tops = [
        [
            int(HEIGHT * (0.35 + 0.15 * layer) + 18 * math.sin(column * speed + shift))
            for column in range(WIDTH)
        ]
        for layer, (speed, shift) in enumerate(waves)
    ]
    return [
        b"".join(colours[sum(row >= top[column] for top in tops)] for column in range(WIDTH))
        for row in range(HEIGHT)
    ]


def shade(hue: float, light: float) -> bytes:
    """A quiet colour; hue from 0 to 1, round and round."""
    return bytes(
        int(255 * light * (0.72 + 0.28 * math.cos(2 * math.pi * (hue + part / 3))))
        for part in range(3)
    )


def png(pixels: list[bytes]) -> bytes:
    raw = b"".join(b"\0" + row for row in pixels)
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
