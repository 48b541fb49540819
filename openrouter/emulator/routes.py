"""Which path is answered by whom; all but the chat itself, which writes its own answer."""

from __future__ import annotations

from openrouter.emulator import account_routes, generations, models, pkce, rankings
from openrouter.emulator.keys import Key
from openrouter.emulator.web import Refusal, Reply, Request
from openrouter.emulator.world import World

PREFIX = "/api/v1/"
METHODS = {
    "chat/completions": ("POST",),
    "auth/keys": ("POST",),
    "auth/keys/code": ("POST",),
    "keys": ("GET", "POST"),
}
KNOWN = frozenset(
    {"models", "model", "generation", "providers", "endpoints", "key", "keys", "credits",
     "activity", "auth", "chat", "benchmarks", "classifications"}
)  # fmt: skip


def answer(world: World, request: Request) -> Reply:
    """Raises Refusal: 404 for an unknown path, 405 for a method that a path does not take."""
    if request.path == "/auth" and request.method == "GET":
        return pkce.authorize(world, request)
    if not request.path.startswith(PREFIX):
        raise Refusal(404, "Not Found")
    path = request.path.removeprefix(PREFIX).rstrip("/")
    steps = path.split("/")
    allowed = METHODS.get(
        path, ("GET", "PATCH", "DELETE") if path.startswith("keys/") else ("GET",)
    )
    if steps[0] not in KNOWN:
        raise Refusal(404, "Not Found")
    if request.method not in allowed:
        raise Refusal(405, "Method Not Allowed", headers={"Allow": ", ".join(allowed)})
    return answer_step(world, request, steps)


def answer_step(world: World, request: Request, steps: list[str]) -> Reply:
    """Paths that anybody may ask for, then those of keys for management, then the others."""
    match steps:
        case ["models", *rest]:
            return answer_models(world, request, rest)
        case ["model", *slug] if slug:
            return models.one_model(world, "/".join(slug))
        case ["providers"]:
            return models.providers()
        case ["endpoints", "zdr"]:
            known = "authorization" in request.headers
            return models.zdr_endpoints(world, authenticated=known)
        case ["auth", "keys"]:
            return pkce.exchange(world, request)
        case ["credits", "coinbase"]:
            raise Refusal(410, "The Coinbase APIs used by this endpoint have been deprecated")
    return answer_account(world, request, steps)


def answer_account(world: World, request: Request, steps: list[str]) -> Reply:
    authorization = request.headers.get("authorization")
    match steps:
        case ["keys", *rest]:
            world.accounts.for_management(authorization)
            return answer_keys(world, request, rest)
        case ["activity"]:
            world.accounts.for_management(authorization)
            return account_routes.activity(world, request)
        case ["key"]:
            return account_routes.current_key(world, world.accounts.authenticate(authorization))
        case ["credits"]:
            return account_routes.credits_left(world, world.accounts.authenticate(authorization))
    key = world.accounts.for_inference(authorization)
    return answer_with_key(world, request, steps, key)


def answer_with_key(world: World, request: Request, steps: list[str], key: Key) -> Reply:
    """Paths for which a key for inference has been shown."""
    match steps:
        case ["generation"]:
            return generations.generation(world, request, key)
        case ["generation", "content"]:
            return generations.generation_content(world, request, key)
        case ["benchmarks"]:
            return rankings.benchmarks(world, request)
        case ["classifications", "task"]:
            return rankings.task_classifications(world, request)
        case ["auth", "keys", "code"]:
            return pkce.create_code(world, request)
    raise Refusal(404, "Not Found")


def answer_models(world: World, request: Request, rest: list[str]) -> Reply:
    authorization = request.headers.get("authorization")
    match rest:
        case []:
            return models.list_models(world, request)
        case ["count"]:
            return models.count_models(world, request)
        case ["user"]:
            world.accounts.for_inference(authorization)
            return models.list_models(world, request)
        case [*slug, "endpoints"]:
            known = authorization is not None
            return models.model_endpoints(world, "/".join(slug), authenticated=known)
    raise Refusal(404, "Not Found")


def answer_keys(world: World, request: Request, rest: list[str]) -> Reply:
    match request.method, rest:
        case "GET", []:
            return account_routes.list_keys(world, request)
        case "POST", []:
            return account_routes.create_key(world, request)
        case "GET", [key_hash]:
            return account_routes.one_key(world, key_hash)
        case "PATCH", [key_hash]:
            return account_routes.update_key(world, request, key_hash)
        case "DELETE", [key_hash]:
            return account_routes.delete_key(world, key_hash)
    raise Refusal(404, "Not Found")
