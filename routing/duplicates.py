"""Prompts that are nearly the same, found by MinHash over shingles of words. For commands only.

A router that saw a twin of a prompt in training has seen its answers: the evaluation counts such
prompts, and says what it measures without them. Source: Broder, "On the resemblance and
containment of documents" (1997).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from routing.features import Ints

SHINGLE = 4  # words
HASHES, BAND = 96, 4  # 24 bands of 4: pairs of resemblance .6 are found with odds of .96
ALIKE = 0.6  # resemblance from where two prompts count as twins
_WORD = re.compile(r"\w+")
Hashes = NDArray[np.uint64]
_CHANCE = np.random.default_rng(20_261_120)
_FACTORS = _CHANCE.integers(1, 1 << 62, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _CHANCE.integers(0, 1 << 62, HASHES, dtype=np.uint64)


def shingles(text: str) -> Hashes:
    """Each run of words as a number, each once; the whole text where it is shorter."""
    words = _WORD.findall(text.lower())
    runs = range(max(1, len(words) - SHINGLE + 1))
    told = {zlib.crc32(" ".join(words[at : at + SHINGLE]).encode()) for at in runs}
    return np.fromiter(told, np.uint64, len(told))


def sketch(found: Hashes) -> Hashes:
    """The least of each hash: two sketches agree as often as their texts resemble each other."""
    mixed = found[:, None] * _FACTORS + _OFFSETS
    mixed ^= mixed >> np.uint64(31)
    least: Hashes = (mixed * np.uint64(0x9E3779B97F4A7C15)).min(0)
    return least


def twins(texts: Sequence[str]) -> list[tuple[int, int]]:
    """All pairs of texts that are nearly the same, each once, the lower place first."""
    sketches = np.stack([sketch(shingles(text)) for text in texts])
    pairs: set[tuple[int, int]] = set()
    for first in range(0, HASHES, BAND):
        band = np.ascontiguousarray(sketches[:, first : first + BAND])
        order = np.lexsort(band.T)
        same = (band[order[1:]] == band[order[:-1]]).all(1)
        starts = np.flatnonzero(np.concatenate([[True], ~same]))
        for group in np.split(order, starts[1:]):
            _compare(np.sort(group), sketches, pairs)
    return sorted(pairs)


def _compare(group: Ints, sketches: Hashes, pairs: set[tuple[int, int]]) -> None:
    for at, one in enumerate(group[:-1].tolist()):
        others = group[at + 1 :]
        share = (sketches[others] == sketches[one]).mean(1)
        pairs.update((one, int(other)) for other in others[share >= ALIKE])


def seen_before(pairs: Sequence[tuple[int, int]], sides: Sequence[object]) -> NDArray[np.bool_]:
    """Which prompts have a twin on another side (of a fold, of a benchmark).

    Where a side is left out, all others are trained on.
    """
    found = np.zeros(len(sides), bool)
    for one, other in pairs:
        if sides[one] != sides[other]:
            found[[one, other]] = True
    return found
