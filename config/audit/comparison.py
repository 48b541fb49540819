"""The ledger beside the bill, request by request. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Final

NOTHING: Final = Decimal(0)
PRECISION: Final = 120  # digits: no sum is ever rounded


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
class Account:
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
        return self.billed_usd - self.booked_usd

    @property
    def closes(self) -> bool:
        faults = self.missing + self.double + self.unheard_of + self.differing
        return not self.residual_usd and not faults

    def __iadd__(self, other: Account) -> Account:
        for name in ("billed", "booked", "billed_usd", "booked_usd", "missing", "double"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unheard_of += other.unheard_of
        self.differing += other.differing
        self.examples += other.examples
        return self


def compare(bill: Iterable[Line], ledger: Iterable[Line]) -> dict[str, Account]:
    """Kind → how the two agree. An id that the ledger has twice, or lacks, is counted by itself."""
    with localcontext(prec=PRECISION):
        return _compare(bill, ledger)


def _compare(bill: Iterable[Line], ledger: Iterable[Line]) -> dict[str, Account]:
    accounts: defaultdict[str, Account] = defaultdict(Account)
    billed = {line.generation_id: line for line in bill}
    booked: dict[str, list[Line]] = defaultdict(list)
    for line in ledger:
        booked[line.generation_id].append(line)
    for generation_id, line in billed.items():
        _compare_one(accounts[line.kind], line, booked.pop(generation_id, []))
    for line in (line for lines in booked.values() for line in lines):
        account = accounts[line.kind]
        account.unheard_of += 1
        account.booked += 1
        account.booked_usd += line.cost_usd
        account.examples.append(f"{line.generation_id or 'no id'}: in no bill")
    return dict(accounts)


def _compare_one(account: Account, line: Line, entries: list[Line]) -> None:
    account.billed += 1
    account.billed_usd += line.cost_usd
    account.booked += len(entries)
    account.booked_usd += sum((entry.cost_usd for entry in entries), NOTHING)
    if not entries:
        account.missing += 1
        account.examples.append(f"{line.generation_id}: {line.cost_usd} is missing")
    account.double += max(0, len(entries) - 1)
    for entry in entries:
        if (entry.cost_usd, entry.own_key_usd) != (line.cost_usd, line.own_key_usd):
            account.differing += 1
            account.examples.append(
                f"{line.generation_id}: {line.cost_usd} was billed, {entry.cost_usd} booked"
            )


def table(accounts: Mapping[str, Account], replies: Counter[str]) -> Iterator[str]:
    """The comparison as lines of text, a kind in each, and the whole in the last."""
    total = Account()
    yield f"{'kind':<36}{'replies':>8}{'billed':>8}{'booked':>8}{'residual in USD':>18}  wrong"
    for kind, count in sorted(replies.items()):
        account = accounts.get(kind, Account())
        total += account
        yield _row(kind, count, account)
    yield _row("all", replies.total(), total)


def _row(kind: str, count: int, account: Account) -> str:
    wrong = {
        "missing": account.missing,
        "double": account.double,
        "in no bill": account.unheard_of,
        "differing": account.differing,
    }
    told = ", ".join(f"{number} {word}" for word, number in wrong.items() if number) or "-"
    counts = f"{count:>8}{account.billed:>8}{account.booked:>8}"
    return f"{kind:<36}{counts}{f'{account.residual_usd.normalize():f}':>18}  {told}"
