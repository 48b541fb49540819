"""`manage.py train_router --data PATH`: fit the learned router and write its artefact.

Needs the development dependencies (pyarrow); serving does not.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from routing.artefacts import SHIPPED, save
from routing.evaluation import fitted_on
from routing.outcomes import read_corpus
from routing.training import fit

VERSION = "2026-11-20"


class Command(BaseCommand):
    help = "Fit the learned router on outcomes and write its artefact. Seeded: twice is the same."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="Folder of the outcomes.")
        parser.add_argument("--out", type=Path, default=SHIPPED)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--name", default=VERSION, help="The version that decisions name.")

    def handle(self, *, data: Path, out: Path, seed: int, name: str, **options: Any) -> None:
        started = time.monotonic()
        try:
            corpus = read_corpus(data)
        except (OSError, KeyError) as error:
            raise CommandError(f"No outcomes in {data}: {error}") from error
        predictor = fit(corpus, fitted_on(corpus), seed=seed, version=name)
        save(predictor, out)
        self.stdout.write(
            f"{out}: {out.stat().st_size / 1e6:.2f} MB, version {name}, from"
            f" {len(predictor.prompts)} prompts and {len(predictor.abilities)} models,"
            f" in {time.monotonic() - started:.0f} s."
        )
