"""GET /models and its relatives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from openrouter.emulator.catalogue import Model
from openrouter.emulator.listing import endpoint_entry, endpoints_of, model_entry, provider_entry
from openrouter.emulator.providers import ALL, serving
from openrouter.emulator.web import Refusal, Reply, Request, ok
from openrouter.emulator.world import World

MOST_PER_PAGE = 1000


def selected(world: World, request: Request) -> list[Model]:
    """The models that the query leaves, in the order it wants."""
    query = request.query
    outputs = query.get("output_modalities", "text")
    wanted = {
        "supported_parameters": set(filter(None, query.get("supported_parameters", "").split(","))),
        "input_modalities": set(filter(None, query.get("input_modalities", "").split(","))),
        "output_modalities": set() if outputs == "all" else set(outputs.split(",")),
    }
    needle = query.get("q", "").lower()
    found = [
        model
        for model in world.catalogue
        if all(names <= set(getattr(model, field)) for field, names in wanted.items())
        and needle in f"{model.id} {model.name}".lower()
    ]
    return in_order(found, query.get("sort", ""))


def in_order(models: Iterable[Model], sort: str) -> list[Model]:
    match sort:
        case "pricing-low-to-high":
            return sorted(models, key=lambda model: model.price("prompt"))
        case "pricing-high-to-low":
            return sorted(models, key=lambda model: model.price("prompt"), reverse=True)
        case "context-high-to-low":
            return sorted(models, key=lambda model: model.context_length or 0, reverse=True)
        case _:
            return list(models)


def list_models(world: World, request: Request) -> Reply:
    found = selected(world, request)
    total, following = len(found), None
    if "limit" in request.query or "offset" in request.query:
        offset = whole(request, "offset", 0)
        limit = min(whole(request, "limit", MOST_PER_PAGE), MOST_PER_PAGE)
        found = found[offset : offset + limit]
        if offset + limit < total:
            following = f"/api/v1/models?offset={offset + limit}&limit={limit}"
    entries = [model_entry(model) for model in found]
    return ok({"data": entries, "total_count": total, "links": {"next": following}})


def whole(request: Request, name: str, usual: int) -> int:
    """A number of the query. Raises Refusal (400) where it is none."""
    text = request.query.get(name, str(usual))
    if not text.isdigit():
        raise Refusal(400, f"Invalid input: expected number at {name}")
    return int(text)


def count_models(world: World, request: Request) -> Reply:
    return ok({"data": {"count": len(selected(world, request))}})


def one_model(world: World, slug: str) -> Reply:
    return ok({"data": model_entry(found(world, slug))})


def model_endpoints(world: World, slug: str, *, authenticated: bool) -> Reply:
    return ok({"data": endpoints_of(found(world, slug), authenticated=authenticated)})


def found(world: World, slug: str) -> Model:
    model = world.catalogue.find(slug)
    if model is None:
        raise Refusal(404, f"Model {slug} not found")
    return model


def providers() -> Reply:
    return ok({"data": [provider_entry(provider) for provider in ALL]})


def zdr_endpoints(world: World, *, authenticated: bool) -> Reply:
    """Endpoints that keep nothing: here, those of every model with open weights."""
    entries: list[dict[str, Any]] = [
        endpoint_entry(model, provider, authenticated=authenticated)
        for model in world.catalogue
        for provider in serving(model.id)[1:]
        if not model.is_router
    ]
    return ok({"data": entries})
