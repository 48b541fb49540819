"""Figures of the page against their goals, and the table that shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `least`: the goal is a least value, not a most; None: there is no goal.

    `aside`: what else was seen, in a few words.
    """

    group: str
    name: str
    value: float
    unit: str = ""
    goal: float | None = None
    least: bool = False
    under: bool = False  # the goal itself is too much
    aside: str = ""

    @property
    def is_met(self) -> bool:
        if self.goal is None:
            return True
        if self.least:
            return self.value >= self.goal
        return self.value < self.goal if self.under else self.value <= self.goal

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        return "met" if self.is_met else "MISSED"

    @property
    def wanted(self) -> str:
        if self.goal is None:
            return ""
        sign = "≥" if self.least else "<" if self.under else "≤"
        return f"{sign} {shown(self.goal)}"


def shown(value: float) -> str:
    """A figure with as many digits as it has meaning."""
    if value == round(value):
        return f"{value:,.0f}"
    return (
        f"{value:,.0f}"
        if abs(value) >= 100
        else f"{value:,.1f}"
        if value >= 10
        else f"{value:,.2f}"
    )


def table(figures: Sequence[Figure]) -> str:
    """All figures under the names of their groups, in columns."""
    lines = [f"{'':46}{'':>11}  {'goal':<10}{'':8}"]
    group = ""
    for figure in figures:
        if figure.group != group:
            group = figure.group
            lines.append(group)
        value = f"{shown(figure.value)} {figure.unit}".strip()
        line = f"  {figure.name:<44}{value:>11}  {figure.wanted:<10}{figure.verdict:<8}"
        lines.append(f"{line}{figure.aside}".rstrip())
    return "\n".join(lines)


def missed(figures: Iterable[Figure]) -> list[Figure]:
    return [figure for figure in figures if not figure.is_met]
