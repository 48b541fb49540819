"""Predictions by split: which prompts and models were kept from the training. For commands only."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.candidates import Skills
from routing.duplicates import seen_before, twins
from routing.features import Floats, Ints
from routing.learned import SKILL_NAMES
from routing.outcomes import Benchmark, Corpus
from routing.posterior import Learnt, Nearness, Outcomes, cost_factors
from routing.predictor import Matrix, Predictor, Reading, softened
from routing.training import MEASURE_ONLY, fit, skills_of, tilt

PAIRS: Mapping[str, tuple[str, str]] = {
    "mmlu": ("openai/gpt-4-1106-preview", "mistralai/mixtral-8x7b-instruct"),
    "mmlu_pro": ("google/gemini-pro-1.5-002", "meta-llama/llama-3.1-8b-instruct"),
    "math_l5": ("openai/gpt-4o-2024-08-06", "meta-llama/llama-3.1-8b-instruct"),
    "crux": ("openai/gpt-4o-2024-08-06", "meta-llama/llama-3.1-8b-instruct"),
    "llmrouter_mix": (
        "nvidia/llama-3.1-nemotron-51b-instruct",
        "mistralai/mistral-7b-instruct-v0.3",
    ),
    "alpaca_eval2": ("openai/gpt-4-1106-preview", "openai/gpt-3.5-turbo-1106"),
}
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Prediction:
    """For one benchmark: odds and answer tokens, prompt by model, and the readings behind."""

    quality: Matrix
    tokens: Matrix
    readings: Sequence[Reading]
    abilities: Floats  # of the models, in general


def predict(predictor: Predictor, corpus: Corpus, found: Benchmark) -> Prediction:
    """What the predictor says of every prompt and model of a benchmark."""
    hashed = corpus.hashed
    skills = np.array([skills_in(predictor, corpus, model) for model in found.models], np.float32)
    abilities = skills[:, [SKILL_NAMES.index(source.skill) for source in predictor.sources]]
    demands = corpus.demands[found.rows]
    places = np.array([predictor.pool_places(model) for model in found.models])
    wordy = np.array([predictor.wordiness.get(model, 0.0) for model in found.models])
    quality = np.empty((len(found.rows), len(found.models)), np.float32)
    tokens = np.empty_like(quality)
    readings = []
    for at, row in enumerate(found.rows):
        low, high = hashed.starts[row], hashed.starts[row + 1]
        reading = predictor.reading(
            hashed.places[low:high], hashed.values[low:high], corpus.counts[row]
        )
        quality[at] = predictor.odds(
            reading, abilities, places, skills @ demands[at], float(corpus.difficulty[row])
        )
        tokens[at] = reading.tokens * np.exp(wordy)
        readings.append(reading)
    return Prediction(quality, tokens, readings, skills[:, 0])


def skills_in(predictor: Predictor, corpus: Corpus, model: str) -> Skills:
    """The model's skills: fitted in general, and tilted as those of its family are."""
    skills = skills_of(model, corpus.prices)
    known = predictor.abilities.get(model)
    if known is None:
        return skills
    return Skills(*(known + tilt(skills, name) for name in SKILL_NAMES))


@dataclass(frozen=True, slots=True)
class Split:
    """Predictions for some benchmarks that were made without knowing their outcomes."""

    name: str
    benchmarks: Mapping[str, Benchmark]
    quality: Mapping[str, Matrix]
    tokens: Mapping[str, Matrix]
    demand: Mapping[str, Floats]
    unfamiliar: Mapping[str, Floats]
    readings: Mapping[str, Sequence[Reading]]
    abilities: Mapping[str, Floats]  # of each model, in general

    @classmethod
    def collected(cls, name: str, parts: Sequence[tuple[Benchmark, Prediction]]) -> Split:
        """Parts of benchmarks, put together by name."""
        found: dict[str, list[tuple[Benchmark, Prediction]]] = {}
        for benchmark, prediction in parts:
            found.setdefault(benchmark.name, []).append((benchmark, prediction))
        return cls(
            name=name,
            benchmarks={key: _joined([part for part, _ in each]) for key, each in found.items()},
            quality={key: _stack(p.quality for _, p in each) for key, each in found.items()},
            tokens={key: _stack(p.tokens for _, p in each) for key, each in found.items()},
            demand={
                key: np.array([r.demand for _, p in each for r in p.readings], np.float32)
                for key, each in found.items()
            },
            unfamiliar={
                key: np.array([r.unfamiliar for _, p in each for r in p.readings], np.float32)
                for key, each in found.items()
            },
            readings={key: [r for _, p in each for r in p.readings] for key, each in found.items()},
            abilities={key: each[0][1].abilities for key, each in found.items()},
        )


