"""The measures of the evaluation, on cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from routing.measures import (
    apgr,
    brier,
    cpt,
    hull_height,
    many_models,
    reliability,
    within_model_auc,
)  # fmt: skip

GAIN = np.array([1.0, 0.0, 0.0, 0.0], np.float32)


def test_the_best_order_recovers_the_gap_at_once_and_the_worst_at_the_end() -> None:
    best, worst = np.array([4.0, 3, 2, 1], np.float32), np.array([1.0, 2, 3, 4], np.float32)
    assert apgr(GAIN, best) == pytest.approx(0.875)
    assert apgr(GAIN, worst) == pytest.approx(0.125)
    assert cpt(GAIN, best, 80) == 25
    assert cpt(GAIN, worst, 50) == 100


def test_a_signal_that_tells_nothing_is_a_coin() -> None:
    assert apgr(GAIN, np.zeros(4, np.float32)) == pytest.approx(0.5)


def test_a_prompt_without_outcome_does_not_count() -> None:
    with_gap = np.append(GAIN, np.float32(np.nan))
    assert apgr(with_gap, np.array([4.0, 3, 2, 1, 9], np.float32)) == pytest.approx(0.875)


def test_the_hull_takes_static_mixes_and_never_falls() -> None:
    costs, qualities = np.array([1.0, 2, 3, 4]), np.array([0.2, 0.3, 0.8, 0.5])
    heights = hull_height(costs, qualities, np.array([1.0, 2, 3, 4]))
    assert heights == pytest.approx([0.2, 0.5, 0.8, 0.8])


def test_knowing_every_outcome_beats_the_hull_and_knowing_none_does_not() -> None:
    chance = np.random.default_rng(0)
    scores = (chance.random((400, 3)) < np.array([0.4, 0.6, 0.8])).astype(np.float32)
    cost = np.repeat(np.array([[1.0, 2.0, 4.0]], np.float32), 400, 0)
    assert many_models(scores, cost, scores, cost).gain.low > 0.05
    means = np.repeat(scores.mean(0, keepdims=True), 400, 0)
    blind = many_models(means, cost, scores, cost)
    assert blind.gain.value == pytest.approx(0, abs=0.02)
    assert blind.half == pytest.approx(blind.hull_half, abs=0.02)


def test_calibration_is_measured_per_prediction() -> None:
    scores = np.array([[1.0], [0.0], [1.0], [np.nan]], np.float32)
    quality = np.array([[0.9], [0.1], [0.9], [0.5]], np.float32)
    assert brier(quality, scores) == pytest.approx(0.01)
    assert within_model_auc(quality, scores) == 1
    said, came, count = reliability(quality, scores)[-1]
    assert said == pytest.approx(0.9)
    assert (came, count) == (1, 2)
