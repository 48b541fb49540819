"""Thirty thumbs in the evaluation: who is right stays, who is wrong makes room."""

from __future__ import annotations

import numpy as np

from routing.evaluation_votes import Person
from routing.evidence import Ladder, Tally
from routing.outcomes import Benchmark

MODELS = ("acme/first", "umbra/second")


def person(right: tuple[float, float]) -> Person:
    """In front of forty prompts, of which each model answers so great a share well."""
    scores = np.array([[row % 10 < 10 * share for share in right] for row in range(40)], np.float32)
    cost = np.full((40, 2), 0.001, np.float32)
    benchmark = Benchmark("world", np.arange(40), MODELS, scores, np.ones_like(cost), cost)
    return Person(
        benchmark,
        np.tile(np.array([0.62, 0.6], np.float32), (40, 1)),  # the first is thought a little better
        cost,
        ["maths"] * 40,
        Ladder({model: row for row, model in enumerate(MODELS)}, np.full((2, 4), 0.5, np.float32)),
        worth_usd=1.0,
    )


def test_votes_are_told_of_those_that_answered() -> None:
    asked = person((1.0, 0.0))
    told = asked.votes_on(np.arange(30))
    assert set(told) == {"maths"}
    assert set(told["maths"]) == {"acme/first"}
    assert told["maths"]["acme/first"].weight == 30


def test_a_model_that_is_always_wrong_makes_room_for_the_other() -> None:
    asked = person((0.0, 1.0))
    rest = np.arange(30, 40)
    before, after = asked.outcome(rest, {}), asked.outcome(rest, asked.votes_on(np.arange(30)))
    assert (before.quality, after.quality) == (0.0, 1.0)
    assert after.worth > before.worth


def test_without_votes_nothing_moves() -> None:
    asked = person((0.5, 0.5))
    rest = np.arange(30, 40)
    assert asked.outcome(rest, {}) == asked.outcome(rest, {"maths": {"acme/first": Tally()}})
