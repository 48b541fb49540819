"""POST /chat/completions: from the request to the entry on the bill."""

from __future__ import annotations

from openrouter.emulator.ask import read_ask
from openrouter.emulator.compose import compose
from openrouter.emulator.faults import NO_FAULT, check_fault
from openrouter.emulator.generation import Generation
from openrouter.emulator.keys import Key
from openrouter.emulator.player import Cut, while_connected
from openrouter.emulator.streamed import write_stream
from openrouter.emulator.web import Receive, Request, Send
from openrouter.emulator.whole import write_whole
from openrouter.emulator.world import World


async def chat(world: World, request: Request, key: Key, receive: Receive, send: Send) -> None:
    """Answer one chat request. Raises Refusal before the first byte; afterwards the wire tells."""
    ask = read_ask(request.json_object(), request.headers, world.catalogue)
    fault = check_fault(world.faults.choose(ask, request.headers))
    now = world.clock.now()
    route = world.router.route(ask, fault, now)
    if not fault.applies_to(route.model, first=route.first):
        fault = NO_FAULT
    world.accounts.require_credit(key, ask, route.model)
    if fault.name == "reset":
        return abort(send)
    generation = Generation(
        ask=ask,
        model=route.model,
        provider=route.provider,
        answer=compose(ask, route.model, route.provider, world.settings.seed),
        fault=fault,
        key_hash=key.hash,
        created_at=now,
        cached=world.cache.look(ask, route.model, now),
        is_byok=route.provider.name in world.settings.byok_providers,
        router=route.router,
        referer=request.headers.get("http-referer"),
        title=request.headers.get("x-openrouter-title") or request.headers.get("x-title"),
    )
    return await perform(world, generation, receive, send)


async def perform(world: World, generation: Generation, receive: Receive, send: Send) -> None:
    """Play a generation, and enter it on the bill whichever way it ends."""
    world.began(generation)
    write = write_stream if generation.ask.stream else write_whole
    left = True
    try:
        left = await while_connected(write(world, generation, send), receive)
    except Cut:
        left = False
        abort(send)
    finally:
        world.ended(generation, left=left)


def abort(send: Send) -> None:
    """Close the connection as a broken network does, where the server lets us.

    Our own transport offers `abort`; uvicorn hands out a bound method of its request cycle. Where
    neither is there the body stays unfinished, which a server turns into the same.
    """
    if own := getattr(send, "abort", None):
        own()
    elif transport := getattr(getattr(send, "__self__", None), "transport", None):
        transport.abort()
