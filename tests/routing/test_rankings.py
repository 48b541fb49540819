"""What OpenRouter publishes beside its list places models, and its absence harms nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from openrouter.client import OpenRouterClient
from openrouter.emulator.app import Emulator
from openrouter.emulator.settings import DEMO_KEY
from openrouter.errors import (
    InvalidRequest,
    KeyRejected,
    NotConnected,
    OpenRouterError,
    ProtocolError,
    RateLimited,
)
from openrouter.results import Benchmark, TaskClass, TaskClassifications, TaskModel
from openrouter.testing import ReplayTransport, Reply
from openrouter.transport import ClientConfig
from routing.abilities import Published, judge
from routing.candidates import Skills
from routing.fetching import fetch
from routing.models import LanguageModel
from routing.rankings import figures_of, joined
from tests.routing.factories import TODAY, FakeClient, info, prices

INDICES = Benchmark(
    source="artificial-analysis", model_permaslug="acme/new", intelligence_index=60.0,
    coding_index=50.0,
)  # fmt: skip
GPQA = Benchmark(
    source="openrouter", model_permaslug="acme/new", benchmark_type="gpqa_diamond", accuracy=0.85
)
ARENA = [
    Benchmark(source="design-arena", model_permaslug="acme/new", elo=elo) for elo in (1200, 1300)
]
TASKS = TaskClassifications(
    classifications=(
        TaskClass(tag="code:debugging", models=(TaskModel(id="acme/new", usage_share=0.2),)),
    )
)


def skills(benchmarks: dict[str, Any], slug: str = "acme/new") -> Skills:
    published = Published(
        slug=slug, prices=prices("1", "4"), created=dt.date(2026, 11, 19), benchmarks=benchmarks
    )
    return judge(published, today=TODAY)[0]


def test_every_source_is_kept_by_model() -> None:
    found = figures_of([INDICES, GPQA, *ARENA, Benchmark(source="unheard-of")], TASKS)
    assert found == {
        "acme/new": {
            "artificial_analysis": {"intelligence_index": 60.0, "coding_index": 50.0},
            "openrouter": {"gpqa_diamond": 0.85},
            "arena_elo": 1250.0,
            "used_for": {"code:debugging": 0.2},
        }
    }


def test_the_list_outranks_what_stands_beside_it() -> None:
    told = joined({"artificial_analysis": {"intelligence_index": 1.0}}, ["acme/new"],
                  figures_of([INDICES], None), {})  # fmt: skip
    assert told == {"artificial_analysis": {"intelligence_index": 1.0}}


def test_figures_that_are_gone_are_forgotten_and_those_that_could_not_be_had_are_kept() -> None:
    before = {"openrouter": {"gpqa_diamond": 0.5}, "arena_elo": 1_000.0}
    assert joined({}, ["acme/new"], {}, before) == {}
    assert joined({}, ["acme/new"], None, before) == before


def test_a_model_released_yesterday_is_placed_by_its_figures() -> None:
    unknown = skills({})
    able = skills({"openrouter": {"gpqa_diamond": 0.9}})
    weak = skills({"openrouter": {"gpqa_diamond": 0.25}})
    assert weak.general < unknown.general < able.general
    assert weak.maths < unknown.maths < able.maths


def test_a_figure_of_code_says_most_of_code() -> None:
    unknown, coder = skills({}), skills({"arena_elo": 1350.0})
    assert coder.code - unknown.code > 2 * (coder.writing - unknown.writing) > 0


def test_being_used_for_a_task_says_a_little() -> None:
    unknown, used = skills({}), skills({"used_for": {"general:writing": 0.2}})
    assert unknown.writing < used.writing < 0.6
    assert skills({"used_for": {"general:writing": 0.001}}) == unknown


def test_what_is_known_of_a_family_moves_less_than_a_guess_by_price() -> None:
    told = {"openrouter": {"gpqa_diamond": 0.9}}
    family = skills(told, "openai/gpt-4o").general - skills({}, "openai/gpt-4o").general
    guess = skills(told).general - skills({}).general
    assert 0 < family < guess


@pytest.mark.parametrize("odd", [None, "x", True, float("nan"), -1, 7, {}, []])
def test_what_is_no_figure_places_nothing(odd: Any) -> None:
    told = {"openrouter": {"gpqa_diamond": odd}, "used_for": odd}
    assert skills(told) == skills({})


# --- Fetching ---


@pytest.mark.parametrize("error", [KeyRejected(status=403), InvalidRequest(status=404)])
def test_a_key_that_may_not_read_them_is_told_of_without_harm(error: OpenRouterError) -> None:
    client = FakeClient([info()])
    client.figures_error = error
    fetched = asyncio.run(fetch(client))
    assert fetched.figures is None
    assert f"status {error.status}" in fetched.note
    assert not fetched.trouble


@pytest.mark.parametrize("error", [NotConnected("timeout"), ProtocolError("half"), RateLimited()])
def test_figures_that_did_not_come_are_a_trouble(error: OpenRouterError) -> None:
    client = FakeClient([info()])
    client.figures_error = error
    fetched = asyncio.run(fetch(client))
    assert fetched.figures is None
    assert "were not fetched" in fetched.trouble


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    client = FakeClient([info("acme/new", canonical_slug="acme/new")])
    client.figures, client.tasks = [INDICES, GPQA, *ARENA], TASKS
    monkeypatch.setitem(CLIENTS, "now", client)
    return client


CLIENTS: dict[str, FakeClient] = {}


def make_client() -> FakeClient:
    return CLIENTS["now"]


pointed_here = override_settings(OPENROUTER_CLIENT=f"{__name__}.make_client")


@pytest.mark.django_db
@pointed_here
def test_the_command_keeps_the_figures(
    upstream: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sync_models")
    assert LanguageModel.objects.get().benchmarks["openrouter"] == {"gpqa_diamond": 0.85}
    assert "1 with published figures" in capsys.readouterr().out
    call_command("sync_models")
    assert "0 changed, 1 as before" in capsys.readouterr().out


@pytest.mark.django_db
@pointed_here
def test_a_timeout_of_the_figures_leaves_a_fresh_list_and_the_old_figures(
    upstream: FakeClient,
) -> None:
    call_command("sync_models")
    upstream.infos = [info("acme/new", canonical_slug="acme/new", context_length=7_000)]
    upstream.figures_error = NotConnected("timeout")
    with pytest.raises(CommandError, match="The last ones stay") as failure:
        call_command("sync_models")
    assert failure.value.returncode == 2
    model = LanguageModel.objects.get()
    assert model.context_length == 7_000
    assert model.benchmarks["arena_elo"] == 1250.0


JSON = {"content-type": "application/json"}
LIST = Reply(body=b'{"data": [{"id": "acme/new", "name": "New"}]}', headers=JSON)
FIGURES = Reply(body=b'{"data": []}', headers=JSON)
HALF = b'{"data": [{"source": "openrouter", "model_permaslug": "acme/n'


def answered(*replies: Reply | Exception) -> Any:
    """What a fetch makes of these answers of OpenRouter."""

    async def fetched() -> Any:
        config = ClientConfig(api_key="sk-or-v1-test", max_attempts=1)
        client = OpenRouterClient(config, transport=ReplayTransport(*replies))
        try:
            return await fetch(client)
        finally:
            await client.aclose()

    return asyncio.run(fetched())


@pytest.mark.parametrize(
    "broken",
    [
        Reply(body=HALF, headers=JSON),
        Reply(body=HALF, headers=JSON, ending=httpx.ReadError("cut")),
        Reply(body=b"<html>", headers={"content-type": "text/html"}, status=502),
        httpx.ReadTimeout("too late"),
    ],
)
def test_half_a_page_of_figures_is_none(broken: Reply | Exception) -> None:
    told = answered(LIST, broken)
    assert [info.id for info in told.infos] == ["acme/new"]
    assert told.figures is None
    assert told.trouble
    half = answered(LIST, FIGURES, broken)  # the tasks did not come: no figures without them
    assert half.figures is None


def test_a_key_without_the_right_is_told_by_its_status() -> None:
    refusal = b'{"error": {"code": 403, "message": "Only management keys"}}'
    told = answered(LIST, Reply(body=refusal, headers=JSON, status=403))
    assert "status 403" in told.note


@pytest.mark.parametrize(
    "broken", [Reply(body=HALF, headers=JSON), httpx.ConnectError("nobody"), Reply(status=401)]
)
def test_half_a_list_is_a_failure(broken: Reply | Exception) -> None:
    with pytest.raises(OpenRouterError):
        answered(broken)


def test_the_emulator_publishes_what_is_fetched() -> None:
    async def fetched() -> Any:
        config = ClientConfig(api_key=DEMO_KEY, base_url="http://emulator/api/v1")
        client = OpenRouterClient(config, transport=httpx.ASGITransport(Emulator()))
        try:
            return await fetch(client)
        finally:
            await client.aclose()

    told = asyncio.run(fetched())
    assert told.figures
    rated = [figures for figures in told.figures.values() if "openrouter" in figures]
    assert all("artificial_analysis" in figures for figures in rated)
    assert any("used_for" in figures for figures in told.figures.values())
