"""All candidates weighed at once are weighed as each of them is alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing import weighing
from routing.abilities import prior_odds
from routing.live import Live, Warm
from routing.outlooks import field_of
from routing.weighing import Question, weigh, weights_of
from tests.routing.factories import question
from tests.routing.test_real_catalogue import emulated

PROMPTS = {
    "small talk": "Hi!",
    "hard": "Prove that every continuous function on a compact set is uniformly continuous.",
    "long": "Translate this. " * 20_000,
}
SHIFTS = Live("code", {"openai/gpt-5-mini": 1.5}, Warm("openai/gpt-5-mini", 4_000, 30.0))


def questions() -> list[Question]:
    asked = [question(text) for text in PROMPTS.values()]
    return [*asked, *(replace(each, live=SHIFTS) for each in asked)]


@pytest.mark.parametrize("asked", questions())
def test_each_rank_is_the_same_alone(asked: Question) -> None:
    field = field_of(emulated(), asked.policy, asked.today)
    fitting, rejected = weighing._sift(asked, field, prior_odds(asked.prompt))
    assert len(fitting) + sum(rejected.values()) == len(emulated())
    for weighed in fitting:
        alone = weigh(weighed.outlook, weights_of(asked)).rank
        assert alone[:2] == pytest.approx(weighed.rank[:2], rel=1e-12)
        assert alone[2] == weighed.rank[2]


def test_a_field_is_read_once_for_a_catalogue_and_a_policy() -> None:
    asked = question("Hi!")
    first = field_of(emulated(), asked.policy, asked.today)
    assert field_of(emulated(), asked.policy, asked.today) is first
    other = replace(asked.policy, excluded=frozenset({"openai"}))
    narrower = field_of(emulated(), other, asked.today)
    assert len(narrower.candidates) < len(first.candidates)
