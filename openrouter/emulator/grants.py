"""What a code of the OAuth flow can be exchanged for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Grant:
    """`limit` in USD, None for none. Without a `challenge` no verifier is asked for."""

    issued_at: dt.datetime
    challenge: str | None
    method: str | None
    label: str
    limit: Decimal | None
