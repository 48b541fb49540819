"""Ridge regression of several targets on sparse rows, in numpy. Pure; for training only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.features import Floats, Ints

CHUNK = 1 << 20  # entries gathered at a time: bounds the memory, changes no result


@dataclass(frozen=True, slots=True)
class Rows:
    """A sparse matrix by rows: row i holds `values[starts[i]:starts[i+1]]` at `places`."""

    starts: Ints
    places: Ints
    values: Floats
    width: int

    @classmethod
    def stacked(cls, rows: list[tuple[Ints, Floats]], width: int) -> Rows:
        starts = np.cumsum([0, *(len(places) for places, _ in rows)])
        places = np.concatenate([places for places, _ in rows]) if rows else np.zeros(0, np.int64)
        values = np.concatenate([values for _, values in rows]) if rows else np.zeros(0, np.float32)
        return cls(starts.astype(np.int64), places, values.astype(np.float32), width)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, rows: Ints) -> Rows:
        sizes = self.starts[rows + 1] - self.starts[rows]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        inside = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)
        entries = np.repeat(self.starts[rows], sizes) + inside
        return Rows(starts, self.places[entries], self.values[entries], self.width)

    def owners(self) -> Ints:
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def turned(self) -> Rows:
        """The same matrix by columns."""
        order = np.argsort(self.places, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.places, minlength=self.width))])
        return Rows(starts.astype(np.int64), self.owners()[order], self.values[order], len(self))

    def times(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """This matrix times a dense one of `width` rows."""
        product = np.zeros((len(self), matrix.shape[1]), np.float32)
        step = max(1, CHUNK // max(1, int(self.starts[-1] // max(1, len(self)))))
        for first in range(0, len(self), step):
            last = min(len(self), first + step)
            low, high = self.starts[first], self.starts[last]
            if low == high:
                continue
            part = matrix[self.places[low:high]] * self.values[low:high, None]
            sizes = np.diff(self.starts[first : last + 1])
            filled = np.flatnonzero(sizes)
            begins = (self.starts[first:last] - low)[filled]
            product[first + filled] = np.add.reduceat(part, begins, axis=0)
        return product


def ridge(
    rows: Rows, targets: NDArray[np.float32], alpha: float, *, weights: Floats | None = None,
    most_steps: int = 10, tolerance: float = 1e-2,
) -> NDArray[np.float32]:  # fmt: skip
    """Weights (width, targets) that minimise the squared error plus alpha times their squares.

    By conjugate gradients, each target on its own path; stops when every residual has
    shrunk to `tolerance` of its start.
    """
    scale = np.ones(len(rows), np.float32) if weights is None else np.sqrt(weights)
    turned = rows.turned()
    found = np.zeros((rows.width, targets.shape[1]), np.float32)
    residual = turned.times(targets * (scale**2)[:, None])
    path, size = residual.copy(), (residual**2).sum(0)
    goal = size * tolerance**2
    for _ in range(most_steps):
        ahead = rows.times(path) * (scale**2)[:, None]
        curve = turned.times(ahead) + alpha * path
        step = size / np.maximum((path * curve).sum(0), 1e-30)
        found += step * path
        residual -= step * curve
        smaller = (residual**2).sum(0)
        if (smaller <= goal).all():
            break
        path = residual + (smaller / np.maximum(size, 1e-30)) * path
        size = smaller
    return found
