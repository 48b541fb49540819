"""The models that the emulator knows: facts from a table, found under every name they go by."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("catalogue.csv")
VARIANTS = (":nitro", ":floor", ":exacto", ":online", ":extended")
ROUTERS = frozenset(
    {"openrouter/auto", "openrouter/auto-beta", "openrouter/free", "openrouter/pareto-code",
     "openrouter/bodybuilder", "openrouter/fusion"}
)  # fmt: skip
PRICE_NAMES = (
    "prompt",
    "completion",
    "request",
    "image",
    "audio",
    "web_search",
    "internal_reasoning",
    "input_cache_read",
    "input_cache_write",
    "input_cache_write_1h",
)


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the table. Prices are the decimal text of the list, in USD per unit."""

    id: str
    permaslug: str
    name: str
    created: int
    context_length: int | None
    max_completion_tokens: int | None
    is_moderated: bool
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]
    tokenizer: str
    instruct_type: str | None
    prices: Mapping[str, str]
    overrides: tuple[Mapping[str, Any], ...]
    supported_parameters: tuple[str, ...]
    default_parameters: Mapping[str, Any]
    reasoning: Mapping[str, Any] | None
    knowledge_cutoff: str | None
    expiration_date: str | None
    alias_target: Mapping[str, str] | None
    variant: str = field(default="")

    @property
    def author(self) -> str:
        return self.id.removeprefix("~").split("/")[0]

    @property
    def is_free(self) -> bool:
        return self.id.endswith(":free") or (
            self.prices["prompt"] == "0" and self.prices["completion"] == "0"
        )

    @property
    def is_router(self) -> bool:
        return self.prices["prompt"].startswith("-")

    @property
    def served_slug(self) -> str:
        """The name that an answer carries: the dated permaslug, with `:free` kept."""
        suffix = ":free" if self.id.endswith(":free") else ""
        return self.permaslug.removesuffix(":free") + suffix

    def price(self, name: str, prompt_tokens: int = 0) -> Decimal:
        """USD per unit, with the surcharge of a prompt of this length; 0 where none is listed."""
        text = self.prices.get(name, "0")
        for override in self.overrides:
            if prompt_tokens > override.get("min_prompt_tokens", 0):
                text = override.get(name, text)
        return Decimal(text)


class Catalogue:
    """Every model, in the order of the list."""

    def __init__(self, models: tuple[Model, ...]) -> None:
        self.models = models
        self._by_id = {model.id: model for model in models}
        self._by_permaslug: dict[str, Model] = {}
        for model in models:
            if ":" not in model.id and not model.id.startswith("~"):
                self._by_permaslug.setdefault(model.permaslug, model)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)

    def find(self, name: str) -> Model | None:
        """The model under an id, a permaslug, or either with variants behind it."""
        found = self._by_id.get(name) or self._by_permaslug.get(name)
        if found:
            return found
        for variant in VARIANTS:
            if name.endswith(variant) and (base := self.find(name.removesuffix(variant))):
                return replace(base, variant=base.variant + variant)
        return None

    def resolve(self, model: Model) -> Model:
        """The model behind an alias; itself where it is none, or the target is not listed."""
        if model.alias_target and (target := self.find(model.alias_target["slug"])):
            return target
        return model


@cache
def load() -> Catalogue:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return Catalogue(tuple(_model(row) for row in csv.DictReader(file)))


def _model(row: dict[str, str]) -> Model:
    return Model(
        id=row["id"],
        permaslug=row["canonical_slug"],
        name=row["name"],
        created=int(row["created"]),
        context_length=_integer(row["context_length"]),
        max_completion_tokens=_integer(row["max_completion_tokens"]),
        is_moderated=row["is_moderated"] == "1",
        input_modalities=tuple(row["input_modalities"].split()),
        output_modalities=tuple(row["output_modalities"].split()),
        tokenizer=row["tokenizer"],
        instruct_type=row["instruct_type"] or None,
        prices={name: row[name] for name in PRICE_NAMES if row[name]},
        overrides=tuple(json.loads(row["overrides"] or "[]")),
        supported_parameters=tuple(row["supported_parameters"].split()),
        default_parameters=json.loads(row["default_parameters"] or "{}"),
        reasoning=json.loads(row["reasoning"]) if row["reasoning"] else None,
        knowledge_cutoff=row["knowledge_cutoff"] or None,
        expiration_date=row["expiration_date"] or None,
        alias_target=json.loads(row["alias_target"]) if row["alias_target"] else None,
    )


def _integer(cell: str) -> int | None:
    return int(cell) if cell else None
