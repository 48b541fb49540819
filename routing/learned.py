"""The learned odds behind the seam of `weighing.decide`: a prompt before every candidate. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from routing.abilities import prior_odds
from routing.candidates import Candidate
from routing.features import Floats, Ints
from routing.names import essence
from routing.predictor import Matrix, Predictor, Reading, shifted
from routing.prompts import Prompt

SKILL_NAMES = ("general", "code", "maths", "writing")


@dataclass(frozen=True)
class Roster:
    """All candidates of a catalogue as the predictor wants them: one row each."""

    predictor: Predictor
    rows: Mapping[str, int]
    skills: Matrix  # (candidates, SKILL_NAMES)
    abilities: Matrix  # (candidates, sources): the skill that counts in each
    places: Ints  # (candidates, sources): the place in the source's pool, or -1

    @classmethod
    def of(cls, predictor: Predictor, candidates: Sequence[Candidate]) -> Roster:
        skills = np.array([candidate.skills for candidate in candidates], np.float32).reshape(-1, 4)
        columns = [SKILL_NAMES.index(source.skill) for source in predictor.sources]
        pooled = {essence(model): model for source in predictor.sources for model in source.models}
        places = [
            predictor.pool_places(_pooled_name(each, predictor, pooled)) for each in candidates
        ]
        return cls(
            predictor=predictor,
            rows={candidate.slug: row for row, candidate in enumerate(candidates)},
            skills=skills,
            abilities=skills[:, columns],
            places=np.array(places, np.int64).reshape(len(candidates), len(columns)),
        )

    def odds(self, prompt: Prompt, reading: Reading) -> Floats:
        demands = np.array([prompt.demands.get(name, 0.0) for name in SKILL_NAMES], np.float32)
        return self.predictor.odds(
            reading, self.abilities, self.places, self.skills @ demands, prompt.difficulty
        )


@dataclass(frozen=True)
class LearnedOdds:
    """Odds for `weighing.decide`: learned where a reading is there, the plain rule elsewhere.

    `shifts`: what a person's own votes say of a model beside the prediction, in logits.
    """

    roster: Roster
    shifts: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, prompt: Prompt) -> Callable[[Candidate], float]:
        plain = prior_odds(prompt)
        if prompt.reading is None:
            return plain
        odds = self.roster.odds(prompt, prompt.reading)
        if self.shifts:
            moved = np.zeros(len(odds), np.float32)
            for slug, shift in self.shifts.items():
                if slug in self.roster.rows:
                    moved[self.roster.rows[slug]] = shift
            odds = shifted(odds, moved)
        told, rows = odds.tolist(), self.roster.rows

        def learned(candidate: Candidate) -> float:
            row = rows.get(candidate.slug)
            return plain(candidate) if row is None else float(told[row])

        return learned


def with_reading(prompt: Prompt, text: str, predictor: Predictor) -> Prompt:
    """The prompt with what was learned of it: a reading, and the answer's length.

    The rules keep their say on length in the share that is unfamiliar, and the whole say
    where they saw small talk.
    """
    reading = predictor.read(text)
    if prompt.signals.get("small_talk") or not prompt.text_tokens:
        return prompt
    strange = reading.unfamiliar
    tokens = math.exp(
        strange * math.log(max(1, prompt.answer_tokens))
        + (1 - strange) * math.log(max(1.0, reading.tokens))
    )
    return replace(prompt, reading=reading, answer_tokens=max(1, round(tokens)))


def _pooled_name(
    candidate: Candidate, predictor: Predictor, pooled: Mapping[tuple[str, ...], str]
) -> str:
    """The candidate's name in the pools: its own, or that of the same model of another date."""
    if candidate.slug in predictor.abilities:
        return candidate.slug
    return pooled.get(essence(candidate.slug), candidate.slug)
