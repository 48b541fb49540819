"""The table of facts is what our script draws from the stored lists, and nothing else."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from openrouter.emulator.build_catalogue import TABLE, read, rows
from openrouter.emulator.catalogue import load

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "openrouter" / "catalog"


@pytest.mark.shared
def test_the_table_is_what_the_script_draws() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows(read(FOLDER))


@pytest.mark.shared
def test_no_description_is_in_the_table() -> None:
    table = TABLE.read_text(encoding="utf-8")
    described = json.loads((FOLDER / "models-2026-05-01.json").read_text())["data"]
    assert not [m["id"] for m in described if m["description"] and m["description"][:60] in table]


def test_the_price_of_a_router_depends_and_is_no_number_to_reckon_with() -> None:
    auto = load().find("openrouter/auto")
    assert auto is not None
    assert auto.prices["prompt"] == "-1"
    assert auto.is_router


def test_every_model_that_can_be_priced_is_priced_exactly() -> None:
    for model in load():
        assert str(Decimal(model.prices["completion"])) or model.is_router
        assert model.price("prompt") >= 0 or model.is_router


def test_an_alias_leads_to_its_model_where_that_is_listed() -> None:
    catalogue = load()
    alias = next(model for model in catalogue if model.alias_target)
    target = catalogue.resolve(alias)
    assert alias.alias_target is not None
    assert target.id in (alias.id, alias.alias_target["slug"])


@pytest.mark.parametrize("name", ["no/such", "", "openai", "openai/gpt-5-mini:shiny"])
def test_a_name_that_nobody_has_is_not_found(name: str) -> None:
    assert load().find(name) is None
