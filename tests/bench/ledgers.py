"""A ledger of a million entries, as a house of two hundred people would have it after a year."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction

from billing.models import Call, PriceEntry, UsageRecord
from billing.money import usd_text

PEOPLE, GROUPS, DAYS = 200, 4, 365
MODELS = {  # name → share, dollars per million tokens in and out, ms to the first token
    "anthropic/claude-sonnet-4.5": (20, 3.0, 15.0, 900),
    "openai/gpt-5": (15, 1.25, 10.0, 1500),
    "openai/gpt-5-mini": (15, 0.25, 2.0, 700),
    "google/gemini-2.5-flash": (14, 0.3, 2.5, 450),
    "google/gemini-2.5-pro": (8, 1.25, 10.0, 1800),
    "deepseek/deepseek-v3.2": (8, 0.27, 0.4, 1100),
    "qwen/qwen3-235b-a22b": (6, 0.2, 0.6, 800),
    "x-ai/grok-4": (5, 3.0, 15.0, 1400),
    "mistralai/mistral-medium-3.1": (4, 0.4, 2.0, 500),
    "moonshotai/kimi-k2": (3, 0.5, 2.4, 1000),
    "z-ai/glm-4.6": (1, 0.5, 1.75, 900),
    "anthropic/claude-opus-4.1": (1, 15.0, 75.0, 1900),
}
BATCH = 20_000


def fill(rows: int, seed: int = 1) -> None:
    """Add so many settled calls and their entries, spread over the last year."""
    people = make_people()
    books = make_book()
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    made = _rows(random.Random(seed), rows, people, books, now)
    while batch := list(islice(made, BATCH)):
        with transaction.atomic():
            _insert(Call, [call for call, _ in batch])
            _insert(UsageRecord, [entry for _, entry in batch])
    _finish()


def make_people() -> list[int]:
    model: Any = get_user_model()
    groups = [Group.objects.create(name=f"Team {number + 1}") for number in range(GROUPS)]
    people = model.objects.bulk_create(
        model(username=f"person{number:03}") for number in range(PEOPLE)
    )
    for place, person in enumerate(people):
        person.groups.add(groups[place % GROUPS])
    model.objects.create_superuser("payer", password="only-for-the-bench")
    return [person.pk for person in people]


def make_book() -> dict[str, int]:
    entries = {}
    for name, (_, prompt, completion, _) in MODELS.items():
        price = {"prompt": prompt, "completion": completion, "input_cache_read": prompt / 10}
        digits = {part: usd_text(Decimal(str(usd)) / 10**6) for part, usd in price.items()}
        entries[name] = PriceEntry.objects.create(model=name, prices=digits).pk
    return entries


def _rows(
    rng: random.Random, count: int, people: list[int], books: dict[str, int], now: dt.datetime
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Entry and call have the same number, so that nothing has to be read back."""
    names, shares = list(MODELS), [share for share, *_ in MODELS.values()]
    models = rng.choices(names, shares, k=count)
    weights = [1 / (place + 3) for place in range(len(people))]  # some ask much more than others
    who = rng.choices(people, weights, k=count)
    step = dt.timedelta(days=DAYS) / count
    for number in range(1, count + 1):
        model, person = models[number - 1], who[number - 1]
        _, prompt_price, completion_price, ttft = MODELS[model]
        prompt, completion = rng.randrange(200, 9000), rng.randrange(20, 1800)
        cached = prompt // 2 if rng.random() < 0.4 else 0
        micro = round((prompt - cached * 0.9) * prompt_price + completion * completion_price, 4)
        when = now - step * (count - number)
        estimated = rng.random() < 0.002
        outcome = {
            "served_model": model,
            "provider": f"{model.split('/')[0].title()} {rng.randrange(1, 3)}",
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "reasoning_tokens": 0,
            "cached_tokens": cached,
            "cache_write_tokens": None,
            "upstream_cost_usd": None,
            "is_byok": False,
            "ttft_ms": round(rng.lognormvariate(0, 0.5) * ttft),
            "duration_ms": rng.randrange(800, 60_000),
            "finish_reason": "stop",
            "user_ref": f"user-{person}",
            "purpose": "title" if rng.random() < 0.15 else "reply",
            "conversation_ref": f"conversation-{number // 8}",
            "message_ref": str(number),
            "requested_model": model,
            "generation_id": f"gen-bench-{number}",
            "created_at": when,
        }
        cost_usd = usd_text(Decimal(str(micro)) / 10**6)
        entry = _entry(outcome, number, cost_usd, books[model], is_estimated=estimated)
        yield _call(outcome, number, person), entry


def _call(outcome: dict[str, Any], number: int, person: int) -> dict[str, Any]:
    return {
        **outcome,
        "id": number,
        "state": "settled",
        "user_id": person,
        "fallback_models": "[]",
        "reserved_usd": "0.05",
        "key_kind": "shared",
        "key_hash": "",
        "error": "",
        "started_at": outcome["created_at"],
        "ended_at": outcome["created_at"],
        "attempts": 0,
        "last_answer": "",
    }


def _entry(
    outcome: dict[str, Any], number: int, cost_usd: str, price_entry: int, *, is_estimated: bool
) -> dict[str, Any]:
    return {
        **outcome,
        "id": number,
        "call_id": number,
        "kind": "original",
        "corrects_id": None,
        "cost_usd": cost_usd,
        "price_entry_id": price_entry,
        "standing": "estimated" if is_estimated else "exact",
        "estimate_rule": "worst-case/1: bench" if is_estimated else "",
    }


def _insert(model: type[Any], rows: list[dict[str, Any]]) -> None:
    """As fast as each database takes it, past the ORM."""
    table, columns = model._meta.db_table, list(rows[0])
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row([row[name] for name in columns])
            return
        marks = ", ".join(["%s"] * len(columns))
        values = [tuple(_for_sqlite(row[name]) for name in columns) for row in rows]
        cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', values)


def _for_sqlite(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M:%S.%f}" if isinstance(value, dt.datetime) else value


def _finish() -> None:
    """Mark what was put in past the ORM, and let the planner see it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_pendingrollup (entry_id) SELECT id FROM billing_usagerecord"
        )
        if connection.vendor == "postgresql":
            for table in ("billing_call", "billing_usagerecord"):
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
                )
        cursor.execute("ANALYZE")
