"""A run's figures as words. Pure, but for the logs that it reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.chaos.person import Shared
from tests.chaos.stage import Stage
from tests.chaos.trouble import Trouble
from tests.chaos.truth import Truth
from tests.chaos.verdict import Verdict, books, spread

ERROR = re.compile(r"^\S+ \S+ (?:ERROR|CRITICAL) (\S+) (.*?)(?: \w+=\w+)*$")
NUMBER = re.compile(r"/\S+|gen-\S+|0x[0-9a-f]+|\d+(\.\d+)?")
MOST_DETAILS = 30
MOST_ERRORS = 12


def told(
    verdict: Verdict,
    truth: Truth,
    shared: Shared,
    trouble: Trouble,
    here: Stage,
    busy_s: float,
) -> str:
    answers: Counter[str] = Counter()
    for visit in shared.visits:
        answers.update(visit.answers)
    parts = [
        f"{len(truth.replies)} replies in {busy_s:.0f} s: {listed(verdict.states)}",
        f"people: {listed(shared.did)}",
        f"trouble: {listed(trouble.made)}",
        f"views of growing replies checked: {shared.witness.views:,}",
        f"refused, and asked again: {listed(answers)}",
        f"Stop elsewhere until shown, ms: {spread(shared.stops_s, 1000)}",
        f"text that a kill -9 took back, s: {spread(verdict.lost_s)}",
        f"PostgreSQL away, s: {spread([until - since for since, until in here.postgres.outages])}",
        f"books: {listed(books(truth))}",
        *_errors(server.log for server in here.servers),
        "",
        *table(verdict.zero),
        *(f"  ! {detail}" for detail in verdict.details[:MOST_DETAILS]),
    ]
    if len(verdict.details) > MOST_DETAILS:
        parts.append(f"  ! and {len(verdict.details) - MOST_DETAILS} more")
    return "\n".join(parts)


def listed(figures: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {figure}" for name, figure in sorted(figures.items())) or "none"


def table(zero: Mapping[str, int]) -> list[str]:
    """Figures that must be 0, line by line."""
    width = max(map(len, zero), default=0)
    return [f"  {name:<{width}}  {figure}" for name, figure in sorted(zero.items())]


def _errors(logs: Iterable[Path]) -> list[str]:
    """What the servers called an error, the most frequent first: for reading, not for judging."""
    kinds: Counter[str] = Counter()
    for log in logs:
        for line in log.read_text(errors="replace").splitlines():
            if found := ERROR.match(line):
                kinds[f"{found[1]}: {NUMBER.sub('#', found[2])[:110]}"] += 1
    return [f"  logged {many:>5}  {kind}" for kind, many in kinds.most_common(MOST_ERRORS)]
