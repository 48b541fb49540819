"""Outcomes for training and testing: parquet and CSV in, arrays out. For commands only.

The format is that of the shared data's README: a table of prompts, a table of outcomes, and
prices. `pyarrow` is a development dependency: nothing that serves imports this module.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from routing.features import BUCKETS, Floats, Ints, buckets, fold, hand
from routing.learned import SKILL_NAMES
from routing.prompts import read_prompt
from routing.solver import Rows

Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark: its rows in the corpus, and per prompt and model what came of it.

    NaN where a model was not asked. `tokens`: of the answer; `cost_usd`: floats, for measuring.
    """

    name: str
    rows: Ints
    models: tuple[str, ...]
    scores: Table
    tokens: Table
    cost_usd: Table

    def at(self, inside: Ints) -> Benchmark:
        """The same for some of its prompts."""
        return Benchmark(
            self.name, self.rows[inside], self.models,
            self.scores[inside], self.tokens[inside], self.cost_usd[inside],
        )  # fmt: skip

    def of(self, models: Sequence[str]) -> Benchmark:
        """The same for some of its models."""
        keep = [self.models.index(model) for model in models]
        return Benchmark(
            self.name, self.rows, tuple(models),
            self.scores[:, keep], self.tokens[:, keep], self.cost_usd[:, keep],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Corpus:
    """All prompts with what the router reads in them, and the benchmarks they belong to."""

    ids: Sequence[str]
    keys: Sequence[str]
    texts: Sequence[str]
    input_tokens: NDArray[np.int64]
    hashed: Rows
    counts: Table
    difficulty: Floats  # as the rules see it
    demands: Table  # the same rules' share of each of SKILL_NAMES
    benchmarks: Mapping[str, Benchmark]
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def read_corpus(folder: Path) -> Corpus:
    """Every `*_prompts.parquet` of the folder that has its `*_outcomes.parquet`.

    The `devnc` files are under a licence that forbids commercial use: they are measured with,
    and `training.fit` never sees them. Raises FileNotFoundError where there is none.
    """
    stems = sorted(
        path.name.removesuffix("_prompts.parquet") for path in folder.glob("*_prompts.parquet")
    )
    if not stems:
        raise FileNotFoundError(f"no *_prompts.parquet in {folder}")
    prompts = [row for stem in stems for row in _rows(folder / f"{stem}_prompts.parquet")]
    outcomes = [row for stem in stems for row in _rows(folder / f"{stem}_outcomes.parquet")]
    place = {(row["benchmark"], row["prompt_id"]): at for at, row in enumerate(prompts)}
    texts = [row["prompt"] for row in prompts]
    folded = [fold(text) for text in texts]
    ruled = [read_prompt(text) for text in texts]
    return Corpus(
        ids=[row["prompt_id"] for row in prompts],
        keys=[row["qkey"] for row in prompts],
        texts=texts,
        input_tokens=np.array([row["input_tokens"] for row in prompts]),
        hashed=Rows.stacked([buckets(text) for text in folded], BUCKETS),
        counts=np.array([hand(text) for text in folded], np.float32),
        difficulty=np.array([prompt.difficulty for prompt in ruled], np.float32),
        demands=np.array(
            [[prompt.demands.get(name, 0.0) for name in SKILL_NAMES] for prompt in ruled],
            np.float32,
        ),
        benchmarks={
            name: _benchmark(name, place, [row for row in outcomes if row["benchmark"] == name])
            for name in sorted({row["benchmark"] for row in outcomes})
        },
        prices=read_prices(folder / "prices.csv"),
    )


def _rows(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()  # type: ignore[no-any-return]


def _benchmark(
    name: str, place: Mapping[tuple[str, str], int], rows: list[dict[str, Any]]
) -> Benchmark:
    prompts = sorted({place[name, row["prompt_id"]] for row in rows})
    models = sorted({str(row["model"]) for row in rows})
    at = {row: index for index, row in enumerate(prompts)}
    column = {model: index for index, model in enumerate(models)}
    tables = np.full((3, len(prompts), len(models)), np.nan, np.float32)
    for row in rows:
        cell = at[place[name, row["prompt_id"]]], column[str(row["model"])]
        for table, key in zip(tables, ("score", "output_tokens", "cost_usd"), strict=True):
            value = row[key]
            if value is not None:
                table[cell] = value
    return Benchmark(name, np.array(prompts), tuple(models), *tables)


def read_prices(path: Path) -> Mapping[str, tuple[float, float]]:
    """USD per million tokens in and out, for measuring; empty where there is no such file."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {
            row["model"]: (float(row["usd_per_m_input"]), float(row["usd_per_m_output"]))
            for row in csv.DictReader(file)
        }
