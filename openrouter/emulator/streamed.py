"""An answer as a stream of events."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from openrouter.emulator.faults import ENDS_EARLY
from openrouter.emulator.generation import Generation
from openrouter.emulator.pacing import Pace, pace_for
from openrouter.emulator.player import Player
from openrouter.emulator.script import script_of
from openrouter.emulator.steps import Ending, Step, answer_steps, failing, last_steps, odd
from openrouter.emulator.web import Send, start
from openrouter.emulator.wire import DONE, KEEP_ALIVE, Wire
from openrouter.emulator.world import World

LATE_START_S = 0.15  # a first token later than this is announced with a comment


async def write_stream(world: World, generation: Generation, send: Send) -> None:
    """Headers, comments, chunks, end. Raises Cut where a fault says so."""
    fault = generation.fault
    pace = pace_for(generation.ask, world.settings)
    player = Player(send, KEEP_ALIVE, world.settings.keep_alive_s)
    if fault.name == "slow-headers":
        await player.rest_in_silence(fault.number("s", 5))
    elif fault.name == "slow-first-token":
        pace = replace(pace, first_token_s=fault.number("s", 5))
    headers = {"x-generation-id": generation.id, "x-provider-name": generation.provider.name}
    await start(send, 200, "text/event-stream", {"cache-control": "no-cache", **headers})
    if pace.first_token_s > LATE_START_S or fault.name == "keepalives":
        await player.write(KEEP_ALIVE)
    await player.play(stream_steps(world, generation, pace), generation, world.clock.now)
    await player.end()


def stream_steps(world: World, generation: Generation, pace: Pace) -> Iterable[Step]:
    """Everything that is written, with the fault in it."""
    fault, wire = generation.fault, wire_of(world, generation)
    if "bench" in generation.ask.directives.orders:
        return with_end(bench_steps(generation, wire), generation, wire)
    steps = answer_steps(generation.answer, wire, pace)
    if (script := script_of(generation.ask.directives)) and script.error:
        return chain(steps, [Step(wire.error(script.failure)), Step(DONE)])
    if fault.name in ENDS_EARLY:
        return failing(steps, fault, wire, generation.usage)
    return odd(with_end(steps, generation, wire), fault, wire)


def with_end(steps: Iterable[Step], generation: Generation, wire: Wire) -> Iterator[Step]:
    yield from steps
    answer = generation.answer
    ending = Ending(answer.finish_reason, answer.native_finish_reason, generation.whole_usage())
    yield from last_steps(ending, wire, generation.fault)


def wire_of(world: World, generation: Generation) -> Wire:
    """The shapes of this answer: the habits of the settings, of an order, or of a fault."""
    style = world.settings.wire_style
    ordered = generation.ask.directives.orders.get("wire", "").strip()
    if ordered == "2025" or generation.fault.name == "usage-null-finish":
        style = "2025"
    elif ordered == "empty" or generation.fault.name == "usage-empty-choices":
        style = "empty"
    elif ordered == "2026":
        style = "2026"
    script = script_of(generation.ask.directives)
    return Wire(
        generation_id=generation.id,
        created=generation.created,
        model=(script and script.model) or generation.model.served_slug,
        provider=(script and script.provider) or generation.provider.name,
        style=style,
    )


def bench_steps(generation: Generation, wire: Wire) -> Iterator[Step]:
    """Chunks at a steady rate, each with the seconds of time.monotonic() at its writing."""
    directives = generation.ask.directives
    rate = directives.number("bench", "rate", 0)
    filler = "o" * int(min(directives.number("bench", "size", 0), 100_000))

    def stamp() -> tuple[str, bytes]:
        text = f"{time.monotonic():.6f} {filler}"
        return text, wire.text(text)

    for number in range(directives.bench_chunks):
        yield Step(make=stamp, at_s=number / rate if rate > 0 else 0.0, tokens=1)