def _stack(parts: Iterable[Matrix]) -> Matrix:
    return np.concatenate(list(parts))


def _joined(parts: Sequence[Benchmark]) -> Benchmark:
    first = parts[0]
    return Benchmark(
        first.name,
        np.concatenate([part.rows for part in parts]),
        first.models,
        _stack(part.scores for part in parts),
        _stack(part.tokens for part in parts),
        _stack(part.cost_usd for part in parts),
    )


def fold_of(key: str) -> int:
    """One of five, by the question: a question is never on both sides."""
    return zlib.crc32(f"7{key}".encode()) % FOLDS


def cross_validated(corpus: Corpus, *, seed: int, say: Callable[[str], object]) -> Split:
    """Every prompt predicted by a router that was fitted without its fold."""
    folds = np.array([fold_of(key) for key in corpus.keys])
    known = fitted_on(corpus)
    parts = []
    for fold in range(FOLDS):
        say(f"cross-validation, fold {fold + 1} of {FOLDS}")
        kept = {name: b.at(np.flatnonzero(folds[b.rows] != fold)) for name, b in known.items()}
        predictor = fit(corpus, kept, seed=seed, version=f"fold {fold}")
        for benchmark in known.values():
            asked = benchmark.at(np.flatnonzero(folds[benchmark.rows] == fold))
            parts.append((asked, predict(predictor, corpus, asked)))
    return Split.collected("cross-validated", parts)


def left_out(corpus: Corpus, *, seed: int, say: Callable[[str], object]) -> Split:
    """Every benchmark predicted by a router that was fitted on the others."""
    known = fitted_on(corpus)
    parts = []
    for name, benchmark in known.items():
        say(f"leaving out {name}")
        others = {other: b for other, b in known.items() if other != name}
        keys = {corpus.keys[row] for row in benchmark.rows}
        others = {
            other: b.at(np.flatnonzero([corpus.keys[row] not in keys for row in b.rows]))
            for other, b in others.items()
        }
        predictor = fit(corpus, others, seed=seed, version=f"without {name}")
        parts.append((benchmark, predict(predictor, corpus, benchmark)))
    return Split.collected("leave one benchmark out", parts)


def twins_across(corpus: Corpus) -> Mapping[str, NDArray[np.bool_]]:
    """Which prompts have a near-duplicate on the training side, by the splits' short names."""
    known = fitted_on(corpus)
    rows = np.unique(np.concatenate([benchmark.rows for benchmark in known.values()]))
    pairs = [
        (int(rows[one]), int(rows[other]))
        for one, other in twins([corpus.texts[row] for row in rows])
    ]
    names = {int(row): name for name, benchmark in known.items() for row in benchmark.rows}
    sides = [names.get(row, "") for row in range(len(corpus.ids))]
    return {
        "cv": seen_before(pairs, [fold_of(key) for key in corpus.keys]),
        "lobo": seen_before(pairs, sides),
    }


def few_labels(corpus: Corpus, *, seed: int, labels: int = 1_500, name: str = "mmlu") -> Split:
    """One benchmark, fitted on some of its prompts alone: RouteLLM's setting."""
    benchmark = corpus.benchmarks[name]
    order = np.random.default_rng(seed).permutation(len(benchmark.rows))
    predictor = fit(
        corpus, {name: benchmark.at(np.sort(order[:labels]))}, seed=seed, version="few labels"
    )
    asked = benchmark.at(np.sort(order[labels:]))
    return Split.collected(f"{labels} labels", [(asked, predict(predictor, corpus, asked))])


