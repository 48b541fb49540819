"""Reconciliation key by key: each key of our account beside what OpenRouter counted for it.

Keys of people's own accounts are not ours to look at: their calls are in neither sum.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Q

from billing.key_models import UpstreamKey
from billing.keys import shared_key
from billing.models import Call, Standing, UsageRecord
from billing.money import EXACT, UsdTotal, usd_text
from openrouter.results import ActivityRow

NOTHING: Final = Decimal(0)
SHARED: Final = "shared key"


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key on one day, in both books. `pending` and `estimated` explain a residual."""

    label: str
    key_hash: str
    ours_usd: Decimal
    theirs_usd: Decimal
    pending: int
    estimated: int

    @property
    def residual_usd(self) -> Decimal:
        return EXACT.subtract(self.theirs_usd, self.ours_usd)

    @property
    def is_explained(self) -> bool:
        return not self.residual_usd or bool(self.pending or self.estimated)

    def as_json(self) -> dict[str, Any]:
        """Money as text, to the last digit."""
        return {
            "key": self.label,
            "hash": self.key_hash,
            "ours_usd": usd_text(self.ours_usd),
            "theirs_usd": usd_text(self.theirs_usd),
            "residual_usd": usd_text(self.residual_usd),
            "pending": self.pending,
            "estimated": self.estimated,
        }


def keys_to_compare() -> dict[str, str]:
    """Hash → label of every key that our account has paid for, given up ones included."""
    held = UpstreamKey.objects.on_our_account().exclude(hash="")
    labels = dict(held.order_by("ended_at").values_list("hash", "label"))
    if usual := shared_key().key_hash:
        labels.setdefault(usual, SHARED)
    return labels


def compare_keys(day: dt.date, theirs: Mapping[str, Sequence[ActivityRow]]) -> list[KeyLine]:
    """Every key of `theirs` (hash → its rows) with what the ledger says of it."""
    labels, usual = keys_to_compare(), shared_key().key_hash
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    made = Q(created_at__gte=start, created_at__lt=start + dt.timedelta(days=1))
    entries = UsageRecord.objects.filter(
        call__created_at__gte=start, call__created_at__lt=start + dt.timedelta(days=1)
    )
    calls = Call.objects.pending().filter(made)
    lines = []
    for key_hash, rows in theirs.items():
        # calls from before keys were noted were made with the usual one
        hashes = [key_hash, ""] if key_hash == usual else [key_hash]
        ours = (
            entries.filter(call__key_hash__in=hashes)
            .order_by()
            .aggregate(
                paid=UsdTotal("cost_usd"),
                estimated=Count("pk", filter=Q(standing=Standing.ESTIMATED)),
            )
        )
        lines.append(
            KeyLine(
                label=labels.get(key_hash, key_hash[:8]),
                key_hash=key_hash,
                ours_usd=ours["paid"],
                theirs_usd=_sum(row for row in rows if row.date[:10] == day.isoformat()),
                pending=calls.filter(key_hash__in=hashes).count(),
                estimated=ours["estimated"],
            )
        )
    return sorted(lines, key=lambda line: (not line.residual_usd, line.label))


def _sum(rows: Iterable[ActivityRow]) -> Decimal:
    total = NOTHING
    for row in rows:
        total = EXACT.add(total, row.usage_usd)
    return total
