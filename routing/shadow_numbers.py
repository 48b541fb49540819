"""What a shadow would have chosen, beside what was: the numbers that promote it, or do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from routing.policy_models import PolicyVersion, ShadowDecision
from routing.reasons import listed
from routing.replay_tables import Table, percent, total_text

MOST_READ = 5_000  # the newest decisions
NAMED = 4  # models of a mix


@dataclass(frozen=True, slots=True)
class ShadowNumbers:
    """`notes`: what the table rests on, in sentences."""

    tables: tuple[Table, ...]
    notes: tuple[str, ...]


def numbers_of(version: PolicyVersion) -> ShadowNumbers | None:
    """None, where it has decided nothing as a shadow."""
    rows = list(ShadowDecision.objects.filter(version=version).order_by("-pk")[:MOST_READ])
    if not rows:
        return None
    decided = [row for row in rows if not row.refused]
    return ShadowNumbers((_table(version, decided),), tuple(_notes(rows, decided)))


def _table(version: PolicyVersion, decided: Sequence[ShadowDecision]) -> Table:
    priced = [
        (row.live_expected_usd, row.expected_usd)
        for row in decided
        if row.live_expected_usd is not None and row.expected_usd is not None
    ]
    rated = [
        (row.live_odds, row.odds)
        for row in decided
        if row.live_odds is not None and row.odds is not None
    ]
    costs = [sum(each, Decimal(0)) for each in zip(*priced, strict=True)] or [None, None]
    odds = [sum(each) / len(rated) for each in zip(*rated, strict=True)] or [None, None]
    mixes = [Counter(row.live_model for row in decided), Counter(row.model for row in decided)]
    return Table(
        title="In the shadow",
        head=("", "Expected cost", "Predicted quality", "Models"),
        rows=tuple(
            (name, total_text(cost), percent(chance), _mix(mix))
            for name, cost, chance, mix in zip(
                ("Live", version.ref), costs, odds, mixes, strict=True
            )
        ),
        figures=frozenset({1, 2}),
    )


def _mix(mix: Counter[str]) -> str:
    total = sum(mix.values())
    ranked = sorted(mix.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{slug} {100 * count / total:.0f} %" for slug, count in ranked[:NAMED]]
    return ", ".join(named + ([f"{len(ranked) - NAMED} more"] if len(ranked) > NAMED else []))


def _notes(rows: Sequence[ShadowDecision], decided: Sequence[ShadowDecision]) -> list[str]:
    beside = listed(sorted({row.live_policy for row in rows}))
    same = sum(row.model == row.live_model for row in decided)
    notes = [
        f"{len(rows):,} messages from {rows[-1].created_at:%Y-%m-%d} to"
        f" {rows[0].created_at:%Y-%m-%d}, beside {beside}."
        f" The same model for {same:,} of them."
    ]
    if len(rows) == MOST_READ:
        notes.append("Only the newest are counted.")
    if refused := Counter(row.refused for row in rows if row.refused):
        told = [f"{count:,} ({constraint})" for constraint, count in sorted(refused.items())]
        notes.append(f"It would have refused {listed(told)}.")
    unknown = sum(row.expected_usd is None or row.live_expected_usd is None for row in decided)
    if unknown:
        notes.append(f"Of {unknown:,} the cost is not known; they are in neither sum.")
    return notes
