"""Paths outside /api/v1, for tests only: what the emulator knows and a client cannot.

GET    /_emulator/bill            every entry, and the total as a string
GET    /_emulator/sent/<id>       the text that went out, letter by letter, even while it runs
GET    /_emulator/sent/<id>/body  the request that it answers, as it came
GET    /_emulator/open            ids of generations that run
POST   /_emulator/clock           {"advance_s": 86400}
DELETE /_emulator/bill            forget everything (POST /_emulator/reset does the same)
"""

from __future__ import annotations

from openrouter.emulator.generation import Sent
from openrouter.emulator.web import Refusal, Reply, Request, ok
from openrouter.emulator.world import World


def control(world: World, request: Request) -> Reply:
    match request.method, request.path.removeprefix("/_emulator/").split("/"):
        case "GET", ["bill"]:
            entries = [entry.as_json() for entry in world.bill]
            return ok({"entries": entries, "total_cost": str(world.bill.total())})
        case "GET", ["sent", generation_id]:
            return sent(world, generation_id)
        case "GET", ["sent", generation_id, "body"]:
            return ok(dict(known(world, generation_id).body))
        case "GET", ["open"]:
            return ok({"open": list(world.open)})
        case "POST", ["clock"]:
            seconds = request.json_object().get("advance_s")
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise Refusal(400, "Invalid input: expected number at advance_s")
            world.clock.advance(seconds)
            return ok({"now": world.clock.now().isoformat()})
        case ("DELETE", ["bill"]) | ("POST", ["reset"]):
            world.clear()
            return ok({"reset": True})
    raise Refusal(404, "Not Found")


def sent(world: World, generation_id: str) -> Reply:
    found = known(world, generation_id)
    return ok(
        {
            "id": generation_id,
            "text": found.text,
            "reasoning": "".join(found.reasoning),
            "complete": found.complete,
            "open": generation_id in world.open,
            "chunks": found.chunks,
        }
    )


def known(world: World, generation_id: str) -> Sent:
    found = world.sent.get(generation_id)
    if found is None:
        raise Refusal(404, f"Generation {generation_id} not found")
    return found
