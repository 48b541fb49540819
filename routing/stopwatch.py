"""How long a decision takes on this machine, for `evaluate_router`. For commands only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from routing.artefacts import load

ASKED = 2_000


def decision_ms(texts: Sequence[str], artefact: Path) -> str:
    """CPU milliseconds of reading a prompt: the middle and the slowest hundredth."""
    predictor = load(artefact)
    step = max(1, len(texts) // ASKED)
    spent = []
    for text in texts[::step]:
        started = time.thread_time()
        predictor.read(text)
        spent.append(1e3 * (time.thread_time() - started))
    middle, slow = np.quantile(spent, (0.5, 0.99))
    return (
        f"\n== speed: learned reading of a prompt: p50 {middle:.2f} ms, p99 {slow:.2f} ms of CPU =="
    )
