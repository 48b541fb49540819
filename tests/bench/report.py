"""Samples in, words and figures out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil

from tests.bench.load import Level
from tests.bench.machine import Usage
from tests.bench.person import Sample

GOAL_MS = 12.0
GOAL_STREAMS = (1, 20)
FOREIGN_LIMIT = 0.3  # cores that others may use before a run counts as disturbed
HEAD = f"{'':34}{'n':>6}{'median':>9}{'p90':>9}{'p99':>9}"


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that so large a share does not exceed. Raises ValueError for no values."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(ceil(share * len(values)) - 1, 0)]


def figures(samples: Iterable[Sample], of: Callable[[Sample], float]) -> tuple[float, ...]:
    """Median, p90 and p99 in milliseconds; nothing for no samples."""
    values = [of(sample) * 1000 for sample in samples]
    return tuple(percentile(values, share) for share in (0.5, 0.9, 0.99)) if values else ()


def line(name: str, count: int | str, numbers: Iterable[float]) -> str:
    return f"  {name:<32}{count:>6}" + "".join(f"{number:9.1f}" for number in numbers)


def told(level: Level, server: str) -> str:
    """One level, line by line."""
    through = figures(level.through, lambda s: s.first_text_s)
    direct = figures(level.direct, lambda s: s.first_text_s)
    many = "stream" if level.streams == 1 else "streams"
    lines = [
        f"{server}, {level.streams} {many}",
        HEAD,
        line("first text through Switchboard", len(level.through), through),
        line("first text of a direct call", len(level.direct), direct),
        line("ratio", "", (ours / its for ours, its in zip(through, direct, strict=False))),
        line("  POST to upstream's writing", "", figures(level.through, lambda s: s.upstream_s)),
        line("  its writing to the tab", "", figures(level.through, _way_back)),
        line("POST answered", "", figures(level.through, lambda s: s.answered_s)),
    ]
    if level.usage:
        lines.append(cores(level.usage))
    lines += [f"  FAILED: {failure}" for failure in level.failures]
    return "\n".join(lines)


def _way_back(sample: Sample) -> float:
    return sample.first_text_s - sample.upstream_s


def cores(usage: Usage) -> str:
    ours = ", ".join(f"{name} {used:.2f}" for name, used in usage.ours.items())
    polluted = " (DISTURBED)" if usage.foreign > FOREIGN_LIMIT else ""
    return f"  cores in use: {ours}, foreign {usage.foreign:.2f}{polluted}"


def verdict(levels: Iterable[tuple[str, Level]]) -> str:
    """Whether the goal was met, for each server and each number of streams that it names."""
    lines = []
    for server, level in levels:
        if level.streams in GOAL_STREAMS and level.through:
            median = figures(level.through, lambda s: s.first_text_s)[0]
            words = "met" if median < GOAL_MS else "MISSED"
            lines.append(f"{server}, {level.streams}: median {median:.1f} ms, goal {words}")
    return "\n".join([f"Goal: median under {GOAL_MS:.0f} ms at 1 and at 20 streams.", *lines])
