"""Requests of somebody who is signed in, to whichever server there is."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from urllib.parse import urlencode

from tests.bench.person import token_of
from tests.bench.wire import Answer, Connection, Refused
from tests.chaos.stage import Stage

TIMEOUT_S = 30.0  # of one request, as the page's htmx has it
PATIENCE_S = 120.0  # of a person who sends again what was refused
# What a connection says that was cut; tests.bench.wire, whose servers are never killed, lets a
# missing peer be a TypeError and half an answer a ValueError.
BROKEN = (
    *(OSError, EOFError, Refused, TimeoutError),
    *(asyncio.LimitOverrunError, ValueError, TypeError),
)


class GaveUp(Exception):
    """A person's patience has come to its end."""


class Visit:
    """A session: its cookies, and the token of its forms. One connection for each request."""

    def __init__(self, stage: Stage, key: str, chance: random.Random) -> None:
        self.stage, self.chance = stage, chance
        self.answers: Counter[str] = Counter()  # what was not as wished, by status or fault
        self._cookies = {"sessionid": key}
        self._token = ""

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    async def get(self, path: str, *, but: int = 0) -> tuple[int, Answer]:
        """A page, asked for until it is there, and the port that gave it; not `but`, if it can be.

        Raises GaveUp.
        """
        port, answer = await self._insist("GET", path, {}, but=but)
        if answer.status == 200:
            self._token = token_of(answer)
        return port, answer

    async def post(self, path: str, form: dict[str, str], *, but: int = 0, htmx: bool) -> Answer:
        """A command, sent again with the same nonce until it is taken. Raises GaveUp."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if htmx:
            headers["HX-Request"] = "true"
        return (await self._insist("POST", path, headers, form, but=but))[1]

    async def _insist(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        form: dict[str, str] | None = None,
        *,
        but: int = 0,
    ) -> tuple[int, Answer]:
        last = "nothing"
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    port = self.stage.port(self.chance, but=but)
                    try:
                        answer = await self._once(port, method, path, headers, form)
                    except BROKEN as error:
                        last = f"{method} {type(error).__name__}"
                    else:
                        if answer.status < 400 or answer.status == 404:
                            return port, answer
                        last = f"{method} {answer.status}"
                        if answer.status == 403:
                            self._token = ""
                    self.answers[last] += 1
                    await asyncio.sleep(self.chance.uniform(0.2, 0.8))
        except TimeoutError:
            raise GaveUp(f"{method} {path}: {last}") from None

    async def _once(
        self,
        port: int,
        method: str,
        path: str,
        headers: dict[str, str],
        form: dict[str, str] | None,
    ) -> Answer:
        async with asyncio.timeout(TIMEOUT_S):
            connection = await Connection.open(port)
            try:
                body = b""
                if form is not None:
                    if not self._token:
                        await self._fetch_token(connection)
                    body = urlencode(form | {"csrfmiddlewaretoken": self._token}).encode()
                return await self._exchange(connection, method, path, headers, body)
            finally:
                connection.close()

    async def _fetch_token(self, connection: Connection) -> None:
        self._token = token_of(await self._exchange(connection, "GET", "/", {}, b""))

    async def _exchange(
        self,
        connection: Connection,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
    ) -> Answer:
        connection.write(method, path, headers | {"Cookie": self.cookies}, body)
        answer = await connection.read()
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        return answer
