"""GET /benchmarks and /classifications/task: shapes of the real ones, figures that are made up.

A figure follows from the price and the age of a model and from a digest of its name, so that dear
and young models tend to be the better ones, as they do. Source: OpenAPI document of 2026-08-22.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

from openrouter.emulator.catalogue import Model
from openrouter.emulator.web import Refusal, Reply, Request, ok
from openrouter.emulator.world import World

SOURCES = ("artificial-analysis", "design-arena", "openrouter")
TASK_TYPES = ("coding", "intelligence", "agentic", "search")
CATEGORIES = ("website", "uicomponent", "dataviz", "gamedev")
TASKS = (  # tag, name, share of requests
    ("code:general_impl", "Code Generation", 0.23),
    ("code:debugging", "Debugging", 0.14),
    ("code:review", "Code Review", 0.08),
    ("data:extraction", "Data Extraction", 0.09),
    ("data:analysis", "Data Analysis", 0.06),
    ("agent:web_search", "Web Search", 0.10),
    ("agent:tool_use", "Tool Use", 0.07),
    ("general:writing", "Writing", 0.09),
    ("general:summarization", "Summarization", 0.05),
    ("general:translation", "Translation", 0.04),
    ("general:qa", "Question Answering", 0.05),
)
MACRO_LABELS = {"code": "Code", "data": "Data", "agent": "Agent", "general": "General"}


def draw(name: str, model: Model) -> float:
    """A number from 0 to 1 that belongs to a model and a name."""
    digest = hashlib.sha256(f"{name} {model.permaslug}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def strength(model: Model, name: str) -> float:
    """From 0 to 1: price counts half, age a third, luck the rest."""
    usd_per_mtok = float(model.price("completion")) * 1e6
    price = min(math.log10(1 + max(usd_per_mtok, 0)) / 1.7, 1)
    age = min(max((model.created - 1_680_000_000) / 110_000_000, 0), 1)
    return 0.5 * price + 0.33 * age + 0.17 * draw(name, model)


def rated(world: World) -> list[Model]:
    """One model for each permaslug: no variants, no aliases, no routers."""
    return [
        model
        for model in world.catalogue
        if ":" not in model.id and not model.id.startswith(("~", "openrouter/"))
    ]


def benchmarks(world: World, request: Request) -> Reply:
    source, task = request.query.get("source"), request.query.get("task_type")
    if source not in (*SOURCES, None) or task not in (*TASK_TYPES, None):
        raise Refusal(400, "Invalid request parameters")
    makers = {"artificial-analysis": analysis, "design-arena": arena, "openrouter": own}
    chosen = [source] if source else [name for name in SOURCES if task != "search"]
    models = rated(world)
    items = [item for name in chosen for model in models for item in makers[name](model)]
    if most := request.query.get("max_results"):
        if not most.isdigit() or most == "0":
            raise Refusal(400, "Invalid request parameters")
        items = items[: int(most)]
    meta = {
        "as_of": world.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        "citation": None,
        "model_count": len({item["model_permaslug"] for item in items}),
        "source": source,
        "source_url": None,
        "task_type": task,
        "version": "v1",
    }
    return ok({"data": items, "meta": meta})


def common(model: Model) -> dict[str, Any]:
    return {"model_permaslug": model.permaslug, "display_name": model.name}


def prices(model: Model) -> dict[str, str]:
    return {"prompt": model.prices["prompt"], "completion": model.prices["completion"]}


def analysis(model: Model) -> list[dict[str, Any]]:
    indexes = {
        f"{name}_index": round(12 + 66 * strength(model, name), 1)
        for name in ("intelligence", "coding", "agentic")
    }
    item = {"source": "artificial-analysis", **common(model), **indexes}
    return [{**item, "pricing": prices(model)}]


def arena(model: Model) -> list[dict[str, Any]]:
    places = ("first_place", "second_place", "third_place", "fourth_place")
    return [
        {
            "source": "design-arena",
            **common(model),
            "arena": "models",
            "category": category,
            "elo": round(900 + 450 * strength(model, category)),
            "win_rate": round(15 + 65 * strength(model, category), 1),
            "avg_generation_time_ms": round(8_000 + 60_000 * draw("time", model)),
            "tournament_stats": dict.fromkeys(places, 25) | {"total": 100},
            "pricing": prices(model),
        }
        for category in CATEGORIES
    ]


def own(model: Model) -> list[dict[str, Any]]:
    return [
        {
            "source": "openrouter",
            **common(model),
            "benchmark_type": kind,
            "accuracy": round(0.2 + 0.72 * strength(model, kind), 3),
            "accuracy_stddev": 0.02,
            "avg_cost_per_task": round(float(model.price("completion")) * 1500, 6),
            "total_tasks": tasks,
            "last_run_timestamp": "2026-08-20T12:00:00Z",
        }
        for kind, tasks in (("gpqa_diamond", 198), ("tau_bench_verified_airline", 50))
    ]


def task_classifications(world: World, request: Request) -> Reply:
    if request.query.get("window", "7d") != "7d":
        raise Refusal(400, "Invalid request parameters")
    shares = {key: sum(s for tag, _, s in TASKS if tag.startswith(key)) for key in MACRO_LABELS}
    classifications = [
        {
            "tag": tag,
            "display_name": name,
            "macro_category": tag.split(":")[0],
            "usage_share": share,
            "token_share": share,
            "category_usage_share": round(share / shares[tag.split(":")[0]], 4),
            "category_token_share": round(share / shares[tag.split(":")[0]], 4),
            "models": favourites(world, tag),
        }
        for tag, name, share in TASKS
    ]
    macro = [
        {
            "key": key,
            "label": label,
            "usage_share": round(shares[key], 4),
            "token_share": round(shares[key], 4),
        }
        for key, label in MACRO_LABELS.items()
    ]
    as_of = world.clock.now().date().isoformat()
    return ok(
        {
            "data": {
                "as_of": as_of,
                "window_days": 7,
                "classifications": classifications,
                "macro_categories": macro,
            }
        }
    )


def favourites(world: World, tag: str) -> list[dict[str, Any]]:
    """The five models that are used most for a task."""
    best = sorted(rated(world), key=lambda model: strength(model, tag), reverse=True)[:5]
    shares = (0.31, 0.22, 0.14, 0.09, 0.06)
    return [
        {"id": model.id, "tag_usage_share": share, "tag_token_share": share}
        for model, share in zip(best, shares, strict=True)
    ]
