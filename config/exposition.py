"""What Prometheus scrapes: the numbers of this process, and of the books it shares with others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.utils import timezone
from prometheus_client import GC_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from billing.models import Call
from chat.database import in_database
from chat.metrics import Distribution, metrics
from chat.pace import pace
from chat.redis_relay import RedisRelay
from chat.runner import Runner


@dataclass(frozen=True, slots=True)
class Books:
    """What only the database can tell. `pool`: of psycopg's statistics; empty on SQLite."""

    pending: int
    unknown: int
    overdue: int
    pool: dict[str, int]


def read_books() -> Books:
    """One look at the books. Raises Django's database errors."""
    pool = getattr(connection, "pool", None)  # PostgreSQL's, where settings ask for one
    return Books(
        pending=Call.objects.pending().count(),
        unknown=Call.objects.unknown().count(),
        overdue=Call.objects.overdue(timezone.now()).count(),
        pool=pool.get_stats() if pool else {},
    )


class SwitchboardCollector(Collector):
    """Reads a runner when it is scraped. Set `books` first; None: the database does not answer."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.books: Books | None = None

    def collect(self) -> Iterator[Metric]:
        yield from self._replies()
        yield from self._waits()
        yield from self._upstream()
        yield from self._database()
        if isinstance(self._runner.relay, RedisRelay):
            yield _gauge("redis_connected", "1: Redis is heard.", self._runner.relay.is_connected)

    def _replies(self) -> Iterator[Metric]:
        yield _gauge("streams", "Replies that this process writes.", len(self._runner.writers))
        yield _gauge("tabs", "Tabs that this process serves.", self._runner.feed.followers_count)
        yield _gauge(
            "views", "Growing replies held: written or watched.", len(self._runner.feed.views)
        )
        yield _gauge("tasks", "asyncio tasks of this process.", len(asyncio.all_tasks()))
        yield _gauge("draining", "1: takes nothing new.", self._runner.is_draining)
        ended = CounterMetricFamily(
            "switchboard_replies", "Replies ended, by how they ended.", labels=["state"]
        )
        for state, count in metrics.replies.items():
            ended.add_metric([state.value], count)
        yield ended
        yield _counter("text_characters", "Characters that came.", metrics.text_chars)
        yield _counter("completion_tokens", "Tokens billed.", metrics.completion_tokens)

    def _waits(self) -> Iterator[Metric]:
        yield _histogram("first_token_seconds", "From task to first text.", metrics.first_token_s)
        yield _histogram("frame_lag_seconds", "From text to socket.", metrics.frame_lag_s)
        yield _histogram("event_loop_lag_seconds", "Loop behind its time.", metrics.loop_lag_s)
        yield _gauge("frame_interval_seconds", "Between two frames of a reply.", pace.frame_s)

    def _upstream(self) -> Iterator[Metric]:
        if client := self._runner.client:
            yield _gauge("upstream_connections", "In use.", client.connections)
            yield _gauge("upstream_waiting", "Streams that wait for a place.", client.waiting)

    def _database(self) -> Iterator[Metric]:
        yield _gauge("database_queue", "Calls that wait for a thread.", in_database.queue_length)
        yield _gauge("database_up", "1: it answers.", self.books is not None)
        if self.books:
            yield _gauge("ledger_pending_calls", "Bills to come.", self.books.pending)
            yield _gauge("ledger_unknown_calls", "No id to ask with.", self.books.unknown)
            yield _gauge("ledger_overdue_calls", "Bills two hours late.", self.books.overdue)
            for name in POOL & self.books.pool.keys():
                yield _gauge(f"database_{name}", "Of psycopg's pool.", self.books.pool[name])


POOL: Final = {"pool_size", "pool_available", "requests_waiting"}


class Exposition:
    """The page that is scraped."""

    def __init__(self, runner: Runner) -> None:
        self._collector = SwitchboardCollector(runner)
        self._registry = CollectorRegistry()
        for collector in (self._collector, PROCESS_COLLECTOR, GC_COLLECTOR):
            self._registry.register(collector)

    def draw(self, books: Books | None) -> bytes:
        """In Prometheus's text format. On the event loop: about a millisecond."""
        self._collector.books = books
        return generate_latest(self._registry)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"switchboard_{name}", help_text, value=float(value))


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"switchboard_{name}", help_text, value=float(value))


def _histogram(name: str, help_text: str, values: Distribution) -> Metric:
    return HistogramMetricFamily(
        f"switchboard_{name}", help_text, buckets=values.cumulative(), sum_value=values.total
    )
