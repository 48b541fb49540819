"""A replay as tables and sentences: the same for the command, the admin page and JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from routing.constraints import MESSAGES
from routing.prices import as_text
from routing.reasons import listed
from routing.replay import CHEAPEST, HAPPENED, POLICY, STRONGEST, Line, Report

TITLES: Mapping[str, str] = {
    HAPPENED: "What happened",
    POLICY: "This policy",
    STRONGEST: "Always the strongest",
    CHEAPEST: "Always the cheapest",
}
LEFT_OUT: Mapping[str, str] = {
    "pinned": "of models that people had chosen themselves",
    "unreadable": "whose decision cannot be read",
}
UNCOSTED: Mapping[str, str] = {
    "tokens": "whose tokens are not known",
    "price": "of models without a known price",
}
IN_THE_MIX = 4  # models named in a cell


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text. The first column names the row; the columns in `figures` are numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: frozenset[int] = frozenset()


def total_text(amount: Decimal | None) -> str:
    """A sum as people compare it: cents from 10 dollars on, below it four digits that count."""
    if amount is None:
        return "unknown"
    if not amount:
        return "$0"
    places = 2 if abs(amount) >= 10 else max(2, 3 - amount.adjusted())
    sign = "-" if amount < 0 else ""
    return f"{sign}${abs(amount).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):,f}"


def signed(amount: Decimal | None) -> str:
    if amount is None:
        return "unknown"
    return ("+" if amount > 0 else "") + total_text(amount)


def percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.1f} %"


def tables(report: Report) -> list[Table]:
    if not report.lines:
        return []
    return [_ways(report), *([_changes(report)] if report.changes else [])]


def _ways(report: Report) -> Table:
    happened = report.lines[0].cost_usd
    return Table(
        title="Ways to choose",
        head=("", "Cost", "Beside what happened", "Predicted quality", "Changed", "Models"),
        rows=tuple(
            (
                TITLES[line.key],
                total_text(line.cost_usd),
                _beside(line.cost_usd, happened) if line.key != HAPPENED else "",
                percent(line.quality),
                f"{line.changed:,}",
                _mix(line),
            )
            for line in report.lines
        ),
        figures=frozenset({1, 2, 3, 4}),
    )


def _beside(cost: Decimal | None, happened: Decimal | None) -> str:
    if cost is None or not happened:
        return "unknown"
    if cost >= 2 * happened:
        return f"{cost / happened:,.1f} times"
    return f"{100 * (cost - happened) / happened:+.1f} %"


def _mix(line: Line) -> str:
    total = sum(count for _, count in line.mix)
    named = [f"{slug} {100 * count / total:.0f} %" for slug, count in line.mix[:IN_THE_MIX]]
    if line.unfit:
        named.append(f"could not have taken {line.unfit:,}")
    if others := len(line.mix) - IN_THE_MIX:
        named += [f"{others} more"] if others > 0 else []
    return ", ".join(named)


def _changes(report: Report) -> Table:
    return Table(
        title="Decisions that change most often",
        head=("Chosen then", "This policy", "Times", "Cost", "Predicted quality"),
        rows=tuple(
            (
                change.before,
                change.after,
                f"{change.count:,}",
                signed(change.extra_usd),
                "unknown" if change.extra_quality is None else f"{100 * change.extra_quality:+.1f}",
            )
            for change in report.changes
        ),
        figures=frozenset({2, 3, 4}),
    )


def notes(report: Report) -> list[str]:
    """What the figures rest on, and what they leave out, in sentences."""
    said = [_scope(report)]
    if report.left_out:
        said.append(f"Left out: {_counted(report.left_out, LEFT_OUT)}.")
    if report.refused:
        reasons = {name: f"({MESSAGES.get(name, name).rstrip('.')})" for name in report.refused}
        said.append(f"This policy would have refused {_counted(report.refused, reasons)}.")
    if not report.judged:
        return said
    uncosted = (
        f"; not in the costs: {_counted(report.uncosted, UNCOSTED)}" if report.uncosted else ""
    )
    said.append(
        f"Costs are for the tokens really used, over {report.costed:,} answers{uncosted}."
        " Another model might have written more or less."
    )
    if report.rated < report.judged:
        said.append(f"Quality is known of {report.rated:,} answers.")
    billed = total_text(report.billed_usd)
    missing = f", {report.unbilled:,} without a bill yet" if report.unbilled else ""
    said.append(f"Really billed, discounts included: {billed}{missing}.")
    said.append(
        "Models, levels and odds are those of the catalogue and the router of today;"
        " budgets of the time and votes are not replayed."
    )
    return said


def _scope(report: Report) -> str:
    if report.first is None or report.last is None:
        return "There is no answer to replay in this time."
    days = f"{report.first:%Y-%m-%d} to {report.last:%Y-%m-%d}"
    answers = f"{report.judged:,} answer{'' if report.judged == 1 else 's'}"
    return f"{answers} from {days}, decided again by {report.policy}."


def _counted(counts: Mapping[str, int], words: Mapping[str, str]) -> str:
    return listed([f"{count:,} {words.get(name, name)}" for name, count in counts.items()])


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON values: money as digits, unknown as null."""
    return {
        "policy": report.policy,
        "first": report.first.isoformat() if report.first else None,
        "last": report.last.isoformat() if report.last else None,
        "judged": report.judged,
        "left_out": dict(report.left_out),
        "refused": dict(report.refused),
        "costed": report.costed,
        "uncosted": dict(report.uncosted),
        "rated": report.rated,
        "billed_usd": as_text(report.billed_usd),
        "unbilled": report.unbilled,
        "ways": [
            {
                "way": line.key,
                "model": line.model or None,
                "cost_usd": as_text(line.cost_usd),
                "predicted_quality": None if line.quality is None else round(line.quality, 6),
                "changed": line.changed,
                "unfit": line.unfit,
                "models": dict(line.mix),
            }
            for line in report.lines
        ],
        "changes": [
            {
                "before": change.before,
                "after": change.after,
                "count": change.count,
                "extra_usd": as_text(change.extra_usd),
                "extra_quality": None
                if change.extra_quality is None
                else round(change.extra_quality, 6),
            }
            for change in report.changes
        ],
    }
