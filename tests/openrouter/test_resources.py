"""The endpoints beside chat, upstream faked at its transport."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from openrouter.errors import InvalidRequest, KeyRejected, NotConnected, ProtocolError, Unavailable
from openrouter.testing import ReplayTransport, Reply
from tests.openrouter.upstream import KEY, Waits, asking


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    data = body if isinstance(body, str) else json.dumps(body)
    return Reply(body=data.encode(), status=status, headers=dict(headers), slices=(7,))


def paged(respond: Callable[[httpx.Request], Any]) -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: httpx.Response(200, json=respond(request)))


async def test_models_are_read_with_their_prices_as_the_wire_wrote_them() -> None:
    body = {
        "data": [
            {
                "id": "example/beacon",
                "name": "Beacon",
                "context_length": 200_000,
                "created": 1_780_000_000,
                "architecture": {
                    "input_modalities": ["text", "image"],
                    "output_modalities": ["text"],
                },
                "pricing": {
                    "prompt": "0.0000025",
                    "completion": "0.00001",
                    "input_cache_read": "0.00000025",
                    "overrides": [{"min_prompt_tokens": 200000, "prompt": "0.000005"}],
                },
                "top_provider": {"max_completion_tokens": 8192, "is_moderated": True},
                "supported_parameters": ["tools", "seed"],
                "of_tomorrow": {"x": 1},
            },
            {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}},
            {"id": "example/free:free", "pricing": {"prompt": "0", "completion": "0"}},
        ]
    }
    async with asking(ReplayTransport(reply(body))) as client:
        beacon, router, free = await client.models()
    assert str(beacon.pricing.prompt_usd) == "0.0000025"
    assert beacon.pricing.request_usd is None
    assert beacon.pricing.overrides[0].prompt_usd == Decimal("0.000005")
    assert beacon.architecture.input_modalities == ("text", "image")
    assert beacon.top_provider.max_completion_tokens == 8192
    assert router.pricing.prompt_usd is None
    assert free.pricing.prompt_usd == 0


async def test_an_odd_model_loses_its_odd_fields_and_hides_no_other() -> None:
    odd = {"id": "odd", "pricing": "ask us", "context_length": "large", "name": None, "created": 1}
    body = {"data": [{"name": "no id"}, odd, {"id": "good", "name": "Good"}]}
    async with asking(ReplayTransport(reply(body))) as client:
        models = await client.models()
    assert [(model.id, model.name) for model in models] == [("odd", ""), ("good", "Good")]
    assert (models[0].context_length, models[0].pricing.prompt_usd) == (None, None)
    assert models[0].created == 1


async def test_models_follow_the_link_to_the_next_page_on_our_own_host() -> None:
    asked: list[httpx.URL] = []

    def respond(request: httpx.Request) -> Any:
        asked.append(request.url)
        offset = int(request.url.params.get("offset", 0))
        ids = [{"id": f"m{number}"} for number in range(offset, min(offset + 2, 5))]
        following = f"https://evil.test/models?offset={offset + 2}" if offset < 4 else None
        return {"data": ids, "total_count": 5, "links": {"next": following}}

    async with asking(paged(respond)) as client:
        models = await client.models(output_modalities="all")
    assert [model.id for model in models] == ["m0", "m1", "m2", "m3", "m4"]
    assert {url.host for url in asked} == {"upstream.test"}
    assert {url.params["output_modalities"] for url in asked} == {"all"}


async def test_a_link_that_leads_in_circles_ends() -> None:
    async with asking(
        paged(lambda _: {"data": [{"id": "a"}], "links": {"next": "/x?offset=1"}})
    ) as client:
        assert [model.id for model in await client.models()] == ["a"]


async def test_the_models_of_the_account_are_asked_at_their_own_address() -> None:
    transport = ReplayTransport(reply({"data": []}))
    async with asking(transport) as client:
        await client.models(of_account=True)
    assert transport.requests[0].url.path == "/api/v1/models/user"


async def test_the_endpoints_of_a_model_are_told_with_their_prices() -> None:
    body = {
        "data": {
            "id": "example/beacon:free",
            "endpoints": [
                {
                    "provider_name": "Lighthouse",
                    "pricing": {"prompt": "0.1", "completion": "0.2"},
                    "latency_last_30m": {"p50": 0.25},
                    "status": 0,
                }
            ],
        }
    }
    transport = ReplayTransport(reply(body))
    async with asking(transport) as client:
        (endpoint,) = await client.endpoints("example/beacon:free")
    assert transport.requests[0].url.path == "/api/v1/models/example/beacon:free/endpoints"
    assert (endpoint.provider_name, endpoint.pricing.completion_usd) == (
        "Lighthouse",
        Decimal("0.2"),
    )
    assert endpoint.latency_last_30m == {"p50": 0.25}


async def test_an_id_cannot_lead_to_another_address() -> None:
    transport = ReplayTransport(reply({"data": {"hash": "x"}}))
    async with asking(transport) as client:
        await client.update_key("../credits?x=1#y", name="n")
    assert transport.requests[0].url.raw_path == b"/api/v1/keys/..%2Fcredits%3Fx%3D1%23y"


async def test_providers_are_told() -> None:
    body = {
        "data": [{"slug": "openai", "name": "OpenAI", "datacenters": ["US"], "headquarters": None}]
    }
    async with asking(ReplayTransport(reply(body))) as client:
        (provider,) = await client.providers()
    assert (provider.slug, provider.datacenters) == ("openai", ("US",))


async def test_a_generation_is_told_to_the_last_digit() -> None:
    body = """{"data": {"id": "gen-1", "usage": 1.10E-5, "total_cost": 0.000011000, "latency": 582,
        "native_tokens_prompt": 10, "tokens_prompt": 3, "cancelled": true}}"""
    transport = ReplayTransport(reply(body))
    async with asking(transport) as client:
        bill = await client.generation("gen-1")
    assert transport.requests[0].url.params["id"] == "gen-1"
    assert (str(bill.usage_usd), str(bill.total_cost_usd)) == ("0.0000110", "0.000011000")
    assert (bill.prompt_tokens, bill.cancelled, bill.latency_ms) == (10, True, 582)


async def test_a_generation_that_is_not_there_yet_is_said_so_at_once() -> None:
    absent = reply({"error": {"code": 404, "message": "Generation gen-1 not found"}}, status=404)
    transport = ReplayTransport(absent)
    async with asking(transport) as client:
        with pytest.raises(InvalidRequest) as caught:
            await client.generation("gen-1")
    assert caught.value.status == 404
    assert len(transport.requests) == 1


async def test_credits_can_be_overdrawn() -> None:
    body = '{"data":{"total_credits":600.815,"total_usage":601.014979078}}'
    async with asking(ReplayTransport(reply(body))) as client:
        account = await client.credits()
    assert str(account.balance_usd) == "-0.199979078"


async def test_the_key_that_asks_is_told() -> None:
    body = """{"data": {"label": "sk-or-v1-e3d...94f", "limit": null, "usage": 162.870592992,
        "usage_daily": 1.536e-06, "rate_limit": {"requests": -1, "interval": "10s"}}}"""
    async with asking(ReplayTransport(reply(body))) as client:
        key = await client.key()
    assert (key.limit_usd, str(key.usage_usd)) == (None, "162.870592992")
    assert key.usage_daily_usd == Decimal("0.000001536")


async def test_all_keys_are_listed_page_by_page_until_one_is_empty() -> None:
    offsets: list[int] = []

    def respond(request: httpx.Request) -> Any:
        offsets.append(int(request.url.params["offset"]))
        hashes = range(offsets[-1], min(offsets[-1] + 2, 5))
        return {"data": [{"hash": str(number), "limit": 12.5} for number in hashes]}

    async with asking(paged(respond)) as client:
        keys = await client.keys()
    assert [key.hash for key in keys] == ["0", "1", "2", "3", "4"]
    assert offsets == [0, 2, 4, 5]
    assert keys[0].limit_usd == Decimal("12.5")


async def test_a_server_that_ignores_the_offset_ends_the_list() -> None:
    async with asking(paged(lambda _: {"data": [{"hash": "a"}, {"hash": "b"}]})) as client:
        assert len(await client.keys(include_disabled=True)) == 2


async def test_a_new_key_is_shown_once_and_in_no_repr() -> None:
    made = reply({"data": {"hash": "h", "name": "Team", "limit": 5}, "key": KEY}, status=201)
    transport = ReplayTransport(made)
    async with asking(transport) as client:
        new = await client.create_key(name="Team", limit_usd=Decimal("5.00"), limit_reset="daily")
    assert (new.key, new.info.hash, new.info.limit_usd) == (KEY, "h", Decimal(5))
    assert KEY not in repr(new)
    assert transport.requests[0].content == b'{"name":"Team","limit":5.00,"limit_reset":"daily"}'


async def test_a_key_is_never_made_twice() -> None:
    transport = ReplayTransport(reply({"error": {"code": 502, "message": "gone"}}, status=502))
    async with asking(transport) as client:
        with pytest.raises(Unavailable):
            await client.create_key(name="Team")
    assert len(transport.requests) == 1


async def test_a_key_is_changed_only_where_it_is_told() -> None:
    transport = ReplayTransport(reply({"data": {"hash": "h", "disabled": True}}))
    async with asking(transport) as client:
        assert (await client.update_key("h", limit_usd=None, disabled=True)).disabled
    assert transport.requests[0].method == "PATCH"
    assert json.loads(transport.requests[0].content) == {"disabled": True, "limit": None}


async def test_a_key_is_deleted_by_its_hash() -> None:
    transport = ReplayTransport(reply({"deleted": True}))
    async with asking(transport) as client:
        await client.delete_key("h")
    assert (transport.requests[0].method, transport.requests[0].url.path) == (
        "DELETE",
        "/api/v1/keys/h",
    )


async def test_activity_is_told_day_by_day() -> None:
    row = (
        '{"date":"2026-11-19","model":"m","usage":0.015,"requests":5,"byok_requests":1,"odd":null}'
    )
    transport = ReplayTransport(reply(f'{{"data":[{row}]}}'))
    async with asking(transport) as client:
        (told,) = await client.activity(day=date(2026, 11, 19))
    assert dict(transport.requests[0].url.params) == {"date": "2026-11-19"}
    assert (told.requests, str(told.usage_usd)) == (5, "0.015")


async def test_benchmarks_of_every_source_are_read() -> None:
    figures = [
        {"source": "artificial-analysis", "model_permaslug": "m", "coding_index": 65.8},
        {
            "source": "openrouter",
            "benchmark_type": "gpqa",
            "accuracy": 0.72,
            "avg_cost_per_task": 0.002,
        },
        {"source": "of-tomorrow", "glory": 9},
    ]
    async with asking(ReplayTransport(reply({"data": figures, "meta": {}}))) as client:
        first, second, third = await client.benchmarks()
    assert (first.coding_index, second.accuracy, third.source) == (65.8, 0.72, "of-tomorrow")
    assert second.avg_cost_per_task_usd == Decimal("0.002")


async def test_task_classifications_are_read() -> None:
    item = {"tag": "code:x", "usage_share": 0.23, "models": [{"id": "m", "tag_usage_share": 0.5}]}
    body = {"data": {"as_of": "2026-06-17", "window_days": 7, "classifications": [item]}}
    async with asking(ReplayTransport(reply(body))) as client:
        told = await client.task_classifications()
    (task,) = told.classifications
    assert (told.as_of, task.tag, task.models[0].usage_share) == ("2026-06-17", "code:x", 0.5)


async def test_a_granted_key_is_fetched_with_the_verifier() -> None:
    transport = ReplayTransport(reply({"key": KEY, "user_id": "u"}))
    async with asking(transport, api_key="") as client:
        granted = await client.exchange_code(code="c", verifier="v")
    assert granted.key == KEY
    assert KEY not in repr(granted)
    sent = json.loads(transport.requests[0].content)
    assert sent == {"code": "c", "code_verifier": "v", "code_challenge_method": "S256"}


async def test_a_question_that_failed_in_passing_is_asked_again() -> None:
    transport, waits = ReplayTransport(reply("", status=503), reply({"data": []})), Waits()
    async with asking(transport, waits) as client:
        assert await client.providers() == []
    assert waits.delays_s == [0.5]


async def test_a_question_that_keeps_failing_is_given_up() -> None:
    transport = ReplayTransport(httpx.ConnectError("refused"))
    async with asking(transport, max_attempts=2) as client:
        with pytest.raises(NotConnected, match="refused"):
            await client.providers()
    assert len(transport.requests) == 2


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"error":{"code":401,"message":"User not found."}}', KeyRejected),
        ("<html><title>Sign in</title></html>", ProtocolError),
        ('{"data":"what"}', ProtocolError),
        ("[]", ProtocolError),
        ("", ProtocolError),
    ],
)
async def test_a_body_with_status_200_that_is_no_answer(body: str, kind: type[Exception]) -> None:
    async with asking(ReplayTransport(reply(body))) as client:
        with pytest.raises(kind):
            await client.credits()
