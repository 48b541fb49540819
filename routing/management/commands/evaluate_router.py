"""`manage.py evaluate_router --data PATH`: how good the router is, by split. For developers."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser
from numpy.typing import NDArray

from routing.artefacts import SHIPPED, ArtefactUnfit, load
from routing.evaluation import (
    Split,
    after_outcomes,
    cross_validated,
    few_labels,
    fitted_on,
    left_out,
    predict,
    predicted_cost_usd,
    twins_across,
    yesterday,
)  # fmt: skip
from routing.evaluation_votes import votes_table
from routing.outcomes import Corpus, read_corpus
from routing.stopwatch import decision_ms
from routing.tables import (
    calibration_table,
    few_table,
    many_table,
    pair_table,
    twins_table,
    yesterday_table,
)

SPLITS = ("shipped", "cv", "lobo", "thirty", "votes", "routellm", "yesterday", "speed")


class Command(BaseCommand):
    help = "Print how good the router's predictions are on outcomes it was not fitted on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="Folder of the outcomes.")
        parser.add_argument("--artefact", type=Path, default=SHIPPED)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--splits", nargs="*", choices=SPLITS, default=list(SPLITS))
        parser.add_argument("--predictions", type=Path, help="CSV of every prompt and model.")

    def handle(self, *, data: Path, artefact: Path, seed: int, splits: list[str],
               predictions: Path | None, **options: Any) -> None:  # fmt: skip
        try:
            self.corpus = read_corpus(data)
        except (OSError, KeyError) as error:
            raise CommandError(f"No outcomes in {data}: {error}") from error
        self.seed = seed
        self.done: dict[str, Split] = {}
        told: Mapping[str, Callable[[], None]] = {
            "shipped": lambda: self.tell_shipped(artefact),
            "cv": lambda: self.tell(self.made("cv"), "cv"),
            "lobo": lambda: self.tell(self.made("lobo"), "lobo"),
            "thirty": self.tell_thirty,
            "votes": self.tell_votes,
            "routellm": self.tell_few,
            "yesterday": self.tell_yesterday,
            "speed": lambda: self.stdout.write(decision_ms(self.corpus.texts, artefact)),
        }
        for name in splits:
            told[name]()
        if predictions is not None:
            self.write(predictions, artefact)

    def made(self, name: str) -> Split:
        if name not in self.done:
            make = cross_validated if name == "cv" else left_out
            self.done[name] = make(self.corpus, seed=self.seed, say=self.say)
        return self.done[name]

    def say(self, text: str) -> None:
        self.stderr.write(self.style.NOTICE(text))

    def tell(self, split: Split, name: str = "") -> None:
        self.stdout.write(pair_table(split, self.corpus))
        self.stdout.write(many_table(split, self.corpus))
        self.stdout.write(calibration_table(split))
        if name:
            self.stdout.write(twins_table(split, self.corpus, self.twins[name]))

    @cached_property
    def twins(self) -> Mapping[str, NDArray[np.bool_]]:
        return twins_across(self.corpus)

    def shipped(self, artefact: Path) -> Split:
        """What the artefact says of prompts it was not fitted on."""
        try:
            predictor = load(artefact)
        except ArtefactUnfit as error:
            raise CommandError(str(error)) from error
        fitted = set(predictor.prompts.tolist())
        parts = []
        for benchmark in self.corpus.benchmarks.values():
            new = [int(self.corpus.keys[row][:8], 16) not in fitted for row in benchmark.rows]
            if any(new):
                asked = benchmark.at(np.flatnonzero(new))
                parts.append((asked, predict(predictor, self.corpus, asked)))
        return Split.collected("shipped artefact, prompts it never saw", parts)

    def tell_shipped(self, artefact: Path) -> None:
        split = self.shipped(artefact)
        if split.benchmarks:
            self.tell(split)

    def tell_thirty(self) -> None:
        after = [after_outcomes(self.made("lobo"), self.corpus, seed=seed) for seed in range(5)]
        self.stdout.write(many_table(after[0], self.corpus, others=after[1:]))

    def tell_votes(self) -> None:
        self.stdout.write(votes_table(self.made("lobo"), self.corpus))

    def tell_few(self) -> None:
        if "mmlu" in self.corpus.benchmarks:
            splits = [few_labels(self.corpus, seed=seed) for seed in range(3)]
            self.stdout.write(few_table(splits, self.corpus))

    def tell_yesterday(self) -> None:
        if len(fitted_on(self.corpus)) > 1:
            self.stdout.write(yesterday_table(*yesterday(self.corpus, seed=self.seed), self.corpus))

    def write(self, path: Path, artefact: Path) -> None:
        """Every prompt and model: cross-validated where the artefact was fitted on the prompt."""
        corpus, splits = self.corpus, [self.shipped(artefact)]
        told = sum(len(b.rows) for b in splits[0].benchmarks.values())
        if told < sum(len(b.rows) for b in corpus.benchmarks.values()):
            splits.append(self.made("cv"))
        with path.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["prompt_id", "model", "predicted_quality", "predicted_cost_usd"])
            rows: set[tuple[int, str]] = set()
            for split in splits:
                out.writerows(_lines(split, corpus, rows))
        self.stdout.write(f"{path}: {len(rows)} predictions")


def _lines(split: Split, corpus: Corpus, done: set[tuple[int, str]]) -> list[list[str]]:
    lines = []
    for name, benchmark in split.benchmarks.items():
        cost = predicted_cost_usd(corpus, benchmark, split.tokens[name])
        for at, row in enumerate(benchmark.rows.tolist()):
            for column, model in enumerate(benchmark.models):
                if (row, model) not in done:
                    done.add((row, model))
                    quality = f"{split.quality[name][at, column]:.5f}"
                    lines.append([corpus.ids[row], model, quality, f"{cost[at, column]:.8f}"])
    return lines
