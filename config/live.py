"""What billing's calls tell routing of models: the source of its live figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from billing.models import OPEN, Call
from routing.live_figures import Observed
from routing.names import same_model

# Errors that the model or its provider is to blame for (openrouter/errors.py), not the prompt,
# the key or our own network.
BLAMED = frozenset({"ProtocolError", "RateLimited", "StreamInterrupted", "Unavailable"})
LONGEST = dt.timedelta(hours=1)  # a call that runs for longer is not looked for
FIELDS = (
    *("pk", "requested_model", "fallback_models", "served_model", "provider", "error"),
    *("ttft_ms", "duration_ms", "completion_tokens", "ended_at"),
)


def calls_since(since: float, most: int) -> list[tuple[int, Observed]]:
    """The calls that ended since a moment, each with a key; the latest where there are too many."""
    moment = dt.datetime.fromtimestamp(since, dt.UTC)
    ended = Call.objects.filter(created_at__gte=moment - LONGEST, ended_at__gte=moment)
    rows = ended.exclude(state__in=OPEN).order_by("-created_at", "-pk").values(*FIELDS)[:most]
    return [found for row in rows for found in _observed(row)]


def _observed(row: dict[str, Any]) -> Iterator[tuple[int, Observed]]:
    """The call, and where another model stepped in, the failure of the one that was asked."""
    at = row["ended_at"].timestamp()
    asked, served, failed = row["requested_model"], row["served_model"], row["error"] in BLAMED
    if row["error"] and not failed:
        return
    first_ms, all_ms = row["ttft_ms"], row["duration_ms"]
    writing_ms = all_ms - first_ms if first_ms is not None and all_ms is not None else None
    yield (
        row["pk"],
        Observed(
            model=served or asked,
            provider=row["provider"],
            ended_at=at,
            failed=failed,
            first_token_s=None if first_ms is None else first_ms / 1000,
            tokens=row["completion_tokens"],
            seconds=None if writing_ms is None else writing_ms / 1000,
        ),
    )
    if served and any(same_model(served, spare) for spare in row["fallback_models"]):
        yield -row["pk"], Observed(model=asked, provider="", ended_at=at, failed=True)
