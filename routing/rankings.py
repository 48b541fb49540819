"""What OpenRouter publishes beside its list: figures of benchmarks, and what models are used for.

Pure. Source: OpenRouter's OpenAPI document, `GET /benchmarks` and `GET /classifications/task`.
The figures are kept beside those of the list, in a model's `benchmarks`, under the list's names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from openrouter.results import Benchmark, TaskClassifications

Figures: TypeAlias = dict[str, Any]  # one model's benchmarks, as `LanguageModel` keeps them
INDICES = ("intelligence_index", "coding_index", "agentic_index")
OURS = ("openrouter", "arena_elo", "used_for")  # what the list itself never holds


def figures_of(
    benchmarks: Iterable[Benchmark], tasks: TaskClassifications | None
) -> dict[str, Figures]:
    """For each model, by its permanent slug or by its id, the figures that came."""
    found: dict[str, Figures] = {}
    elos: dict[str, list[float]] = {}
    for item in benchmarks:
        slug = item.model_permaslug
        if not slug:
            continue
        figures = found.setdefault(slug, {})
        if item.source == "artificial-analysis":
            told = {name: getattr(item, name) for name in INDICES}
            figures["artificial_analysis"] = {k: v for k, v in told.items() if v is not None}
        elif item.source == "openrouter" and item.benchmark_type and item.accuracy is not None:
            figures.setdefault("openrouter", {})[item.benchmark_type] = item.accuracy
        elif item.source == "design-arena" and item.elo is not None:
            elos.setdefault(slug, []).append(item.elo)
    for slug, each in elos.items():
        found[slug]["arena_elo"] = round(sum(each) / len(each), 1)
    for task in tasks.classifications if tasks else ():
        for model in task.models:
            used = found.setdefault(model.id, {}).setdefault("used_for", {})
            used[task.tag] = round(model.usage_share, 4)
    return {slug: figures for slug, figures in found.items() if figures}


def joined(
    listed: Mapping[str, Any], names: Iterable[str], figures: Mapping[str, Figures] | None,
    before: Mapping[str, Any],
) -> Figures:  # fmt: skip
    """A model's benchmarks: those of the list, and the further figures under any of its names.

    `figures`: None where they could not be had; then those of `before` are kept.
    """
    if figures is None:
        kept = {name: before[name] for name in OURS if name in before}
        if "artificial_analysis" in before:
            kept["artificial_analysis"] = before["artificial_analysis"]
    else:
        kept = {}
        for name in names:
            kept |= figures.get(name, {})
    return {**kept, **listed}
