"""How able a model is taken to be before anything is known of its answers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.abilities import Published, judge, known_family, pace, prior_ability
from routing.candidates import Skills
from routing.families import FAMILIES
from routing.prices import Prices
from routing.prompts import read_prompt
from tests.routing.factories import TODAY, candidate, prices


def skills(slug: str, prompt: str = "1", completion: str = "4", **facts: Any) -> Skills:
    facts.setdefault("created", dt.date(2026, 5, 1))
    published = Published(slug=slug, prices=prices(prompt, completion), **facts)
    return judge(published, today=TODAY)[0]


def artificial_analysis(**indices: Any) -> dict[str, Any]:
    return {"design_arena": [], "artificial_analysis": indices}


def test_benchmarks_outrank_what_is_known_of_the_family() -> None:
    measured = artificial_analysis(intelligence_index=70.0, coding_index=10.0)
    judged = skills("openai/gpt-4o-mini", benchmarks=measured)
    assert judged.general > 0.9
    assert judged.code < 0.35


def test_a_higher_index_is_a_higher_ability() -> None:
    levels = [
        skills("a/b", benchmarks=artificial_analysis(intelligence_index=float(index))).general
        for index in (5, 15, 30, 50, 70)
    ]
    assert levels == sorted(set(levels))


@pytest.mark.parametrize("index", [None, "high", True, float("nan"), float("inf"), -3, {}])
def test_an_index_that_is_no_figure_is_not_used(index: object) -> None:
    told = artificial_analysis(intelligence_index=index, coding_index=index)
    assert skills("nobody/new", benchmarks=told) == skills("nobody/new")


@pytest.mark.parametrize("told", [{"artificial_analysis": "x"}, {"artificial_analysis": None}])
def test_benchmarks_of_another_shape_are_not_used(told: dict[str, Any]) -> None:
    assert skills("nobody/new", benchmarks=told) == skills("nobody/new")


@pytest.mark.parametrize(
    ("slug", "family"),
    [
        ("anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.5"),
        ("anthropic/claude-sonnet-4.5:batch", "anthropic/claude-sonnet-4.5"),
        ("~anthropic/claude-opus-4.7", "anthropic/claude-opus-4.7"),
        ("anthropic/claude-opus-4.6-fast", "anthropic/claude-opus-4.6"),
        ("openai/gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("openai/gpt-4-0314", "openai/gpt-4"),
        ("openai/gpt-5-mini", "openai/gpt-5-mini"),
    ],
)
def test_a_slug_finds_its_family(slug: str, family: str) -> None:
    assert known_family(slug) == FAMILIES[family]


@pytest.mark.parametrize(
    "slug", ["anthropic/claude-sonnet-4.9", "openai/gpt-6", "openai/o30", "deepseek/deepseek-v40"]
)
def test_a_later_version_is_not_taken_for_an_earlier_one(slug: str) -> None:
    assert known_family(slug) is None


def test_a_model_nobody_knows_is_judged_by_price_size_age_and_thinking() -> None:
    plain = skills("nobody/new").general
    assert skills("nobody/new", "5", "25").general > plain
    assert skills("nobody/new", reasons=True).general > plain
    assert skills("nobody/new", created=dt.date(2024, 1, 1)).general < plain
    assert skills("nobody/new-3b").general < plain
    assert skills("nobody/new-235b-a22b").general == plain


def test_a_model_released_yesterday_at_the_price_of_the_best_is_trusted() -> None:
    strong = skills("nobody/giant", "10", "50", reasons=True, created=TODAY).general
    assert 0.7 < strong <= 0.82


def test_without_price_and_date_a_model_is_of_the_lower_middle() -> None:
    judged, basis = judge(Published("nobody/new", Prices(None, None)), today=TODAY)
    assert 0.3 < judged.general < 0.5
    assert "price" in basis


@given(
    slug=st.sampled_from([*FAMILIES, "nobody/new", "nobody/new-7b"]),
    usd=st.decimals("0.001", "500", places=3),
    index=st.none() | st.floats(allow_nan=True),
    reasons=st.booleans(),
)
def test_every_skill_is_between_nothing_and_perfect(
    slug: str, usd: Any, index: float | None, reasons: bool
) -> None:
    told = artificial_analysis(intelligence_index=index, coding_index=index)
    judged = skills(slug, str(usd), str(usd), reasons=reasons, benchmarks=told)
    assert all(0.05 <= skill <= 0.99 for skill in judged)


def test_the_families_are_ladders_from_nothing_to_perfect() -> None:
    assert all(0 < rung < 1 for family in FAMILIES.values() for rung in family)


def test_a_prompt_mixes_the_skills_as_it_demands_them() -> None:
    coder = candidate("a/coder", skills=Skills(0.5, 0.9, 0.5, 0.1))
    writer = candidate("b/writer", skills=Skills(0.5, 0.1, 0.5, 0.9))
    code = prior_ability(read_prompt("Debug this Python function in our backend API"))
    poem = prior_ability(read_prompt("Write a poem and a short story about the sea"))
    assert code(coder) > code(writer)
    assert poem(writer) > poem(coder)


def test_small_names_are_faster_than_large_ones() -> None:
    assert pace("a/x-flash-lite") > pace("a/x-mini") > pace("a/x") > pace("a/x-pro")
