"""One tab of Chromium, and what its DevTools tell of it."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, CDPSession, Page, Playwright

from tests.browser.conftest import ARGUMENTS

WATCH = """
(() => {
  const seen = (window.seen = { tasks: [], shifts: 0, frames: 0 });
  const watch = (type, take) => {
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(take));
    observer.observe({ type, buffered: true });
  };
  watch("longtask", (entry) => seen.tasks.push([Math.round(entry.startTime), entry.duration]));
  watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.shifts += entry.value; });
  // Ends with the newest answer. Looking once a second costs nothing, as Playwright's own would.
  window.ended = (answers) => new Promise((done) => {
    const look = setInterval(() => {
      const all = document.querySelectorAll("#messages article.assistant");
      const state = all.length === answers ? all[answers - 1].dataset.state : "";
      if (!["", "queued", "streaming"].includes(state)) { clearInterval(look); done(state); }
    }, 1000);
  });
  document.addEventListener("DOMContentLoaded", () => setTimeout(() =>
    requestAnimationFrame(() => setTimeout(() => { seen.shown = performance.now(); }))));
})();
"""


@dataclass
class Traffic:
    """What a tab asked for, and how many bytes came: heads and bodies, as they were sent."""

    requests: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    sizes: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    socket_chars: int = 0
    socket_frames: int = 0
    socket_bytes: int = 0  # of what the frames say, without compression

    def over(self, session: CDPSession) -> None:
        session.on("Network.requestWillBeSent", self._asked)
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.webSocketFrameReceived", self._framed)

    def _asked(self, event: dict[str, Any]) -> None:
        if not event["request"]["url"].startswith("data:"):
            self.requests[event["requestId"]] = event["request"]["url"]
            self.kinds[event["requestId"]] = event.get("type", "")

    def _finished(self, event: dict[str, Any]) -> None:
        self.sizes[event["requestId"]] = event["encodedDataLength"]

    def _framed(self, event: dict[str, Any]) -> None:
        self.socket_frames += 1
        self.socket_bytes += len(event["response"]["payloadData"].encode())

    @property
    def bytes(self) -> float:
        return sum(self.sizes[each] for each in self.requests)

    def foreign(self, url: str) -> set[str]:
        ours = urlsplit(url).netloc
        return {host for each in self.requests.values() if (host := urlsplit(each).netloc) != ours}


@dataclass(frozen=True, slots=True)
class Work:
    """Counters of a page's main thread, in seconds, bytes and nodes."""

    at_s: float
    task_s: float
    thread_s: float  # of the processor: what others take of it does not stretch this
    heap_bytes: float
    nodes: int
    parts: dict[str, float]

    def since(self, before: Self) -> tuple[float, float]:
        """Shares of the time between: tasks by the clock, and by the processor."""
        elapsed_s = self.at_s - before.at_s
        return (
            (self.task_s - before.task_s) / elapsed_s,
            (self.thread_s - before.thread_s) / elapsed_s,
        )


class Tab:
    """A page with a DevTools session."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.session = page.context.new_cdp_session(page)
        self.traffic = Traffic()
        self.session.send("Network.enable")
        self.session.send("Performance.enable")
        page.add_init_script(WATCH)

    def forget_files(self) -> None:
        """Load everything anew from now on, as a first visit does."""
        self.session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def count(self) -> Traffic:
        """Count traffic from now on."""
        self.traffic = Traffic()
        self.traffic.over(self.session)
        return self.traffic

    def work(self) -> Work:
        told = self.session.send("Performance.getMetrics")["metrics"]
        named = {each["name"]: each["value"] for each in told}
        parts = {
            name.removesuffix("Duration"): named[name]
            for name in ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
        }
        return Work(
            at_s=named["Timestamp"],
            task_s=named["TaskDuration"],
            thread_s=named["ThreadTime"],
            heap_bytes=named["JSHeapUsedSize"],
            nodes=int(named["Nodes"]),
            parts=parts,
        )

    def elements(self) -> int:
        found: int = self.page.evaluate("document.getElementsByTagName('*').length")
        return found

    def painted_ms(self) -> float:
        """First contentful paint, from the start of the navigation."""
        found: float = self.page.evaluate(
            """() => new Promise((done) => new PerformanceObserver((list) => {
                 const paint = list.getEntriesByName("first-contentful-paint")[0];
                 if (paint) done(paint.startTime);
               }).observe({ type: "paint", buffered: true }))"""
        )
        return found

    def shown_ms(self) -> float:
        """The frame after the page's scripts had run, from the start of the navigation."""
        self.page.wait_for_function("window.seen.shown")
        found: float = self.page.evaluate("window.seen.shown")
        return found

    def long_tasks(self) -> list[tuple[float, float]]:
        """Start and length in milliseconds of each task over 50 ms."""
        found: list[tuple[float, float]] = self.page.evaluate("window.seen.tasks")
        return found


@contextmanager
def chromium(playwright: Playwright, *arguments: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=[*ARGUMENTS.split(), *arguments]
    )
    yield browser
    browser.close()
