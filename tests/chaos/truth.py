"""The end of a run: the database, the tabs and the books beside what upstream sent and billed."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.chaos.stage import Stage

REPLIES = """
    SELECT m.id, m.state, m.text, m.reasoning, m.owner, m.nonce, m.conversation_id::text AS place,
           m.created_at, m.ended_at, q.text AS prompt, c.generation_id, c.state AS call_state
    FROM chat_message m
    JOIN chat_message q ON q.id = m.parent_id
    LEFT JOIN billing_call c ON c.id = m.call_id
    WHERE m.role = 'assistant' ORDER BY m.id
"""
CALLS = """
    SELECT c.id, c.state, c.generation_id, c.conversation_ref AS place, m.state AS reply_state,
           (SELECT array_agg(e.cost_usd) FROM billing_usagerecord e
             WHERE e.call_id = c.id AND e.kind = 'original') AS costs,
           (SELECT sum(e.cost_usd) FROM billing_usagerecord e WHERE e.call_id = c.id) AS cost
    FROM billing_call c LEFT JOIN chat_message m ON m.call_id = c.id ORDER BY c.id
"""
ENDED = """
    SELECT c.generation_id FROM chat_message m JOIN billing_call c ON c.id = m.call_id
    WHERE c.generation_id IS NOT NULL AND m.state NOT IN ('queued', 'streaming')
"""
PROMPTS = "SELECT text FROM chat_message WHERE role = 'user'"
CHUNKS_LEFT = """
    SELECT count(*) AS n FROM chat_chunk k JOIN chat_message m ON m.id = k.message_id
    WHERE m.state NOT IN ('queued', 'streaming')
"""
RUNNING = "SELECT count(*) AS n FROM chat_message WHERE state IN ('queued', 'streaming')"
DUE = "SELECT count(*) AS n FROM billing_call WHERE state = 'pending' AND generation_id IS NOT NULL"
COLLECTED_AT_ONCE = 8


@dataclass(slots=True)
class Sent:
    text: str
    reasoning: str
    is_complete: bool


@dataclass(slots=True)
class Truth:
    """Rows of the database, and of upstream by generation id."""

    replies: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    prompts: Counter[str]
    chunks_left: int
    sent: dict[str, Sent]
    bill: dict[str, Decimal]
    bill_places: dict[str, str]  # generation → conversation
    open_upstream: list[str]
    redis_keys: list[str] = field(default_factory=list)


def rows(stage: Stage, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(stage.postgres.dsn, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def count(stage: Stage, query: str) -> int:
    return int(rows(stage, query)[0]["n"])


class Collector:
    """Fetches what was sent while upstream still knows it: it keeps the last 2,000 texts only."""

    def __init__(self, stage: Stage) -> None:
        self.sent: dict[str, Sent] = {}
        self._stage = stage

    async def run(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.collect()
            except psycopg.OperationalError:
                continue  # it is being restarted

    async def collect(self) -> None:
        ended = await asyncio.to_thread(rows, self._stage, ENDED)
        wanted = {row["generation_id"] for row in ended} - self.sent.keys()
        gate = asyncio.Semaphore(COLLECTED_AT_ONCE)
        await asyncio.gather(*(self._fetch(one, gate) for one in wanted))

    async def _fetch(self, generation_id: str, gate: asyncio.Semaphore) -> None:
        async with gate:
            found = await self._stage.ask_upstream(f"sent/{generation_id}")
        if found and not found["open"]:
            text = Sent(found["text"], found["reasoning"], found["complete"])
            self.sent[generation_id] = text


async def gather(stage: Stage, collector: Collector) -> Truth:
    await collector.collect()
    bill = (await stage.ask_upstream("bill"))["entries"]
    prompts = Counter(row["text"] for row in rows(stage, PROMPTS))
    return Truth(
        replies=rows(stage, REPLIES),
        calls=rows(stage, CALLS),
        prompts=prompts,
        chunks_left=count(stage, CHUNKS_LEFT),
        sent=collector.sent,
        bill={entry["generation_id"]: Decimal(entry["cost"]) for entry in bill},
        bill_places={entry["generation_id"]: entry["session_id"] for entry in bill},
        open_upstream=(await stage.ask_upstream("open"))["open"],
    )


def uncalled(truth: Truth) -> int:
    """Upstream answers that no call accounts for: a second writer, or a call that was lost.

    A call that died before its generation id was stored accounts for one answer of its place.
    """
    known = {call["generation_id"] for call in truth.calls}
    strangers: defaultdict[str, int] = defaultdict(int)
    for generation, place in truth.bill_places.items():
        if generation not in known:
            strangers[place] += 1
    nameless = Counter(call["place"] for call in truth.calls if not call["generation_id"])
    return sum(max(0, many - nameless[place]) for place, many in strangers.items())
