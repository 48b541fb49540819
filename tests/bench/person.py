"""A person at work: signs in, opens tabs, sends prompts, and sees when the first word comes."""

from __future__ import annotations

import asyncio
import html
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from accounts.management.commands.create_demo import PASSWORD, USERNAME
from openrouter.emulator.settings import DEMO_KEY
from tests.bench.wire import Answer, Connection, Refused, Socket

# The emulator writes time.monotonic() into each piece of such an answer; one clock for all
# processes of a machine tells when a piece was written.
PROMPT = "How long does a word take? [[bench: chunks={chunks} rate={rate} size=3]]"
STAMP = re.compile(rb"(\d+\.\d{6}) ")
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="(\w+)"')
SETTLED = re.compile(rb'assistant"\s+data-state="done"')
FAILED = b'assistant" data-state="failed"'
CHUNKS_PER_S = 20
PATIENCE_S = 30.0
MODEL = "openai/gpt-5-mini"  # of the direct call; who answers makes no difference to its time


@dataclass(frozen=True, slots=True)
class Sample:
    """One prompt: seconds from its writing, until what is named had happened."""

    at: float  # time.monotonic() of its writing
    first_text_s: float
    upstream_s: float  # the upstream wrote the first text
    answered_s: float = 0.0  # the POST was answered


def prompt(seconds: float) -> str:
    """A prompt whose answer takes so long."""
    chunks = max(round(seconds * CHUNKS_PER_S), 1)
    return PROMPT.format(chunks=chunks, rate=CHUNKS_PER_S)


def stamp_in(text: bytes, since: float) -> float | None:
    """When the first text was written that is newer than `since`; None if there is none."""
    return next((s for found in STAMP.finditer(text) if (s := float(found[1])) >= since), None)


class Visit:
    """A session: cookies, and one connection for its requests."""

    def __init__(self, port: int, connection: Connection, cookies: dict[str, str]) -> None:
        self.port = port
        self._connection = connection
        self._cookies = cookies

    @classmethod
    async def signed_in(cls, port: int) -> Self:
        visit = cls(port, await Connection.open(port), {})
        token = token_of(await visit.get("/accounts/login/"))
        form = {"login": USERNAME, "password": PASSWORD, "csrfmiddlewaretoken": token}
        await visit.post("/accounts/login/", form, expect=302)
        return visit

    async def another(self) -> Visit:
        """The same session with a connection of its own, as a second tab has."""
        return Visit(self.port, await Connection.open(self.port), dict(self._cookies))

    async def at(self, port: int) -> Visit:
        """The same session at another process."""
        return Visit(port, await Connection.open(port), dict(self._cookies))

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    async def be_connected(self) -> None:
        """Connect again, as a browser does, where the server has closed an idle connection."""
        self._connection = await self._connection.renewed()

    async def get(self, path: str) -> Answer:
        await self.be_connected()
        self._connection.write("GET", path, {"Cookie": self.cookies})
        return await self._read(200)

    async def post(self, path: str, form: dict[str, str], *, expect: int = 200) -> Answer:
        await self.be_connected()
        self.write_post(path, form)
        return await self._read(expect)

    def write_post(self, path: str, form: dict[str, str], **headers: str) -> None:
        sent = {"Cookie": self.cookies, "Content-Type": "application/x-www-form-urlencoded"}
        self._connection.write("POST", path, sent | headers, urlencode(form).encode())

    async def _read(self, expect: int) -> Answer:
        answer = await self._connection.read()
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        if answer.status != expect:
            raise Refused(f"answered with {answer.status}: {answer.body[:300]!r}")
        return answer

    async def read_answer(self) -> float:
        """Read the answer of a POST; return when it was there."""
        await self._read(200)
        return time.monotonic()

    async def read_any(self) -> Answer:
        """The answer, whatever it says."""
        return await self._connection.read()

    def close(self) -> None:
        self._connection.close()


class Tab:
    """One conversation, open in a browser's tab with its socket."""

    def __init__(self, visit: Visit, socket: Socket, path: str, token: str) -> None:
        self._visit, self._socket, self._path, self._token = visit, socket, path, token

    @classmethod
    async def open(cls, first: Visit) -> Self:
        """Begin a conversation, and open it in a tab of its own."""
        visit = await first.another()
        token = token_of(await visit.get("/"))
        form = {"prompt": prompt(0), "nonce": secrets.token_hex(16), "csrfmiddlewaretoken": token}
        path = (await visit.post("/send/", form, expect=302)).header("location")
        token = token_of(await visit.get(path))
        socket = await Socket.open(visit.port, f"/ws{path}", visit.cookies)
        while not SETTLED.search(await socket.frame()):
            pass
        return cls(visit, socket, path, token)

    async def ask(self, seconds: float) -> Sample:
        """Send a prompt, and follow its answer to its end. Raises Refused, or TimeoutError."""
        form = {
            "prompt": prompt(seconds),
            "model": "",
            "nonce": secrets.token_hex(16),
            "csrfmiddlewaretoken": self._token,
        }
        await self._visit.be_connected()
        at = time.monotonic()
        self._visit.write_post(f"{self._path}send/", form, **{"HX-Request": "true"})
        async with asyncio.timeout(PATIENCE_S + seconds), asyncio.TaskGroup() as both:
            answered = both.create_task(self._visit.read_answer())
            watched = both.create_task(self._watch(at))
        seen, written = watched.result()
        return Sample(at, seen - at, written - at, answered.result() - at)

    async def _watch(self, since: float) -> tuple[float, float]:
        """When the first text was seen, and when it was written; returns when all has come."""
        written: float | None = None
        while written is None:
            frame = await self._socket.frame()
            seen = time.monotonic()
            if FAILED in frame:
                raise Refused(html.unescape(frame.decode()))
            written = stamp_in(frame, since)
        while not SETTLED.search(frame):
            frame = await self._socket.frame()
        return seen, written

    def close(self) -> None:
        self._visit.close()
        self._socket.close()


class Direct:
    """The same prompt, straight to the upstream: the least that it can take."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(await Connection.open(port))

    async def ask(self) -> Sample:
        body: dict[str, Any] = {
            "model": MODEL,
            "messages": [{"role": "user", "content": prompt(0)}],
            "max_completion_tokens": 4096,
            "stream": True,
        }
        headers = {"Authorization": f"Bearer {DEMO_KEY}", "Content-Type": "application/json"}
        self._connection = await self._connection.renewed()
        at, seen, written = time.monotonic(), 0.0, None
        self._connection.write(
            "POST", "/api/v1/chat/completions", headers, json.dumps(body).encode()
        )
        if (head := await self._connection.read_head()).status != 200:
            raise Refused(f"the upstream answered with {head.status}")
        async for chunk in self._connection.chunks():
            if written is None and (written := stamp_in(chunk, at)):
                seen = time.monotonic()
        if written is None:
            raise Refused("the upstream ended without a word")
        return Sample(at, seen - at, written - at)

    def close(self) -> None:
        self._connection.close()


def token_of(page: Answer) -> str:
    found = TOKEN.search(page.body)
    if found is None:
        raise Refused("the page has no form to send")
    return found[1].decode()