def yesterday(corpus: Corpus, *, seed: int) -> tuple[Split, Split]:
    """The last fold with a third of all models never seen in training; and with all known.

    Models that are the only ones of their benchmark stay.
    """
    folds = np.array([fold_of(key) for key in corpus.keys])
    known = {name: b for name, b in fitted_on(corpus).items() if len(b.models) > 2}
    kept = {name: b.at(np.flatnonzero(folds[b.rows] != FOLDS - 1)) for name, b in known.items()}
    old = {
        name: b.of([model for model in b.models if zlib.crc32(model.encode()) % 3])
        for name, b in kept.items()
    }
    splits = []
    for told, training in (("released yesterday", old), ("the same, known", kept)):
        predictor = fit(corpus, training, seed=seed, version=told)
        asked = [b.at(np.flatnonzero(folds[b.rows] == FOLDS - 1)) for b in known.values()]
        splits.append(Split.collected(told, [(b, predict(predictor, corpus, b)) for b in asked]))
    return splits[0], splits[1]


def after_outcomes(split: Split, corpus: Corpus, *, seed: int, outcomes: int = 30) -> Split:
    """The split's predictions once so many prompts of each benchmark were seen with outcomes.

    Odds and costs move by what was seen; those prompts are then left out.
    """
    parts = []
    for name, benchmark in split.benchmarks.items():
        order = np.random.default_rng(seed).permutation(len(benchmark.rows))
        seen, rest = order[:outcomes], np.sort(order[outcomes:])
        readings = [split.readings[name][at] for at in rest]
        tokens = split.tokens[name] * token_factors(corpus, split, name, seen)
        moved = softened(split.quality[name][rest] + moves_after(split, name, seen, rest))
        parts.append(
            (benchmark.at(rest), Prediction(moved, tokens[rest], readings, split.abilities[name]))
        )
    return Split.collected(f"{split.name}, after {outcomes} outcomes", parts)


def moves_after(split: Split, name: str, seen: Ints, rest: Ints) -> Matrix:
    """How far outcomes of the prompts `seen` move the odds of the others."""
    benchmark, outputs = split.benchmarks[name], _outputs(split, name)
    scores, quality = benchmark.scores[seen], split.quality[name][seen]
    prompts, models = np.nonzero(~np.isnan(scores))
    nearness = Nearness.of(outputs[seen])
    ours = nearness.to(outputs[seen])
    abilities = split.abilities[name]
    told = Outcomes(
        models=[benchmark.models[model] for model in models],
        abilities=abilities[models],
        residuals=(scores - quality)[prompts, models],
        weights=np.ones(len(models), np.float32),
    )
    together = (prompts[:, None] == prompts).astype(np.float32)
    learnt = Learnt.of(told, ours[np.ix_(prompts, prompts)], together)
    return learnt.moves(benchmark.models, abilities, nearness.to(outputs[rest])[:, prompts])


def token_factors(corpus: Corpus, split: Split, name: str, seen: Ints) -> Floats:
    """By what the expected tokens are off, from what the answers to some prompts cost."""
    benchmark = split.benchmarks[name].at(seen)
    predicted = predicted_cost_usd(corpus, benchmark, split.tokens[name][seen])
    return cost_factors(predicted, benchmark.cost_usd)


def _outputs(split: Split, name: str) -> Matrix:
    return np.array([reading.outputs for reading in split.readings[name]], np.float32)


def fitted_on(corpus: Corpus) -> dict[str, Benchmark]:
    """The benchmarks that weights may be fitted on."""
    return {name: b for name, b in corpus.benchmarks.items() if name not in MEASURE_ONLY}


def predicted_cost_usd(corpus: Corpus, benchmark: Benchmark, tokens: Matrix) -> Matrix:
    """Expected USD of each prompt and model, of the list prices and the expected tokens."""
    prices = np.array([corpus.prices.get(model, (1.0, 1.0)) for model in benchmark.models])
    asked = corpus.input_tokens[benchmark.rows][:, None]
    cost: Matrix = ((asked * prices[:, 0] + tokens * prices[:, 1]) / 1e6).astype(np.float32)
    return cost


def pair_of(benchmark: Benchmark, prices: Mapping[str, tuple[float, float]]) -> tuple[int, int]:
    """Columns of the strong and the weak model: the published pair, else dearest and cheapest."""
    pair = PAIRS.get(benchmark.name)
    if pair is not None and set(pair) <= set(benchmark.models):
        return benchmark.models.index(pair[0]), benchmark.models.index(pair[1])
    dear = [sum(prices.get(model, (1.0, 1.0))) for model in benchmark.models]
    return int(np.argmax(dear)), int(np.argmin(dear))
