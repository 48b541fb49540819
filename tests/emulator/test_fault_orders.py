"""How faults are ordered, how often they fire, and what a real socket makes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from openrouter.emulator import faults
from openrouter.emulator.faults import KNOWN
from openrouter.emulator.settings import EmulatorSettings, instant
from tests.emulator.conftest import Served, connected
from tests.emulator.reading import CALM, MODEL, ask, faulty, read


async def test_a_fault_that_fires_twice_lets_the_third_try_through() -> None:
    async with connected() as (client, _):
        body = faulty("503 times=2")
        tries = [await client.post("/chat/completions", json=body) for _ in range(4)]
        other = await client.post("/chat/completions", json=faulty("503 times=2", user="u"))
    assert [response.status_code for response in tries] == [503, 503, 200, 200]
    assert other.status_code == 200  # the same prompt, whoever asks


async def test_a_fault_can_be_ordered_by_header_and_by_metadata() -> None:
    async with connected() as (client, _):
        by_header = await client.post(
            "/chat/completions", json=CALM, headers={"X-Emulator-Fault": "503"}
        )
        marked = CALM | {"metadata": {"emulator_fault": "429"}}
        by_metadata = await client.post("/chat/completions", json=marked)
    assert (by_header.status_code, by_metadata.status_code) == (503, 429)


async def test_an_unknown_fault_is_named_with_those_that_exist() -> None:
    async with connected() as (client, _):
        response = await client.post("/chat/completions", json=faulty("meteor"))
    assert response.status_code == 400
    assert all(name in response.json()["error"]["message"] for name in KNOWN)


async def test_a_fault_on_the_first_model_moves_on_to_the_next() -> None:
    models = [MODEL, "openai/gpt-5-mini"]
    async with connected() as (client, emulator):
        stream = await read(client, faulty("503 on=first", models=models))
        named = await read(client, faulty(f"503 on={MODEL}", models=models))
        both = await client.post("/chat/completions", json=faulty("503", models=models))
    assert stream.chunks[0]["model"].startswith("openai/gpt-5-mini")
    assert named.chunks[0]["model"] == stream.chunks[0]["model"]
    assert both.status_code == 503
    entry = emulator.bill.find(stream.id)
    assert entry is not None
    assert entry.requested_model == MODEL


async def test_the_rate_of_faults_follows_the_seed() -> None:
    async def statuses(seed: int) -> list[int]:
        settings = instant(fault_rate=0.4, seed=seed, rate_faults=("503",))
        async with connected(settings) as (client, _):
            return [
                (await client.post("/chat/completions", json=CALM)).status_code for _ in range(30)
            ]

    first, again, other = await statuses(1), await statuses(1), await statuses(2)
    assert first == again != other
    assert 4 < first.count(503) < 22


def test_every_fault_in_the_documentation_is_known_and_the_reverse() -> None:
    text = " ".join((faults.__doc__ or "").replace(",", " ").replace("(", " ").split())
    missing = [name for name in KNOWN - {"none"} if f" {name} " not in f" {text} "]
    assert not missing


@pytest.mark.parametrize("after", [0, 4])
def test_a_cut_is_a_broken_connection_behind_a_real_socket_too(served: Served, after: int) -> None:
    path, body = f"{served.url}/chat/completions", faulty(f"cut after={after}")
    broken = (httpx.RemoteProtocolError, httpx.ReadError)
    with httpx.Client(headers=served.headers) as client:
        with client.stream("POST", path, json=body) as response, pytest.raises(broken):
            response.read()
        with pytest.raises(broken):
            client.post(path, json=faulty("reset"))


def test_a_client_that_leaves_a_real_socket_is_noticed(served: Served) -> None:
    body = ask("[[bench: chunks=100000 rate=200]]", model="openai/gpt-5-mini")
    with httpx.Client(headers=served.headers) as client:
        with client.stream("POST", f"{served.url}/chat/completions", json=body) as response:
            pieces = response.iter_bytes()  # held: a generator that is dropped closes the response
            next(pieces)
            generation_id = response.headers["x-generation-id"]
            assert generation_id in client.get(f"{served.root}/_emulator/open").json()["open"]
        for _ in range(1000):
            if generation_id not in client.get(f"{served.root}/_emulator/open").json()["open"]:
                break
    entry = served.emulator.bill.find(generation_id)
    assert entry is not None
    assert entry.cancelled
    assert 0 < entry.count.completion < 100_000
    assert entry.cost > Decimal(0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fault_rate": 1.5},
        {"fault_rate": -0.1},
        {"tokens_per_s": 0},
        {"first_token_s": -1},
        {"jitter": 2},
        {"keep_alive_s": 0},
        {"wire_style": "1999"},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EmulatorSettings(**wrong)
