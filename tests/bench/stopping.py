"""Stop, until the upstream's connection is closed: where the answer is written, and elsewhere."""

from __future__ import annotations

import asyncio
import re
import time

from tests.bench.crowd import begin
from tests.bench.person import Visit, token_of
from tests.bench.wire import Connection, Refused

STOPS = 20
PATIENCE_S = 5.0
WRITING = re.compile(rb'id="m(\d+)" class="message assistant[^"]*" data-state="streaming"')


async def stop_times(writer_port: int, stopper_port: int, upstream_port: int) -> list[float]:
    """Seconds from the click to the closed connection, for one answer after the other."""
    writer = await Visit.signed_in(writer_port)
    stopper = await writer.at(stopper_port)
    token = token_of(await writer.get("/"))
    upstream = await Connection.open(upstream_port)
    taken = []
    for _ in range(STOPS):
        path = await begin(writer, token, 2_000)
        reply = await _writing(writer, path)
        at = time.monotonic()
        stopper.write_post(
            f"/m/{reply}/stop/", {"csrfmiddlewaretoken": token}, **{"HX-Request": "true"}
        )
        answered = asyncio.create_task(stopper.read_any())
        taken.append(await _closed_after(upstream, at) - at)
        await answered
    for one in (writer, stopper, upstream):
        one.close()
    return taken


async def _writing(visit: Visit, path: str) -> int:
    found = WRITING.search((await visit.get(path)).body)
    if found is None:
        raise Refused("no answer is being written")
    return int(found[1])


async def _closed_after(upstream: Connection, at: float) -> float:
    """When the upstream last lost a connection in mid-answer."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            upstream.write("GET", "/closed", {})
            if (closed := float((await upstream.read()).body)) > at:
                return closed
