"""Which path is answered by whom; all but the chat itself, which writes its own answer."""

from __future__ import annotations

from openrouter.emulator import generations, models
from openrouter.emulator.web import Refusal, Reply, Request
from openrouter.emulator.world import World

PREFIX = "/api/v1/"


def answer(world: World, request: Request) -> Reply:
    """Raises Refusal: 404 for an unknown path, 405 for a method that a path does not take."""
    if not request.path.startswith(PREFIX):
        raise Refusal(404, "Not Found")
    match request.path.removeprefix(PREFIX).split("/"):
        case ["models", *rest]:
            return answer_models(world, request, rest)
        case ["model", *slug] if slug:
            return models.one_model(world, "/".join(slug))
        case ["generation"]:
            world.accounts.for_inference(request.headers.get("authorization"))
            return generations.generation(world, request)
        case ["providers"]:
            return models.providers()
    raise Refusal(404, "Not Found")


def answer_models(world: World, request: Request, rest: list[str]) -> Reply:
    match rest:
        case []:
            return models.list_models(world, request)
        case ["count"]:
            return models.count_models(world, request)
        case ["user"]:
            world.accounts.for_inference(request.headers.get("authorization"))
            return models.list_models(world, request)
        case [*slug, "endpoints"]:
            known = "authorization" in request.headers
            return models.model_endpoints(world, "/".join(slug), authenticated=known)
    raise Refusal(404, "Not Found")
