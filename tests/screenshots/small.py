"""PNG files of at most 256 colours, by numpy and zlib alone: a third of what Chromium writes."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np
from playwright.sync_api import Page

COLOURS = 256
BY_COUNT = 160  # the most frequent ones are kept as they are, the others found far from them
# Chromium decodes its own picture: the bytes of an ImageData, in base64.
DECODE = """async (png) => {
  const blob = await (await fetch(`data:image/png;base64,${png}`)).blob();
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const reader = new FileReader();
  const read = new Promise((done) => { reader.onload = () => done(reader.result); });
  reader.readAsDataURL(new Blob([data]));
  return [bitmap.width, bitmap.height, (await read).split(",")[1]];
}"""

Pixels = np.ndarray[Any, np.dtype[Any]]


def smaller(png: bytes, page: Page) -> bytes:
    """The same picture with a palette. `page` is any page that may use data URLs."""
    width, height, data = page.evaluate(DECODE, base64.b64encode(png).decode())
    pixels = np.frombuffer(base64.b64decode(data), np.uint8).reshape(-1, 4)[:, :3]
    packed = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    found, where, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([found >> 16, (found >> 8) & 255, found & 255], axis=1).astype(np.float32)
    palette = _palette(colours, counts)
    indices = _nearest(colours, palette)[where].astype(np.uint8).reshape(height, width)
    return _indexed(indices, palette.astype(np.uint8))


def _palette(colours: Pixels, counts: Pixels) -> Pixels:
    """The frequent colours, and then always the one that is farthest from all taken so far."""
    order = np.argsort(-counts)
    taken = colours[order[:BY_COUNT]]
    distances = np.full(len(colours), np.inf, np.float32)
    for colour in taken:
        distances = np.minimum(distances, ((colours - colour) ** 2).sum(axis=1))
    picked = [taken]
    weights = np.sqrt(counts.astype(np.float32))
    for _ in range(min(COLOURS, len(colours)) - len(taken)):
        colour = colours[int(np.argmax(distances * weights))]
        picked.append(colour[None])
        distances = np.minimum(distances, ((colours - colour) ** 2).sum(axis=1))
    palette: Pixels = np.concatenate(picked)
    return palette


def _nearest(colours: Pixels, palette: Pixels) -> Pixels:
    best = np.zeros(len(colours), np.int64)
    for begin in range(0, len(colours), 4096):
        part = colours[begin : begin + 4096]
        squares = ((part[:, None, :] - palette[None]) ** 2).sum(axis=2)
        best[begin : begin + 4096] = squares.argmin(axis=1)
    return best


def _indexed(indices: Pixels, palette: Pixels) -> bytes:
    height, width = indices.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), indices], axis=1)  # no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 9)
    chunks = ((b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)
