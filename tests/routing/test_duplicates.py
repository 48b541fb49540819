"""Twins among prompts are found whatever side they are on, and others are left alone."""

from __future__ import annotations

import random

import pytest

from routing.duplicates import seen_before, shingles, sketch, twins

LONG = (
    "A train leaves the station at noon and travels north at sixty miles an hour while another"
    " leaves two hours later on the same track; at which time of the day will the second one,"
    " which travels at eighty miles an hour, have caught up with the first?"
)


def unlike(seed: int) -> str:
    chance = random.Random(seed)
    return " ".join(f"word{chance.randrange(900)}" for _ in range(60))


@pytest.mark.parametrize(
    "twin",
    [LONG, LONG.upper(), f"  {LONG}\n", f"Please answer. {LONG}", LONG.replace("noon", "midday")],
)
def test_a_prompt_and_its_edit_are_twins(twin: str) -> None:
    others = [unlike(seed) for seed in range(50)]
    assert twins([LONG, *others, twin]) == [(0, 51)]


def test_prompts_of_one_kind_are_no_twins() -> None:
    assert twins([f"What is the capital of {place}?" for place in ("Peru", "Chad", "Laos")]) == []


@pytest.mark.parametrize("text", ["", "?", "one", "two words", "🙂🙂"])
def test_a_text_of_hardly_any_words_has_a_sketch(text: str) -> None:
    assert sketch(shingles(text)).shape == sketch(shingles(LONG)).shape


def test_only_a_twin_on_another_side_was_seen_before() -> None:
    sides = ["a", "a", "b", "b"]
    assert seen_before([(0, 1)], sides).tolist() == [False] * 4
    assert seen_before([(1, 2)], sides).tolist() == [False, True, True, False]
