"""Two processes of Switchboard on PostgreSQL and Redis behind nginx, and which of them answers."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
from playwright.sync_api import BrowserContext
from psycopg.sql import SQL, Identifier
from redis import Redis

from tests import processes
from tests.browser.conftest import Site
from tests.browser.front import nginx, served
from tests.browser.truth import Books, Upstream
from tests.conftest import POSTGRES_URL, REDIS_URL
from tests.processes import Running

OUR_REDIS = re.sub(r"/\d+$", "", REDIS_URL) + "/13"


class PostgresBooks(Books):
    """The same questions to PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._url = url

    def _rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url) as connection:
            asked = question.replace("?", "%s").encode()  # bytes: not a literal for the types
            return connection.execute(asked, values).fetchall()

    def writer(self, conversation: str) -> int:
        """The process (its number) that writes the latest reply of a conversation."""
        rows = self._rows(
            "SELECT owner FROM chat_message WHERE conversation_id = ? AND role = 'assistant'"
            " ORDER BY id DESC LIMIT 1",
            conversation,
        )
        return int(rows[0][0].split(":")[-2])


@dataclass(frozen=True)
class Pair:
    """Two processes; `site` is what a browser sees of them. `key[i]` leads to `processes[i]`."""

    site: Site
    books: PostgresBooks
    processes: list[Running]
    keys: list[str]
    proxy_folder: Path

    def lands_on(self, number: int, context: BrowserContext) -> None:
        """From now on this browser's requests are passed to process `number`."""
        url = self.site.url
        context.add_cookies([{"name": "lands", "value": self.keys[number], "url": url}])

    def writer(self, conversation: str) -> int:
        """Which of the two writes the latest reply."""
        pids = [running.process.pid for running in self.processes]
        return pids.index(self.books.writer(conversation))

    def kill(self, number: int) -> None:
        """End a process as `kill -9` does."""
        self.processes[number].process.kill()
        self.processes[number].process.wait()

    def drain(self, number: int) -> None:
        """Tell a process to stop, as a deploy does, and do not wait for it."""
        self.processes[number].process.send_signal(signal.SIGTERM)

    def sockets_served_by(self, conversation: str) -> list[int]:
        """Which process each socket that has ended on this conversation was passed to."""
        ports = [f"127.0.0.1:{running.port}" for running in self.processes]
        return [
            ports.index(address.split(", ")[-1])
            for _, path, _, address in served(self.proxy_folder)
            if path == f"/ws/c/{conversation}/"
        ]


@contextmanager
def database(name: str) -> Iterator[str]:
    """A fresh database of this name; gone with the block."""
    with psycopg.connect(POSTGRES_URL, autocommit=True) as admin:
        admin.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    try:
        yield re.sub(r"/[^/]*$", f"/{name}", POSTGRES_URL)
    finally:
        with psycopg.connect(POSTGRES_URL, autocommit=True) as admin:
            admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def start(
    folder: Path, database_url: str, upstream_url: str, upstream: Upstream, stack: ExitStack
) -> Pair:
    """Two processes on an installed database, and nginx in front of them."""
    Redis.from_url(OUR_REDIS).flushdb()
    env = processes.environment(
        folder, upstream_url, DATABASE_URL=database_url, REDIS_URL=OUR_REDIS, DRAIN_S="30"
    )
    running = [
        stack.enter_context(processes.switchboard(env, folder / f"server-{number}.log"))
        for number in range(2)
    ]
    ports = [one.port for one in running]
    proxy_folder = folder / "nginx"
    front = stack.enter_context(nginx(proxy_folder, ports))
    books = PostgresBooks(database_url)
    site = Site(front, folder, upstream, books)
    return Pair(site, books, running, [_key_to(front.url, port) for port in ports], proxy_folder)


def _key_to(url: str, port: int) -> str:
    """A value of the cookie `lands` with which nginx asks this port."""
    with httpx.Client() as http:
        for number in range(1000):
            key = f"k{number}"
            answer = http.get(f"{url}/healthz", headers={"cookie": f"lands={key}"})
            if answer.headers["x-served-by"].endswith(f":{port}"):
                return key
    raise AssertionError(f"nginx never asks port {port}")
