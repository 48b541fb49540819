"""What an operator sees: the `route` command and the catalogue in the admin."""

from __future__ import annotations

import io
import sys
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from openrouter.results import Pricing
from routing.models import LanguageModel
from routing.sync import store_catalogue
from tests.routing.factories import info

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _stock() -> None:
    cheap = Pricing(prompt_usd=Decimal("0.0000002"), completion_usd=Decimal("0.0000009"))
    dear = Pricing(prompt_usd=Decimal("0.00001"), completion_usd=Decimal("0.00005"))
    auto = info("openrouter/auto", name="Auto Router", pricing=Pricing())
    infos = [info("acme/one", pricing=cheap), info("umbra/two", pricing=dear), auto]
    store_catalogue(infos, now=timezone.now())


def test_route_shows_the_choice_the_reason_and_the_costs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("route", "Explain how a heat pump works")
    shown = capsys.readouterr().out
    for part in ("acme/one", "umbra/two", "Chosen for", "$", "dial 5", "times as much"):
        assert part in shown


def test_route_takes_any_policy(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("route", "Explain how a heat pump works")
    assert "balanced 1, dial 5" in capsys.readouterr().out
    call_command("route", "Explain how a heat pump works", "--policy", "built-in", "--dial", "7")
    assert "balanced 2026-11-1, dial 7" in capsys.readouterr().out


def test_route_shows_a_pinned_router_without_a_price(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("route", "hi", "--choice", "openrouter/auto")
    shown = capsys.readouterr().out
    assert "price depends" in shown
    assert "at worst unknown" in shown


def test_route_reads_a_long_text_from_its_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("word " * 5_000))
    call_command("route", "-", "--dial", "9")
    assert "dial 9" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--policy", "nobody"], "There are: balanced@1, built-in"),
        (["--dial", "11"], "dial goes from 0 to 10"),
        (["--dial", "nan"], "dial goes from 0 to 10"),
        (["--dial", "much"], "invalid float"),
        (["--needs", "smell"], "invalid choice"),
        (["--needs", "image"], "constraint: image"),
        (["--choice", "no/such"], "constraint: not_in_catalogue"),
        (["--budget-usd", "lots"], "no amount of money"),
        (["--budget-usd", "-1"], "0 USD or more"),
        (["--budget-usd", "NaN"], "0 USD or more"),
        (["--budget-usd", "0"], "constraint: budget"),
        (["--max-completion-tokens", "0"], "needs room"),
    ],
)
def test_route_answers_bad_input_with_a_sentence(options: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("route", "hi", *options)


@pytest.fixture
def admin(client: Client) -> Client:
    user = get_user_model().objects.create_superuser("root", "root@example.com", "secret")
    client.force_login(user)
    return client


def test_the_admin_lists_prices_by_the_million_and_sorts_them_as_numbers(admin: Client) -> None:
    url = reverse("admin:routing_languagemodel_changelist")
    shown = admin.get(url, {"o": "-3"}).content.decode()
    assert "$10.00" in shown
    assert shown.index("umbra/two") < shown.index("acme/one")


@pytest.mark.parametrize(
    "query", [{"q": "umbra"}, {"is_available__exact": "1"}, {"q": "%'\"\\ OR 1=1 --"}]
)
def test_the_admin_can_be_searched_and_filtered(admin: Client, query: dict[str, str]) -> None:
    url = reverse("admin:routing_languagemodel_changelist")
    assert admin.get(url, query).status_code == 200


def test_the_admin_only_shows(admin: Client) -> None:
    pk = LanguageModel.objects.get(slug="acme/one").pk
    change = reverse("admin:routing_languagemodel_change", args=[pk])
    assert admin.get(change).status_code == 200
    assert admin.post(change, {"slug": "x"}).status_code == 403
    assert admin.get(reverse("admin:routing_languagemodel_add")).status_code == 403
    assert (
        admin.post(reverse("admin:routing_languagemodel_delete", args=[pk]), {"post": "yes"})
    ).status_code == 403


def test_the_command_explains_every_part_of_every_score(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("route", "Prove that the square root of 7 is irrational", "--explain")
    told = capsys.readouterr().out
    assert "parts, in US cents of worth" in told
    assert "quality +" in told
    assert "learned: artefact" in told
