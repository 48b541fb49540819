"""Cores: who is pinned where, and who used how much of them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

_IDLE = ("idle", "iowait", "guest", "guest_nice")  # guest time is in user time already


def pin(pid: int, core: int) -> None:
    """Give a process one core, where the system can; call it before it has threads."""
    if hasattr(os, "sched_setaffinity") and core in os.sched_getaffinity(0) | {core}:
        allowed = os.cpu_count() or 1
        os.sched_setaffinity(pid, {core % allowed})


@dataclass(frozen=True, slots=True)
class Usage:
    """Cores in use on average: by each process of ours, and by everybody else (None: unknown)."""

    ours: Mapping[str, float]
    foreign: float


class Meter:
    """Measures from its making until `read`."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in processes.items()}
        self._since = time.monotonic()
        self._before = self._seconds()
        self._all_before = _busy_seconds()

    def _seconds(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return {name: time.user + time.system for name, time in times.items()}

    def read(self) -> Usage:
        """Raises ValueError where no time has passed."""
        elapsed_s = time.monotonic() - self._since
        now = self._seconds()
        ours = {name: (now[name] - self._before[name]) / elapsed_s for name in now}
        all_of_it = (_busy_seconds() - self._all_before) / elapsed_s
        return Usage(ours, max(all_of_it - sum(ours.values()), 0.0))


def _busy_seconds() -> float:
    times: dict[str, float] = psutil.cpu_times()._asdict()
    return sum(value for name, value in times.items() if name not in _IDLE)
