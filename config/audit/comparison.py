"""The ledger beside the bill, request by request. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Final

NOTHING: Final = Decimal(0)
EXACT: Final = Context(prec=120)  # digits: no sum is ever rounded


@dataclass(frozen=True, slots=True)
class Line:
    """One request, in either book: `kind` is the fault it was made with.

    `own_key_usd`: what was spent on a key of the person's own; 0 where it was ours.
    """

    generation_id: str
    kind: str
    cost_usd: Decimal
    own_key_usd: Decimal = NOTHING


@dataclass(slots=True)
class Tally:
    """The requests of one kind. Residuals are what the bill has more than the ledger."""

    billed: int = 0
    booked: int = 0
    billed_usd: Decimal = NOTHING
    booked_usd: Decimal = NOTHING
    missing: int = 0
    double: int = 0
    unheard_of: int = 0
    differing: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def residual_usd(self) -> Decimal:
        return EXACT.subtract(self.billed_usd, self.booked_usd)

    @property
    def closes(self) -> bool:
        faults = self.missing + self.double + self.unheard_of + self.differing
        return not self.residual_usd and not faults

    def __iadd__(self, other: Tally) -> Tally:
        for name in ("billed", "booked", "missing", "double", "unheard_of", "differing"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.billed_usd = EXACT.add(self.billed_usd, other.billed_usd)
        self.booked_usd = EXACT.add(self.booked_usd, other.booked_usd)
        self.examples += other.examples
        return self


def compare(bill: Iterable[Line], ledger: Iterable[Line]) -> dict[str, Tally]:
    """Kind → how the two agree. An id that the ledger has twice, or lacks, is counted by itself."""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    billed = {line.generation_id: line for line in bill}
    booked: dict[str, list[Line]] = defaultdict(list)
    for line in ledger:
        booked[line.generation_id].append(line)
    for generation_id, line in billed.items():
        _compare_one(tallies[line.kind], line, booked.pop(generation_id, []))
    for line in (line for lines in booked.values() for line in lines):
        tally = tallies[line.kind]
        tally.unheard_of += 1
        tally.booked += 1
        tally.booked_usd = EXACT.add(tally.booked_usd, line.cost_usd)
        tally.examples.append(f"{line.generation_id or 'no id'}: in no bill")
    return dict(tallies)


def _compare_one(tally: Tally, line: Line, entries: list[Line]) -> None:
    tally.billed += 1
    tally.billed_usd = EXACT.add(tally.billed_usd, line.cost_usd)
    tally.booked += len(entries)
    for entry in entries:
        tally.booked_usd = EXACT.add(tally.booked_usd, entry.cost_usd)
    if not entries:
        tally.missing += 1
        tally.examples.append(f"{line.generation_id}: {line.cost_usd} is missing")
    tally.double += max(0, len(entries) - 1)
    for entry in entries:
        if (entry.cost_usd, entry.own_key_usd) != (line.cost_usd, line.own_key_usd):
            tally.differing += 1
            tally.examples.append(
                f"{line.generation_id}: {line.cost_usd} was billed, {entry.cost_usd} booked"
            )


def table(tallies: Mapping[str, Tally], replies: Counter[str]) -> Iterator[str]:
    """The comparison as lines of text, a kind in each, and the whole in the last."""
    total = Tally()
    yield f"{'kind':<36}{'replies':>8}{'billed':>8}{'booked':>8}{'residual in USD':>18}  wrong"
    for kind, count in sorted(replies.items()):
        tally = tallies.get(kind, Tally())
        total += tally
        yield _row(kind, count, tally)
    yield _row("all", replies.total(), total)


def _row(kind: str, count: int, tally: Tally) -> str:
    wrong = {
        "missing": tally.missing,
        "double": tally.double,
        "in no bill": tally.unheard_of,
        "differing": tally.differing,
    }
    told = ", ".join(f"{number} {word}" for word, number in wrong.items() if number) or "-"
    counts = f"{count:>8}{tally.billed:>8}{tally.booked:>8}"
    return f"{kind:<36}{counts}{f'{tally.residual_usd.normalize():f}':>18}  {told}"
