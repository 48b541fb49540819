"""What a load balancer and Prometheus are told, without a sign-in and without a secret."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import httpx
import pytest
from django.db import OperationalError
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from chat.metrics import Metrics
from chat.models import State
from chat.runner import Runner
from config import health, probes
from config.probes import Probes
from openrouter.errors import KeyRejected, NotConnected, Unavailable

TOKEN = "let-me-look"
LOOPBACK = ("127.0.0.1", 50_000)
ELSEWHERE = ("192.0.2.7", 50_000)


class Upstream:
    """Answers as it is told; `asked` counts."""

    waiting, connections = 3, 4

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.asked = error, 0

    async def key(self) -> None:
        self.asked += 1
        if self.error:
            raise self.error


class Process:
    """The probes of a runner that is open as soon as it was asked to be."""

    def __init__(self, upstream: Upstream) -> None:
        self.runner, self.upstream = Runner(), upstream
        self.opening: Exception | None = None
        self.probes = Probes(self.runner, self.open)

    async def open(self) -> None:
        if self.opening:
            raise self.opening
        self.runner._client = self.upstream  # type: ignore[assignment]
        self.runner._loop = asyncio.get_running_loop()

    async def serve(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        assert self.probes.serve(scope)
        await self.probes(scope, send)

    async def get(
        self,
        path: str,
        *,
        method: str = "GET",
        client: tuple[str, int] = LOOPBACK,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.serve, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://any.host") as http:
            return await http.request(method, path, headers=headers)


@pytest.fixture
def process(settings: Settings) -> Process:
    settings.METRICS_TOKEN = ""
    return Process(Upstream())


async def test_health_needs_nothing_but_the_event_loop(process: Process) -> None:
    process.opening = OperationalError("no database")
    answer = await process.get("/healthz", headers={"host": "10.0.0.7"})
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert process.runner.client is None
    assert process.upstream.asked == 0


async def test_other_paths_and_sockets_are_not_for_the_probes(process: Process) -> None:
    for scope in ({"type": "http", "path": "/"}, {"type": "websocket", "path": "/healthz"}):
        assert not process.probes.serve(scope)


async def test_only_reading_is_allowed(process: Process) -> None:
    assert (await process.get("/readyz", method="POST")).status_code == 405
    head = await process.get("/healthz", method="HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "3")


async def test_ready_names_each_part(process: Process, db: None) -> None:
    answer = await process.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "process": "ok", "database": "ok", "upstream": "ok"}
    assert answer.headers["cache-control"] == "no-store"


async def test_a_probe_opens_the_process_so_that_it_need_not_wait_for_a_person(
    process: Process, db: None
) -> None:
    assert process.runner.client is None
    await process.get("/readyz")
    assert process.runner.client is process.upstream


async def test_without_its_database_it_is_not_ready_and_tells_no_address(
    process: Process, db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise OperationalError("connection to 10.1.2.3 as switchboard failed")

    monkeypatch.setattr(health, "_select_one", refuse)
    answer = await process.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "away"
    assert answer.json()["ready"] is False
    assert "10.1.2.3" not in answer.text
    assert "database is away (OperationalError)" in caplog.text


@pytest.mark.parametrize("error", [NotConnected("refused"), Unavailable(status=502)])
async def test_without_upstream_it_is_not_ready(
    process: Process, db: None, error: Exception
) -> None:
    process.upstream.error = error
    answer = await process.get("/readyz")
    assert (answer.status_code, answer.json()["upstream"]) == (503, "away")


async def test_an_upstream_that_refuses_the_key_is_reachable(process: Process, db: None) -> None:
    process.upstream.error = KeyRejected("no such key", status=401)
    assert (await process.get("/readyz")).json()["upstream"] == "ok"


async def test_with_redis_its_answer_counts(
    settings: Settings, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # nobody listens there

    async def ping(relay: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("chat.redis_relay.RedisRelay.ping", ping)
    answer = await Process(Upstream()).get("/readyz")
    assert (answer.status_code, answer.json()["redis"]) == (503, "away")


async def test_what_hangs_is_slow_and_is_not_asked_twice(
    process: Process, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_S", 0.01)
    go, asked = asyncio.Event(), []

    async def hang() -> None:
        asked.append("database")
        await go.wait()

    process.probes._readiness._parts["database"].ask = hang
    for _ in range(3):
        assert (await process.get("/readyz")).json()["database"] == "slow"
    go.set()
    monkeypatch.setattr(health, "LOOK_S", 5.0)
    assert (await process.get("/readyz")).json()["database"] == "ok"
    assert asked == ["database"]


async def test_many_probes_ask_once(
    process: Process, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [1000.0]
    monkeypatch.setattr("config.health.time.monotonic", lambda: now_s[0])
    for _ in range(20):
        await process.get("/readyz")
    assert process.upstream.asked == 1
    now_s[0] += health.UPSTREAM_FRESH_S
    await process.get("/readyz")
    assert process.upstream.asked == 2


async def test_what_was_away_is_asked_again_soon(
    process: Process, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [1000.0]
    monkeypatch.setattr("config.health.time.monotonic", lambda: now_s[0])
    process.upstream.error = NotConnected("refused")
    assert (await process.get("/readyz")).status_code == 503
    process.upstream.error = None
    now_s[0] += health.FRESH_S
    assert (await process.get("/readyz")).status_code == 200


async def test_while_draining_it_is_alive_but_not_ready(process: Process) -> None:
    process.runner.is_draining = True
    answer = await process.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "process": "draining"})
    assert (await process.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("token", "client", "headers", "may"),
    [
        ("", LOOPBACK, {}, True),
        ("", ("::1", 1), {}, True),
        ("", ELSEWHERE, {}, False),
        ("", LOOPBACK, {"x-forwarded-for": "192.0.2.7"}, False),
        ("", LOOPBACK, {"x-real-ip": "192.0.2.7"}, False),
        ("", LOOPBACK, {"forwarded": "for=192.0.2.7"}, False),
        (TOKEN, ELSEWHERE, {"authorization": f"Bearer {TOKEN}"}, True),
        (TOKEN, ELSEWHERE, {"authorization": f"Bearer {TOKEN}x"}, False),
        (TOKEN, ELSEWHERE, {"authorization": TOKEN}, False),
        (TOKEN, LOOPBACK, {}, False),
    ],
)
async def test_metrics_are_for_those_who_bear_the_token_or_sit_on_the_machine(
    token: str,
    client: tuple[str, int],
    headers: dict[str, str],
    may: bool,
    process: Process,
    settings: Settings,
    db: None,
) -> None:
    settings.METRICS_TOKEN = token
    answer = await process.get("/metrics", client=client, headers=headers)
    assert answer.status_code == (200 if may else 403)
    assert ("switchboard_streams" in answer.text) is may


async def test_metrics_hold_what_happened(
    process: Process, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Metrics()
    monkeypatch.setattr("config.exposition.metrics", counted)
    counted.reply_ended(State.STOPPED, 12)
    counted.text_chars += 345
    for lag_s in (0.02, 0.2):
        counted.frame_lag_s.add(lag_s)
    await process.open()
    shown = samples((await process.get("/metrics")).text)
    assert shown("switchboard_replies_total", state="stopped") == 1
    assert shown("switchboard_replies_total", state="done") == 0
    assert shown("switchboard_text_characters_total") == 345
    assert shown("switchboard_completion_tokens_total") == 12
    assert shown("switchboard_frame_lag_seconds_bucket", le="0.05") == 1
    assert shown("switchboard_frame_lag_seconds_count") == 2
    assert shown("switchboard_upstream_waiting") == 3
    assert shown("switchboard_upstream_connections") == 4
    assert shown("switchboard_ledger_pending_calls") == 0
    assert shown("switchboard_database_up") == 1
    assert shown("process_resident_memory_bytes") > 1e6


async def test_metrics_are_there_while_the_database_is_not(
    process: Process, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OperationalError

    monkeypatch.setattr(probes, "read_books", refuse)
    answer = await process.get("/metrics")
    assert answer.status_code == 200
    assert samples(answer.text)("switchboard_database_up") == 0
    assert "ledger_pending" not in answer.text


def samples(text: str) -> Callable[..., float]:
    """Read an exposition as Prometheus does: a sample by its name and labels."""
    found = {
        (sample.name, json.dumps(sample.labels, sort_keys=True)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return lambda name, **labels: found[name, json.dumps(labels, sort_keys=True)]
