"""Thirty thumbs of one person on a kind of prompt nobody was trained on. For commands only.

The evaluation's "thirty outcomes" tell what every model made of thirty prompts. Here a person sees
what the application shows: at one setting of the dial the router's choice answers, a thumb says
whether it was right, and the next choice knows of it. What is kept and what it moves is `evidence`,
as behind "My votes". Measured is what the choices on all other prompts are worth then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from routing.candidates import Skills
from routing.evaluation import Split, predicted_cost_usd
from routing.evidence import Ladder, Tally, demand_of, outcome, shifts
from routing.features import Floats, Ints
from routing.outcomes import Benchmark, Corpus
from routing.predictor import Matrix, logits, unit
from routing.prompts import read_prompt

VOTES: Final = 30
DRAWS: Final = 8
# What a good answer is worth, in median costs of the benchmark's answers: thrifty to best.
WORTHS: Final = (3.0, 30.0, 300.0)
Told: TypeAlias = dict[str, dict[str, Tally]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a setting of the dial brought, of everything but the prompts voted on."""

    quality: float
    cost_usd: float
    worth: float  # quality less cost, in good answers


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a dial, in front of one benchmark."""

    benchmark: Benchmark
    odds: Matrix
    cost_usd: Matrix  # as predicted
    demands: Sequence[str]
    ladder: Ladder
    worth_usd: float

    def chosen(self, rows: Ints, told: Told) -> Ints:
        """The column of the model that answers each prompt, among those that were asked."""
        odds = unit(logits(self.odds[rows]) + self._moves(told, rows))
        value = self.worth_usd * odds - self.cost_usd[rows]
        best: Ints = np.where(np.isnan(self.benchmark.scores[rows]), -np.inf, value).argmax(1)
        return best

    def votes_on(self, rows: Ints) -> Told:
        told: Told = {}
        for row in rows:
            column = int(self.chosen(np.array([row]), told)[0])
            is_right = float(self.benchmark.scores[row, column] >= 0.5)
            tally = outcome(is_right, odds=float(self.odds[row, column]))
            models, model = told.setdefault(self.demands[row], {}), self.benchmark.models[column]
            models[model] = models.get(model, Tally()).plus(tally)
        return told

    def outcome(self, rows: Ints, told: Told) -> Outcome:
        chosen = self.chosen(rows, told)
        scores, costs = self.benchmark.scores[rows, chosen], self.benchmark.cost_usd[rows, chosen]
        known = ~np.isnan(scores) & ~np.isnan(costs)
        quality, cost = float(scores[known].mean()), float(costs[known].mean())
        return Outcome(quality, cost, quality - cost / self.worth_usd)

    def _moves(self, told: Told, rows: Ints) -> Matrix:
        """In logits, prompt by model: prompts of one demand move alike."""
        demands = [self.demands[row] for row in rows]
        found: Mapping[str, Mapping[str, float]] = {
            demand: shifts(told, demand, self.ladder) for demand in set(demands)
        }
        models = self.ladder.rows
        moves = {demand: [of.get(model, 0.0) for model in models] for demand, of in found.items()}
        return np.array([moves[demand] for demand in demands], np.float32)


def votes_table(split: Split, corpus: Corpus, *, draws: int = DRAWS) -> str:
    """Before and after the votes, the mean of some draws of prompts, and how sure the gain is."""
    lines = [f"\n== {split.name}: {VOTES} thumbs of one person on the router's own choices ==",
             f"{'benchmark':16}{'worth':>7}{'quality':>16}{'cost, mUSD':>18}"
             f"{'gain, in good answers':>26}"]  # fmt: skip
    for name, benchmark in split.benchmarks.items():
        for worth in WORTHS:
            person = _person(split, corpus, name, worth)
            pairs = [_pair(person, len(benchmark.rows), seed) for seed in range(draws)]
            old, new = ([pair[at] for pair in pairs] for at in (0, 1))
            gains = np.array([b.worth - a.worth for a, b in pairs])
            quality = f"{_mean(o.quality for o in old):.3f} {_mean(o.quality for o in new):.3f}"
            cost = (
                f"{1e3 * _mean(o.cost_usd for o in old):.3f}"
                f" {1e3 * _mean(o.cost_usd for o in new):.3f}"
            )
            gain = f"{gains.mean():+.4f} ± {gains.std() / np.sqrt(draws):.4f}"
            lines.append(f"{name:16}{worth:6.0f}x{quality:>16}{cost:>18}{gain:>26}")
    return "\n".join(lines)


def _pair(person: Person, prompts: int, seed: int) -> tuple[Outcome, Outcome]:
    order = np.random.default_rng(seed).permutation(prompts)
    seen, rest = order[:VOTES], order[VOTES:]
    return person.outcome(rest, {}), person.outcome(rest, person.votes_on(seen))


def _person(split: Split, corpus: Corpus, name: str, worth: float) -> Person:
    benchmark = split.benchmarks[name]
    abilities: Floats = split.abilities[name]
    skills = np.repeat(abilities[:, None], len(Skills._fields), axis=1).astype(np.float32)
    return Person(
        benchmark,
        split.quality[name],
        predicted_cost_usd(corpus, benchmark, split.tokens[name]),
        [demand_of(read_prompt(corpus.texts[row]).signals) for row in benchmark.rows],
        Ladder({model: row for row, model in enumerate(benchmark.models)}, skills),
        worth * float(np.nanmedian(benchmark.cost_usd)),
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
