"""An answer in one piece: padding while the model writes, then JSON.

Status 200 is sent with the first padding, so that a later failure comes with status 200 as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openrouter.emulator.gathering import message_of
from openrouter.emulator.generation import Generation
from openrouter.emulator.money import encode
from openrouter.emulator.pacing import pace_for
from openrouter.emulator.player import Cut, Player
from openrouter.emulator.steps import Act, Step
from openrouter.emulator.streamed import wire_of
from openrouter.emulator.web import USER_ID, Send, start
from openrouter.emulator.wire import PADDING
from openrouter.emulator.world import World

BROKEN = {
    "code": 502,
    "message": "Provider disconnected mid-stream",
    "metadata": {"error_type": "provider_unavailable"},
}
WITHOUT_END = {"stall": Act.STALL, "keepalives": Act.COMMENTS}


async def write_whole(world: World, generation: Generation, send: Send) -> None:
    """Padding, then the answer or its failure. Raises Cut where a fault says so."""
    fault, pace = generation.fault, pace_for(generation.ask, world.settings)
    player = Player(send, PADDING, world.settings.keep_alive_s)
    if fault.name == "slow-headers":
        await player.rest_in_silence(fault.number("s", 5))
    await start(send, 200, "application/json", {"x-generation-id": generation.id})
    due_s = (
        fault.number("s", 5)
        if fault.name == "slow-first-token"
        else pace.whole(generation.answer.tokens)
    )
    if due_s:
        await player.write(PADDING)
    await player.rest_until(due_s)
    if fault.name == "cut":
        generation.meter(said(generation))
        raise Cut
    if fault.name in WITHOUT_END:
        await player.act(WITHOUT_END[fault.name])
    await player.write(body_of(world, generation))
    await player.end()


def said(generation: Generation, **more: bool) -> Step:
    """The whole answer as one step, for the meter."""
    answer = generation.answer
    return Step(
        tokens=answer.tokens,
        reasoning_tokens=answer.reasoning_tokens,
        text=answer.text,
        tells_usage=more.get("usage", False),
        finishes=more.get("end", False),
    )


def body_of(world: World, generation: Generation) -> bytes:
    """The JSON of the answer, or of the way it failed."""
    fault, answer, wire = generation.fault, generation.answer, wire_of(world, generation)
    usage: Mapping[str, Any] | None = generation.whole_usage()
    if fault.name in ("error-empty-choices", "string-code"):
        generation.meter(said(generation))
        return encode({"error": BROKEN, "user_id": USER_ID})
    if fault.name in ("error", "length-then-error", "finish-error"):
        generation.meter(said(generation, usage=True))
        told = None if fault.name == "finish-error" else BROKEN
        message = {"content": None} if told is None else message_of(answer)
        native = "MALFORMED_FUNCTION_CALL" if told is None else "error"
        return wire.whole(message, "error", native, usage, told)
    generation.meter(said(generation, usage=fault.name != "no-usage", end=True))
    if fault.name == "no-usage":
        usage = None
    message = message_of(answer)
    body = wire.whole(message, answer.finish_reason, answer.native_finish_reason, usage)
    return body[: len(body) // 2] if fault.name in ("bad-json", "eof") else body
