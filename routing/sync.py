"""Making the catalogue like the list that OpenRouter publishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from openrouter.results import ModelInfo
from routing.listing import values_of
from routing.models import LanguageModel
from routing.rankings import Figures, joined
from routing.shelf import shelf

BATCH_ROWS = 200


class CatalogueRefused(Exception):
    """The list that came cannot be the catalogue; nothing was changed."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync changed.

    `warnings`: one sentence for each entry that something is wrong with. `news`: what whoever is
    told of the list (CATALOGUE_ON_SYNCED) found to have changed.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    vanished: int = 0
    unpriced: int = 0
    warnings: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    rated: int = 0  # models with published figures of benchmarks or tasks
    note: str = ""  # why those figures may not be had
    trouble: str = ""  # why they should have come and did not

    @property
    def listed(self) -> int:
        return self.added + self.changed + self.unchanged

    def summary(self) -> str:
        return (
            f"{self.listed} models listed: {self.added} new, {self.changed} changed,"
            f" {self.unchanged} as before; {self.vanished} no longer offered;"
            f" {self.unpriced} without a fixed price, {self.rated} with published figures."
        )


def store_catalogue(
    infos: Iterable[ModelInfo], *, now: datetime, figures: Mapping[str, Figures] | None = None
) -> SyncReport:
    """Make the catalogue like the list, all or nothing. What vanished is kept, unavailable.

    `figures`: published beside the list; None where they could not be had, and the old ones stay.

    Raises CatalogueRefused for a list without any model.
    """
    infos = tuple(infos)
    listed, warnings = _read(infos)
    if not listed:
        raise CatalogueRefused("The list holds no model, so the catalogue stays as it was.")
    with transaction.atomic():
        before = {row.slug: row for row in LanguageModel.objects.select_for_update()}
        for slug, values in listed.items():
            old = before[slug].benchmarks if slug in before else {}
            names = (values["canonical_slug"], slug.split(":", 1)[0], slug)
            values["benchmarks"] = joined(values["benchmarks"], names, figures, old)
        added = sum(slug not in before for slug in listed)
        unchanged = sum(
            slug in before and _same(before[slug], values) for slug, values in listed.items()
        )
        _upsert(listed, now)
        gone = LanguageModel.objects.available().exclude(slug__in=listed)
        vanished = gone.update(is_available=False)
        news = import_string(settings.CATALOGUE_ON_SYNCED)(infos, now=now)
        transaction.on_commit(shelf.forget)
    return SyncReport(
        added=added,
        changed=len(listed) - added - unchanged,
        unchanged=unchanged,
        vanished=vanished,
        unpriced=sum(_unpriced(values) for values in listed.values()),
        warnings=tuple(warnings),
        news=tuple(news),
        rated=sum(bool(values["benchmarks"]) for values in listed.values()),
    )


def _read(infos: Iterable[ModelInfo]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The rows to be, by slug, and what was wrong with the list."""
    listed: dict[str, dict[str, Any]] = {}
    warnings: list[str] = []
    for info in infos:
        try:
            values = values_of(info)
        except ValueError as error:
            warnings.append(f"an entry was left out: {error}")
            continue
        if values["slug"] in listed:
            warnings.append(f"{values['slug']} is listed twice; the later entry counts")
        listed[values["slug"]] = values
        if _unpriced(values) and not values["is_router"]:
            warnings.append(f"{values['slug']}: no usable price, so it is never chosen by itself")
    return listed, warnings


def _same(row: LanguageModel, values: Mapping[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in values.items())


def _upsert(listed: Mapping[str, dict[str, Any]], now: datetime) -> None:
    rows = [LanguageModel(**values, synced_at=now) for values in listed.values()]
    fields = [name for name in next(iter(listed.values())) if name != "slug"]
    LanguageModel.objects.bulk_create(
        rows,
        batch_size=BATCH_ROWS,
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=[*fields, "synced_at"],
    )


def _unpriced(values: Mapping[str, Any]) -> bool:
    return values["prompt_usd"] is None or values["completion_usd"] is None
