"""The ledger as CSV, as it is filtered: a little at a time, however long it is.

Each piece is a question of its own that begins after the last row of the one before. So no
cursor and no transaction stays open while somebody downloads, and memory does not grow.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection
from django.db.models import Q, QuerySet

from billing.models import UsageRecord
from billing.money import usd_text
from billing.usage_people import names_of

PIECE: Final = 2_000  # rows
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would calculate
COLUMNS: Final = (
    *("created_at", "user_ref", "purpose", "requested_model", "served_model", "provider"),
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"),
    *("cache_write_tokens", "cost_usd", "upstream_cost_usd", "is_byok", "standing"),
    *("estimate_rule", "kind", "generation_id", "ttft_ms", "duration_ms", "finish_reason"),
)
HEADINGS: Final = ("time (UTC)", "user", *(name.replace("_", " ") for name in COLUMNS[1:]))


async def csv_of(entries: QuerySet[UsageRecord]) -> AsyncIterator[str]:
    """The lines of the file, in pieces; the newest entry first."""
    yield lines_of([HEADINGS])
    after: Any = None
    while True:
        text, after = await sync_to_async(_piece)(entries, after)
        if text:
            yield text
        if after is None:
            return


def csv_pieces(entries: QuerySet[UsageRecord]) -> Iterator[str]:
    """The same, off the event loop."""
    yield lines_of([HEADINGS])
    after: Any = ()
    while after is not None:
        text, after = _piece(entries, after)
        yield text


def _piece(entries: QuerySet[UsageRecord], after: Any) -> tuple[str, Any]:
    """The next rows as text, and where they end; None at the end of all."""
    try:
        rows = list(_following(entries, after))
        names = names_of({row["user_ref"] for row in rows})
        text = lines_of([_told(row, names) for row in rows]) if rows else ""
        last = (rows[-1]["created_at"], rows[-1]["pk"]) if len(rows) == PIECE else None
        return text, last
    finally:
        if connection.vendor != "sqlite" and not connection.in_atomic_block:
            close_old_connections()


def _following(entries: QuerySet[UsageRecord], after: Any) -> Any:
    rows = entries.order_by("-created_at", "-pk")
    if after:
        when, pk = after
        # The first condition is what an index is walked by.
        rows = rows.filter(Q(created_at__lte=when), Q(created_at__lt=when) | Q(pk__lt=pk))
    return rows.values("pk", *COLUMNS)[:PIECE]


def _told(row: dict[str, Any], names: dict[str, str]) -> Sequence[str]:
    when = f"{row['created_at']:%Y-%m-%d %H:%M:%S}"
    return [when, harmless(names[row["user_ref"]]), *(_cell(row[name]) for name in COLUMNS[1:])]


def _cell(value: Any) -> str:
    """Unknown is empty, money has every digit, and text is harmless; numbers are numbers."""
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else usd_text(value)


def harmless(text: str) -> str:
    """With a quote in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def lines_of(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
