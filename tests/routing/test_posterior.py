"""Few outcomes move what they were seen of, its likes less, and one outcome hardly anything."""

from __future__ import annotations

import numpy as np
import pytest

from routing.posterior import Learnt, Nearness, Outcomes, cost_factors

MODELS = ("a/weak", "b/middle", "c/middle", "d/strong")
ABLE = np.array([0.2, 0.5, 0.52, 0.9], np.float32)


def learnt(count: int, *, model: int = 1, residual: float = -0.4, weight: float = 1.0) -> Learnt:
    told = Outcomes(
        models=[MODELS[model]] * count,
        abilities=np.repeat(ABLE[model], count),
        residuals=np.full(count, residual, np.float32),
        weights=np.full(count, weight, np.float32),
    )
    return Learnt.of(told, np.ones((count, count), np.float32))


def moved(of: Learnt, near: float = 1.0) -> list[float]:
    count = len(of.outcomes.models)
    moves = of.moves(MODELS, ABLE, np.full((1, count), near, np.float32))
    return [float(move) for move in moves[0]]


def test_one_outcome_moves_little_and_thirty_move_most_of_the_way() -> None:
    once, often = moved(learnt(1))[1], moved(learnt(30))[1]
    assert -0.2 < once < 0
    assert -0.4 < often < -0.3


def test_a_model_of_like_ability_moves_more_than_one_far_away() -> None:
    moves = moved(learnt(30))
    assert moves[1] < moves[2] < moves[3]
    assert moves[2] < moves[0]


def test_prompts_unlike_those_seen_move_less() -> None:
    assert moved(learnt(30))[1] < moved(learnt(30), near=0.0)[1] < 0


def test_praise_raises_what_blame_lowers() -> None:
    assert moved(learnt(9, residual=0.3))[1] == pytest.approx(-moved(learnt(9, residual=-0.3))[1])


def test_an_entry_of_more_weight_counts_for_more() -> None:
    assert moved(learnt(1, weight=10.0))[1] < moved(learnt(1))[1]


def test_an_entry_of_weight_ten_says_about_what_ten_entries_say() -> None:
    assert moved(learnt(1, weight=10.0))[1] == pytest.approx(moved(learnt(10))[1], abs=0.03)


def test_models_that_agree_with_what_was_predicted_stay() -> None:
    assert moved(learnt(30, residual=0.0)) == pytest.approx([0.0] * 4, abs=1e-6)


def test_the_same_reading_is_near_and_another_kind_is_far() -> None:
    chance = np.random.default_rng(1)
    seen = chance.normal(0, 1, (30, 8)).astype(np.float32)
    near = Nearness.of(seen).to(np.concatenate([seen[:1], seen[:1] + 9]))
    assert near[0, 0] == pytest.approx(1, abs=1e-3)
    assert near[1].max() < 0.05


def test_one_prompt_alone_can_be_compared_with() -> None:
    seen = np.ones((1, 4), np.float32)
    assert Nearness.of(seen).to(seen)[0, 0] == pytest.approx(1)


def test_costs_are_corrected_for_all_and_for_each_as_far_as_they_were_seen() -> None:
    predicted = np.ones((30, 3), np.float32)
    real = predicted * np.array([2.0, 2.0, 8.0], np.float32)
    real[:, 1] = np.nan
    told = cost_factors(predicted, real)
    assert told[0] == pytest.approx(2, rel=0.1)
    assert told[2] == pytest.approx(8, rel=0.1)
    assert 2 < told[1] < 5  # nothing was seen of it: what holds for all
    assert cost_factors(predicted, np.full_like(real, np.nan)) == pytest.approx([1.0] * 3)
