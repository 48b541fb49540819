"""How good predictions are: the measures of the shared data's README. Pure; for commands only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.outcomes import Benchmark, Corpus
from routing.predictor import Floats, Ints, Matrix, Predictor, Reading
from routing.training import prior_of

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
Doubles = NDArray[np.float64]


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


def apgr(gain: Floats, signal: Floats) -> float:
    """Area under the share of the gap recovered, as prompts go to the strong model by signal.

    `gain`: what the strong model adds on each prompt. Ties count as their mean.
    """
    curve = recovered(gain, signal)
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))


def recovered(gain: Floats, signal: Floats) -> Doubles:
    """The share of the whole gap recovered after 0, 1, ... n calls of the strong model."""
    kept = ~np.isnan(gain)
    gain, signal = gain[kept].astype(np.float64), signal[kept]
    order = np.argsort(-signal, kind="stable")
    _, groups = np.unique(-signal[order], return_inverse=True)
    mean = np.bincount(groups, gain[order]) / np.bincount(groups)
    total = gain.sum()
    return np.concatenate([[0.0], np.cumsum(mean[groups])]) / (total or 1.0)


def cpt(gain: Floats, signal: Floats, percent: int) -> float:
    """The percentage of strong calls at which so much of the gap is recovered."""
    curve = recovered(gain, signal)
    return 100 * float(np.argmax(curve >= percent / 100 - 1e-12)) / (len(curve) - 1)
