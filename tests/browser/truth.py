"""What really happened: the emulator's own view, and the books as the database has them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

PATIENCE_S = 20.0


def eventually(look: Callable[[], T | None]) -> T:
    """What `look` sees as soon as it sees something. Raises AssertionError if it never does."""
    until = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < until, f"never came true: {look}"
        time.sleep(0.02)
    return found


class Upstream:
    """The emulator behind the server, asked for what a client cannot know."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/_emulator", timeout=PATIENCE_S)

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._http.get(path).raise_for_status().json()
        return answer

    def sent(self, generation_id: str) -> str:
        """The text that went out under an id so far, letter by letter."""
        text: str = self._get(f"/sent/{generation_id}")["text"]
        return text

    def is_writing(self, generation_id: str) -> bool:
        return generation_id in self._get("/open")["open"]

    def entry(self, generation_id: str) -> dict[str, Any]:
        """Its line on the bill, which is written when it has ended, whichever way."""

        def look() -> dict[str, Any] | None:
            entries = self._get("/bill")["entries"]
            return next((one for one in entries if one["generation_id"] == generation_id), None)

        return eventually(look)

    def cost_usd(self, generation_id: str) -> Decimal:
        return Decimal(self.entry(generation_id)["cost"])


@dataclass(frozen=True, slots=True)
class CallRow:
    """One upstream request in the books. `cost_usd`: of its ledger entry; None without one."""

    state: str
    generation_id: str | None
    cost_usd: Decimal | None


class Books:
    """Reads the database of a running server, and writes nothing."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def _rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as connection:
            return connection.execute(question, values).fetchall()

    def calls(self, conversation: str) -> list[CallRow]:
        """The calls of a conversation, oldest first."""
        rows = self._rows(
            "SELECT c.state, c.generation_id, u.cost_usd FROM billing_call c"
            " LEFT JOIN billing_usagerecord u ON u.call_id = c.id"
            " WHERE c.conversation_ref = ? ORDER BY c.id",
            conversation,
        )
        return [
            CallRow(state, generation, None if cost is None else Decimal(cost))
            for state, generation, cost in rows
        ]

    def generation(self, conversation: str) -> str:
        """The generation id of the latest call, as soon as it is known."""

        def look() -> str | None:
            calls = self.calls(conversation)
            return calls[-1].generation_id if calls else None

        return eventually(look)

    def ended(self, conversation: str) -> CallRow:
        """The latest call, as soon as it has ended; the answer is settled with it."""

        def look() -> CallRow | None:
            call = next(reversed(self.calls(conversation)), None)
            return call if call and call.state not in ("reserved", "running") else None

        return eventually(look)

    def prompts(self, text: str) -> int:
        """How many messages of persons have exactly this text."""
        rows = self._rows(
            "SELECT count(*) FROM chat_message WHERE role = 'user' AND text = ?", text
        )
        count: int = rows[0][0]
        return count
