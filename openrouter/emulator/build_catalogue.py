"""Draw the table of model facts that the emulator serves from stored answers of GET /models.

    python -m openrouter.emulator.build_catalogue ../shared/openrouter/catalog

Only facts are taken: ids, prices, limits, abilities. Descriptions are not.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from openrouter.emulator.catalogue import PRICE_NAMES

TABLE = Path(__file__).with_name("catalogue.csv")
SOURCES = (  # oldest first: where an id is in two of them, the younger one counts
    "models-2026-05-01.json",
    "models-2026-08-04.sample.json",
    "models-2026-09-16.sample.json",
)
COLUMNS = (
    "id",
    "canonical_slug",
    "name",
    "created",
    "context_length",
    "max_completion_tokens",
    "is_moderated",
    "input_modalities",
    "output_modalities",
    "tokenizer",
    "instruct_type",
    *PRICE_NAMES,
    "overrides",
    "supported_parameters",
    "default_parameters",
    "reasoning",
    "knowledge_cutoff",
    "expiration_date",
    "alias_target",
)


def facts(model: Mapping[str, Any]) -> dict[str, str]:
    """One row of the table. An empty cell is a null or a key that is not there."""
    architecture, limits = model["architecture"], model["top_provider"]
    row = {
        **{name: model.get(name) for name in COLUMNS},
        **{name: model["pricing"].get(name) for name in PRICE_NAMES},
        "overrides": compact(model["pricing"].get("overrides")),
        "max_completion_tokens": limits["max_completion_tokens"],
        "is_moderated": int(limits["is_moderated"]),
        "input_modalities": " ".join(architecture["input_modalities"]),
        "output_modalities": " ".join(architecture["output_modalities"]),
        "tokenizer": architecture["tokenizer"],
        "instruct_type": architecture["instruct_type"],
        "supported_parameters": " ".join(model["supported_parameters"]),
        "default_parameters": compact(model["default_parameters"]),
        "reasoning": compact(model.get("reasoning")),
        "alias_target": compact(model.get("alias_target")),
    }
    return {name: "" if value is None else str(value) for name, value in row.items()}


def compact(value: Mapping[str, Any] | list[Any] | None) -> str | None:
    """JSON without spaces; None for what is empty."""
    return json.dumps(value, separators=(",", ":")) if value else None


def read(folder: Path) -> Iterator[Mapping[str, Any]]:
    for name in SOURCES:
        yield from json.loads((folder / name).read_text(encoding="utf-8"))["data"]


def rows(models: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Newest model first, as GET /models lists them."""
    latest = {model["id"]: facts(model) for model in models}
    return sorted(latest.values(), key=lambda row: (-int(row["created"]), row["id"]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the emulator's table of model facts.")
    parser.add_argument("folder", type=Path, help="folder with the stored answers of GET /models")
    table = rows(read(parser.parse_args().folder))
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    sys.stdout.write(f"{len(table)} models in {TABLE}\n")


if __name__ == "__main__":
    main()
