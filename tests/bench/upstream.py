"""An upstream that costs next to nothing: paced answers for the capacity bench.

`python -m tests.bench.upstream PORT`. The emulator would take a core of its own at a few hundred
streams. A prompt says how long its answer is, as to the emulator: `[[bench: chunks=N rate=R]]`;
each chunk holds the monotonic time of its writing. GET /closed tells when somebody last left in the
middle of an answer.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from itertools import count
from typing import cast

import uvloop

WISH = re.compile(rb"\[\[bench: chunks=(\d+) rate=(\d+)")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
PARAGRAPH = 40  # chunks
NUMBERS = count(1)
_closed = [0.0]  # when a connection was last lost in mid-answer
HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Generation-Id: {id}\r\n"
    "Transfer-Encoding: chunked\r\n\r\n"
)
DATA = (
    'data: {{"id":"{id}","object":"chat.completion.chunk","created":1795161600,'
    '"model":"openai/gpt-5-mini","provider":"OpenAI","system_fingerprint":null,"choices":'
    '[{{"index":0,"delta":{{"role":"assistant","content":"{text}"}},"finish_reason":{finish},'
    '"native_finish_reason":{finish},"logprobs":null}}]{more}}}\n\n'
)
USAGE = (
    ',"usage":{{"prompt_tokens":20,"completion_tokens":{tokens},"total_tokens":{total},"cost":'
    '0.00001234,"is_byok":false,"prompt_tokens_details":{{"cached_tokens":0}},'
    '"cost_details":{{"upstream_inference_cost":null}},'
    '"completion_tokens_details":{{"reasoning_tokens":0}}}}'
)


class Answering(asyncio.Protocol):
    """One keep-alive connection; one answer at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        if self._left > 0:
            _closed[0] = time.monotonic()
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, gap, body = self._received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not gap or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        line = head.partition(b"\r\n")[0]
        if line.startswith(b"GET /closed"):
            told = b"%.6f" % _closed[0]
            size = b"Content-Length: %d" % len(told)
            self._transport.write(b"HTTP/1.1 200 OK\r\n" + size + b"\r\n\r\n" + told)
            return
        if b"/chat/completions" not in line:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        self._begin(body)

    def _begin(self, body: bytes) -> None:
        wishes = WISH.findall(body)
        chunks, rate = (int(figure) for figure in wishes[-1]) if wishes else (1, 20)
        self._id = f"gen-bench-{next(NUMBERS)}"
        self._left = self._chunks = chunks
        self._gap_s = 1 / rate
        self._due = self._loop.time()
        self._transport.write(HEAD.format(id=self._id).encode())
        self._tick()

    def _tick(self) -> None:
        self._left -= 1
        ends = "s " if (self._chunks - self._left) % PARAGRAPH else "s.\\n\\n"
        self._send(f"at {time.monotonic():.6f} {ends}")
        if self._left > 0:
            self._due += self._gap_s
            self._timer = self._loop.call_at(self._due, self._tick)
        else:
            self._end()

    def _send(self, text: str, finish: str = "null", more: str = "") -> None:
        event = DATA.format(id=self._id, text=text, finish=finish, more=more).encode()
        self._transport.write(b"%x\r\n%b\r\n" % (len(event), event))

    def _end(self) -> None:
        usage = USAGE.format(tokens=self._chunks, total=self._chunks + 20)
        self._send("", '"stop"', usage)
        self._transport.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
