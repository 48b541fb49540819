"""A fuzz of every address and the socket: `python -m tests.security.fuzz --inputs 20000 --seed 1`.

A real server (uvicorn or daphne) on a database of its own, with the emulator behind it, is asked
for every address of the URL conf with every method, by a person, an administrator and nobody, with
right and hostile values, and greeted with broken handshakes and frames. What the same seed and
number make is the same request, but for the ids of what is there.

Exit 1: a 5xx (but 503, which is "busy"), a traceback in the log, a server that has ended or does
not answer, or memory that grows: beyond GROWTH_MB and GROWTH_SHARE from the half to the end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import django
from django.apps import apps

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()

# These need the apps, which the line above has loaded.
from tests.security.fuzz_requests import Builder, Built, targets
from tests.security.fuzz_site import FuzzedSite, fuzzed_site
from tests.security.fuzz_sockets import SocketBuilder

AT_ONCE: Final = 6
ANSWER_S: Final = 30.0
LINGER_S: Final = 0.3  # for what need not be answered
MEASURED_EVERY: Final = 2_000
FURNISHED_EVERY: Final = 400
SOCKETS: Final = 0.15  # share of the inputs
GROWTH_MB: Final = 25.0
GROWTH_SHARE: Final = 0.10


@dataclass
class Report:
    """What was seen. `memory`: inputs so far, and megabytes then."""

    statuses: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    memory: list[tuple[int, float]] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    targets: int = 0
    took_s: float = 0.0
    done: int = 0

    @property
    def growth(self) -> str:
        """Why memory grows too much; "" where it does not."""
        if len(self.memory) < 4:
            return ""
        half, end = self.memory[len(self.memory) // 2][1], self.memory[-1][1]
        bound = half * (1 + GROWTH_SHARE) + GROWTH_MB
        return f"memory grew from {half:.0f} to {end:.0f} MB" if end > bound else ""

    @property
    def slope_mb(self) -> float:
        """Megabytes in a thousand inputs, over the second half."""
        half = self.memory[len(self.memory) // 2 :]
        if len(half) < 2:
            return 0.0
        return (half[-1][1] - half[0][1]) / max(1, half[-1][0] - half[0][0]) * 1_000

    @property
    def problems(self) -> list[str]:
        return [*self.failed, *self.faults, *filter(None, [self.growth])]

    def lines(self) -> list[str]:
        counts = " ".join(f"{status}:{count}" for status, count in sorted(self.statuses.items()))
        memory = " ".join(f"{at}:{mb:.0f}" for at, mb in self.memory)
        return [
            f"{self.done} inputs in {self.took_s:.0f} s, "
            f"{len(self.met)} of {self.targets} addresses",
            f"answers   {counts}",
            f"RSS in MB {memory} (slope {self.slope_mb:+.2f} MB in 1,000)",
            *(f"FAILED    {problem}" for problem in self.problems[:40]),
            f"{len(self.problems)} problems" if self.problems else "nothing failed",
        ]


class Fuzz:
    """Sends inputs to a site, some at a time, and notes what comes back."""

    def __init__(self, site: FuzzedSite, seed: int) -> None:
        self.site, self.seed = site, seed
        self.report = Report(targets=len(targets()))
        self._renew()

    def _renew(self) -> None:
        self.requests = Builder(self.site.sessions, self.site.known)
        self.sockets = SocketBuilder(self.site.sessions, self.site.known)

    def built(self, number: int) -> Built:
        chance = random.Random(f"{self.seed} {number}")
        is_socket = chance.random() < SOCKETS
        return (self.sockets if is_socket else self.requests).build(chance)

    async def run(self, numbers: range, until_s: float, say: Callable[[str], None]) -> Report:
        """All of them, or as many as there is time for; then the log and the memory are read."""
        began_s = time.monotonic()
        self.report.memory.append((0, self.site.rss_mb()))
        for start in range(numbers.start, numbers.stop, FURNISHED_EVERY):
            some = iter(range(start, min(start + FURNISHED_EVERY, numbers.stop)))
            await asyncio.gather(*(self._send_all(some) for _ in range(AT_ONCE)))
            await self._look()
            if self.report.done % MEASURED_EVERY < FURNISHED_EVERY:
                self.report.memory.append((self.report.done, self.site.rss_mb()))
                say(f"{self.report.done} inputs, {self.report.memory[-1][1]:.0f} MB")
            if time.monotonic() > until_s or not self.site.is_alive:
                break
            await asyncio.to_thread(self.site.furnish)
            self._renew()
        self.report.took_s = time.monotonic() - began_s
        self.report.faults = sorted(set(self.site.faults()))
        return self.report

    async def _send_all(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            if not self.site.is_alive:
                return
            await self._send(number)
            self.report.done += 1

    async def _send(self, number: int) -> None:
        built = self.built(number)
        status = await self._asked(built)
        if built.shape and status.isdigit():
            self.report.met.add(built.shape)
        self.report.statuses[status] += 1
        unanswered = status in ("silent", "refused")  # reset: hung up before all of it had come
        if unanswered or (status.startswith("5") and status != "503"):
            self.report.failed.append(f"#{number} {status}: {built.label}")

    async def _asked(self, built: Built) -> str:
        """The status that came, or why none did."""
        wait_s = ANSWER_S if built.ends else LINGER_S
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.site.server.port, limit=2**22
            )
        except OSError:
            return "refused"
        try:
            with suppress(OSError):  # it need not take all of it
                writer.write(built.data)
                await asyncio.wait_for(writer.drain(), wait_s)
            if built.half_closes:
                with suppress(OSError):
                    writer.write_eof()
            first = await asyncio.wait_for(_first_line(reader), wait_s)
            with suppress(*(() if built.ends else (TimeoutError,))):
                await asyncio.wait_for(_rest_of(reader), wait_s)
            return _status(first) or "cut"
        except TimeoutError:
            return "silent" if built.ends else "cut"
        except (OSError, ValueError):
            return "reset"
        finally:
            writer.transport.abort()

    async def _look(self) -> None:
        """The server is there, and answers as it should."""
        wanted = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        status = await self._asked(Built("healthz", wanted))
        if status != "200":
            alive = "runs" if self.site.is_alive else "has ended"
            self.report.failed.append(f"the server {alive}, and /healthz was {status}")


async def _first_line(reader: asyncio.StreamReader) -> bytes:
    """Of the answer that counts: "100 Continue" is none."""
    while (line := await reader.readline()).startswith(b"HTTP/1.1 100"):
        await reader.readline()
    return line


async def _rest_of(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass


def _status(line: bytes) -> str:
    words = line.split()
    return (
        words[1].decode("ascii", "replace") if line.startswith(b"HTTP/") and len(words) > 1 else ""
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one input, to see it again")
    parser.add_argument("--server", choices=("uvicorn", "daphne"), default="uvicorn")
    parser.add_argument("--seconds", type=float, default=1_500, help="the most it may take")
    parser.add_argument("--keep", type=Path, help="a folder for the database and the log")
    options = parser.parse_args(arguments)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    with fuzzed_site(folder, options.server) as site:
        fuzz = Fuzz(site, options.seed)
        numbers = range(options.inputs)
        if options.only is not None:
            numbers = range(options.only, options.only + 1)
            _say(repr(fuzz.built(options.only).data[:4_000]))
        until_s = time.monotonic() + options.seconds
        report = asyncio.run(fuzz.run(numbers, until_s, _say))
    for line in report.lines():
        _say(line)
    if report.done < len(numbers):
        _say(f"STOPPED   {len(numbers) - report.done} inputs were not sent")
    _say(f"log       {folder}/server.log")
    return 1 if report.problems or report.done < len(numbers) else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
