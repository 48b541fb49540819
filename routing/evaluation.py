"""Predictions by split: which prompts and models were kept from the training. For commands only."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from routing.features import Floats
from routing.outcomes import Benchmark, Corpus
from routing.predictor import Matrix, Predictor, Reading, shift_from, shifted
from routing.training import MEASURE_ONLY, fit, prior_of

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
MODEL_DEVIATION = 0.25  # how far a model strays from its prediction on a new kind, in logits


@dataclass(frozen=True, slots=True)
class Prediction:
    """For one benchmark: odds and answer tokens, prompt by model, and the readings behind."""

    quality: Matrix
    tokens: Matrix
    readings: Sequence[Reading]


def predict(predictor: Predictor, corpus: Corpus, found: Benchmark) -> Prediction:
    """What the predictor says of every prompt and model of a benchmark."""
    hashed = corpus.hashed
    general = np.array([ability_of(predictor, corpus, model) for model in found.models], np.float32)
    abilities = np.repeat(general[:, None], len(predictor.sources), 1)
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
            reading, abilities, places, general, float(corpus.difficulty[row])
        )
        tokens[at] = reading.tokens * np.exp(wordy)
        readings.append(reading)
    return Prediction(quality, tokens, readings)


def ability_of(predictor: Predictor, corpus: Corpus, model: str) -> float:
    known = predictor.abilities.get(model)
    return prior_of(model, corpus.prices) if known is None else known


@dataclass(frozen=True, slots=True)
class Split:
    """Predictions for some benchmarks that were made without knowing their outcomes."""

    name: str
    benchmarks: Mapping[str, Benchmark]
    quality: Mapping[str, Matrix]
    tokens: Mapping[str, Matrix]
    demand: Mapping[str, Floats]
    unfamiliar: Mapping[str, Floats]

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


def after_outcomes(split: Split, *, seed: int, outcomes: int = 30) -> Split:
    """The split's predictions once so many prompts of each benchmark were seen with outcomes.

    Each model's odds move by what was seen of it; those prompts are then left out.
    """
    quality, benchmarks, tokens, demand, unfamiliar = {}, {}, {}, {}, {}
    for name, benchmark in split.benchmarks.items():
        order = np.random.default_rng(seed).permutation(len(benchmark.rows))
        seen, rest = order[:outcomes], np.sort(order[outcomes:])
        shifts = np.array([
            shift_from(s[~np.isnan(s)], q[~np.isnan(s)], deviation=MODEL_DEVIATION)
            for s, q in zip(benchmark.scores[seen].T, split.quality[name][seen].T, strict=True)
        ], np.float32)  # fmt: skip
        quality[name] = shifted(split.quality[name][rest], shifts)
        benchmarks[name], tokens[name] = benchmark.at(rest), split.tokens[name][rest]
        demand[name], unfamiliar[name] = split.demand[name][rest], split.unfamiliar[name][rest]
    return Split(
        f"{split.name}, after {outcomes} outcomes",
        benchmarks, quality, tokens, demand, unfamiliar,
    )  # fmt: skip


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
