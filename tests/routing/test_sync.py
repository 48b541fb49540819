"""The catalogue follows OpenRouter's list, and no figure enters it that is no price."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import override_settings
from django.utils import timezone

from openrouter.errors import KeyRejected, NotConnected, OpenRouterError, ProtocolError
from openrouter.results import Architecture, PriceOverride, Pricing, TopProvider
from routing import sync
from routing.models import LanguageModel
from routing.prices import as_text
from routing.services import sync_catalogue
from routing.sync import CatalogueRefused, SyncReport, store_catalogue
from tests.routing.factories import FakeClient, info

pytestmark = pytest.mark.django_db


def store(*infos: Any) -> SyncReport:
    return store_catalogue(infos, now=timezone.now())


def row(slug: str = "acme/model") -> LanguageModel:
    return LanguageModel.objects.get(slug=slug)


def test_new_changed_unchanged_and_vanished_are_told_apart() -> None:
    store(info("a/stays"), info("a/changes"), info("a/goes"))
    report = store(info("a/stays"), info("a/changes", context_length=1_000), info("a/comes"))
    assert (report.added, report.changed, report.unchanged, report.vanished) == (1, 1, 1, 1)
    assert row("a/changes").context_length == 1_000
    assert not row("a/goes").is_available
    assert row("a/stays").is_available
    assert "3 models listed: 1 new, 1 changed, 1 as before; 1 no longer" in report.summary()


def test_a_vanished_model_keeps_its_row_and_may_come_back() -> None:
    store(info("a/stays"), info("a/goes"))
    store(info("a/stays"))
    pk = row("a/goes").pk
    report = store(info("a/stays"), info("a/goes"))
    assert row("a/goes").is_available
    assert row("a/goes").pk == pk
    assert report.changed == 1


def test_what_vanished_once_is_not_counted_again() -> None:
    store(info("a/stays"), info("a/goes"))
    assert store(info("a/stays")).vanished == 1
    assert store(info("a/stays")).vanished == 0


def test_facts_arrive_as_published() -> None:
    store(
        info(
            "acme/model",
            architecture=Architecture(
                input_modalities=("text", "image"), output_modalities=("text",)
            ),
            supported_parameters=("tools", "reasoning"),
            reasoning={"mandatory": True, "supported_efforts": ["high", "low"]},
            benchmarks={"artificial_analysis": {"intelligence_index": Decimal("51.5")}},
            expiration_date="2027-03-04",
            top_provider=TopProvider(context_length=64_000, max_completion_tokens=9_000),
        )
    )
    model = row()
    assert model.author == "acme"
    assert model.created == dt.date(2026, 5, 1)
    assert model.expires_on == dt.date(2027, 3, 4)
    assert (model.context_length, model.max_completion_tokens) == (64_000, 9_000)
    assert model.input_modalities == ["image", "text"]
    assert model.reasoning == {"mandatory": True, "supported_efforts": ["high", "low"]}
    assert model.benchmarks == {"artificial_analysis": {"intelligence_index": 51.5}}


@pytest.mark.parametrize(
    "digits", ["0.000000071", "0.00000006071234567890123", "0.00003", "0", "123.456"]
)
def test_a_price_comes_back_from_the_database_digit_for_digit(digits: str) -> None:
    store(info(pricing=Pricing(prompt_usd=Decimal(digits), completion_usd=Decimal(digits))))
    assert as_text(row().prompt_usd) == digits


@pytest.mark.parametrize("price", ["-0.000001", "NaN", "Infinity", "-Infinity", "1e999999"])
def test_what_is_no_price_becomes_unknown_with_a_warning(price: str) -> None:
    told = Pricing(prompt_usd=Decimal(price), completion_usd=Decimal("0.000001"))
    report = store(info(pricing=told))
    assert row().prompt_usd is None
    assert not row().prices.known
    assert len(report.warnings) == 1
    assert "acme/model" in report.warnings[0]
    assert report.unpriced == 1


def test_minus_one_means_depends_and_is_no_warning() -> None:
    told = Pricing(prompt_usd=Decimal(-1), completion_usd=Decimal(-1))
    report = store(info("openrouter/auto", pricing=told))
    assert row("openrouter/auto").prompt_usd is None
    assert row("openrouter/auto").is_router
    assert report.warnings == ()


def test_free_is_not_unknown() -> None:
    store(info(pricing=Pricing(prompt_usd=Decimal("0.0"), completion_usd=Decimal("-0"))))
    assert row().prompt_usd == 0
    assert row().is_free


def test_the_dearer_price_of_long_prompts_is_kept() -> None:
    override = PriceOverride(
        min_prompt_tokens=200_000.0,
        prompt_usd=Decimal("0.000006"),
        completion_usd=Decimal("0.0000225"),
    )
    told = Pricing(
        prompt_usd=Decimal("0.000003"), completion_usd=Decimal("0.000015"), overrides=(override,)
    )
    store(info(pricing=told))
    assert row().prices.cost_usd(200_001, 0) == 200_001 * Decimal("0.000006")
    assert row().prices.cost_usd(200_000, 0) == Decimal("0.6")


def test_a_price_of_the_hour_counts_only_where_it_is_dearer() -> None:
    windows = (
        PriceOverride(utc_start=100, utc_end=800, prompt_usd=Decimal("0.0000005")),
        PriceOverride(utc_start=900, utc_end=1700, completion_usd=Decimal("0.00001")),
    )
    told = Pricing(
        prompt_usd=Decimal("0.000001"), completion_usd=Decimal("0.000004"), overrides=windows
    )
    store(info(pricing=told))
    assert row().prices.cost_usd(1, 1) == Decimal("0.000011")


@pytest.mark.parametrize(
    ("slug", "facts", "flag"),
    [
        ("a/b:batch", {}, "is_batch"),
        ("a/b:free", {}, "is_free"),
        ("openrouter/auto", {}, "is_router"),
        ("openrouter/fusion", {}, "is_router"),
        ("switchpoint/router", {}, "is_router"),
        ("openrouter/new", {"pricing": Pricing()}, "is_router"),
    ],
)
def test_pseudo_models_are_marked(slug: str, facts: dict[str, Any], flag: str) -> None:
    store(info(slug, **facts), info("plain/model"))
    assert getattr(row(slug), flag)
    assert not getattr(row("plain/model"), flag)


def test_a_stealth_model_of_openrouter_is_no_router() -> None:
    store(info("openrouter/owl-alpha"))
    assert not row("openrouter/owl-alpha").is_router


@pytest.mark.parametrize("target", [{"slug": "a/b", "name": "B"}, "a/b"])
def test_an_alias_names_its_target(target: object) -> None:
    store(info("~a/b-latest", alias_target=target))
    assert row("~a/b-latest").alias_target == "a/b"
    assert row("~a/b-latest").author == "a"


@pytest.mark.parametrize(
    "facts",
    [
        {"created": None, "context_length": None, "top_provider": TopProvider()},
        {"created": 10**15, "context_length": 0},
        {"created": -5, "expiration_date": "soon"},
        {"expiration_date": "2098-12-31", "canonical_slug": None, "name": ""},
        {"architecture": Architecture(), "supported_parameters": ()},
        {"name": "n" * 999, "canonical_slug": "c" * 999, "alias_target": 42},
        {"reasoning": None, "benchmarks": {"design_arena": [{"elo": Decimal("1195.5")}]}},
    ],
)
def test_gaps_and_oddities_of_an_entry_do_not_stop_the_sync(facts: dict[str, Any]) -> None:
    assert store(info(**facts)).added == 1
    assert row().expires_on is None


def test_an_entry_without_a_name_is_left_out_with_a_warning() -> None:
    report = store(info(""), info("x" * 300), info("a/fine"))
    assert report.added == 1
    assert len(report.warnings) == 2


def test_a_model_listed_twice_counts_once() -> None:
    report = store(info("a/b", context_length=1), info("a/b", context_length=2))
    assert report.listed == 1
    assert row("a/b").context_length == 2
    assert "twice" in report.warnings[0]


def test_an_empty_list_changes_nothing() -> None:
    store(info("a/stays"))
    with pytest.raises(CatalogueRefused):
        store()
    assert row("a/stays").is_available


def test_nothing_is_half_written(monkeypatch: pytest.MonkeyPatch) -> None:
    store(info("a/stays", context_length=5))

    def breaks(*_: object) -> None:
        LanguageModel.objects.update(context_length=6)
        raise DatabaseError("disk full")

    monkeypatch.setattr(sync, "_upsert", breaks)
    with pytest.raises(DatabaseError):
        store(info("a/new"))
    assert row("a/stays").context_length == 5


# --- The command ---

CLIENTS: dict[str, FakeClient] = {}


def make_client() -> FakeClient:
    return CLIENTS["now"]


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    client = FakeClient([info("acme/one"), info("acme/two")])
    monkeypatch.setitem(CLIENTS, "now", client)
    return client


pointed_here = override_settings(OPENROUTER_CLIENT=f"{__name__}.make_client")


@pointed_here
def test_the_command_prints_what_it_changed(
    upstream: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sync_models")
    assert "2 models listed: 2 new" in capsys.readouterr().out
    assert upstream.closed == 1


@pointed_here
def test_the_command_says_which_figures_were_refused(
    upstream: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Pricing(prompt_usd=Decimal(-5), completion_usd=Decimal(1))
    upstream.infos = [info("acme/odd", pricing=told)]
    call_command("sync_models")
    assert "acme/odd" in capsys.readouterr().err


@pointed_here
@pytest.mark.parametrize(
    "error",
    [KeyRejected("sk-or-v1-abcdefghijk is bad"), NotConnected("timeout"), ProtocolError("<html>")],
)
def test_a_failure_upstream_is_one_clear_sentence_and_changes_nothing(
    upstream: FakeClient, error: OpenRouterError
) -> None:
    store(info("a/stays"))
    upstream.error = error
    with pytest.raises(CommandError, match="was not synced") as failure:
        call_command("sync_models")
    assert "sk-or" not in str(failure.value)
    assert row("a/stays").is_available
    assert upstream.closed == 1


@pointed_here
def test_a_list_without_models_is_a_clear_failure(upstream: FakeClient) -> None:
    upstream.infos = []
    with pytest.raises(CommandError, match="holds no model"):
        call_command("sync_models")


def test_a_client_that_is_lent_stays_open() -> None:
    client = FakeClient([info("acme/one")])
    assert sync_catalogue(client).added == 1
    assert client.closed == 0


# --- The querysets ---


def test_only_what_is_offered_current_and_live_answers_a_chat() -> None:
    store(info("a/gone"))
    store(
        info("a/fine"),
        info("a/late", expiration_date="2027-01-01"),
        info("a/old", expiration_date="2026-11-20"),
        info("a/b:batch"),
    )
    today = dt.date(2026, 11, 20)
    slugs = set(LanguageModel.objects.answering_chat(today).values_list("slug", flat=True))
    assert slugs == {"a/fine", "a/late"}
    assert LanguageModel.objects.vanished().get().slug == "a/gone"
