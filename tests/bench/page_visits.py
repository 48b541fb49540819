"""What is done on the page while it is measured: a first load, a long answer, a long talk."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from playwright.sync_api import Browser, expect

from tests.bench.page_figures import Figure
from tests.bench.page_site import Person, Site
from tests.bench.page_tab import Tab, Work

LOADS = 7
WRITER = "google/gemini-2.5-flash-lite"  # the emulator gives it eight tokens a chunk
TOKENS_PER_CHUNK, CHUNKS_PER_S = 8, 50
GUIDE = (
    "Write a {tokens} token guide about hash tables in Python, with code and tables."
    " [[pace: tokens_per_s={pace} first_token_s=0.3]]"
)
TEXT = """() => [...document.querySelectorAll("#messages .assistant")].pop()
               .querySelector("template.source").content.textContent"""
# Frames of the main thread while the reader scrolls: each draws, or the page stutters.
COUNT_FRAMES = """() => {
  const seen = { from: performance.now(), at: [] };
  window.scrolled = seen;
  const look = (now) => { seen.at.push(now); seen.run = requestAnimationFrame(look); };
  seen.run = requestAnimationFrame(look);
}"""
STOP_FRAMES = """() => { cancelAnimationFrame(window.scrolled.run); return window.scrolled.at; }"""


@contextmanager
def tab_of(browser: Browser, site: Site, person: Person) -> Iterator[Tab]:
    """A tab of a browser of its own, in which the person is signed in."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.add_cookies([{**cookie, "url": site.url} for cookie in person.cookies])  # type: ignore[typeddict-item]
        context.set_default_timeout(60_000)
        yield Tab(context.new_page())


def first_load(browser: Browser, site: Site, person: Person) -> list[Figure]:
    """An empty chat in a browser that has been here never before."""
    group = "First load, signed in, empty chat"
    paints = []
    for _ in range(LOADS):
        with tab_of(browser, site, person) as tab:
            tab.forget_files()
            traffic = tab.count()
            tab.page.goto(site.url, wait_until="networkidle")
            paints.append(tab.painted_ms())
            icon = len(tab.page.request.get(f"{site.url}{_icon(tab)}").body())
            elements, heap = tab.elements(), tab.work().heap_bytes
    biggest = sorted(
        ((traffic.sizes[k], traffic.requests[k]) for k in traffic.requests), reverse=True
    )
    told = ", ".join(
        f"{url.rsplit('/', 1)[-1] or 'page'} {size / 1000:.1f}" for size, url in biggest
    )
    return [
        Figure(group, "transferred, heads included", traffic.bytes / 1000, "kB", 100,
               aside=f"and the icon {icon / 1000:.1f}; {told}"),
        Figure(group, "requests", len(traffic.requests), "", 15),
        Figure(group, "other origins", len(traffic.foreign(site.url)), "", 0),
        Figure(group, f"first contentful paint, median of {LOADS}", statistics.median(paints), "ms",
               300, under=True, aside=" ".join(f"{paint:.0f}" for paint in sorted(paints))),
        Figure(group, "elements", elements),
        Figure(group, "memory of its scripts", heap / 1e6, "MB"),
    ]  # fmt: skip


def _icon(tab: Tab) -> str:
    return tab.page.locator("link[rel=icon]").get_attribute("href") or ""


def long_answer(browser: Browser, site: Site, person: Person, tokens: int) -> list[Figure]:
    """An answer with code and tables, watched from its first word to its last."""
    group = f"An answer of {tokens:,} tokens, {CHUNKS_PER_S} chunks a second"
    path = person.ask("Say hello", model=WRITER)
    with tab_of(browser, site, person) as tab:
        tab.page.goto(f"{site.url}{path}")
        last = tab.page.locator("#messages article.assistant").last
        expect(last).to_have_attribute("data-state", "done")
        prompt = GUIDE.format(tokens=round(tokens * 1.03), pace=TOKENS_PER_CHUNK * CHUNKS_PER_S)
        traffic = tab.count()
        wire = site.wire.socket_bytes
        tab.page.locator("#prompt").fill(prompt)
        tab.page.locator("#prompt").press("Enter")
        expect(tab.page.locator("#messages article.assistant")).to_have_count(2)
        before, since_ms = tab.work(), tab.page.evaluate("performance.now()")
        state = tab.page.evaluate("window.ended(2)")
        after = tab.work()
        assert state == "done", f"the answer ended as {state}"
        size = len(str(tab.page.evaluate(TEXT)).encode())
        tasks = [task for task in tab.long_tasks() if task[0] >= since_ms]
    busy, thread = after.since(before)
    longest = max((length for _, length in tasks), default=0.0)
    at = ", ".join(f"{length:.0f} ms at {start / 1000:.1f} s" for start, length in tasks)
    sent = site.wire.socket_bytes - wire
    return [
        Figure(group, "main thread busy", 100 * busy, "%", 8, under=True,
               aside=f"{100 * thread:.1f} % of a core; {_parts(before, after)}"),
        Figure(group, "longest task (0: none over 50 ms)", longest, "ms", 50, aside=at),
        Figure(group, "bytes on the socket per byte of text", sent / size, "", 3,
               aside=f"on the wire; {traffic.socket_bytes / size:.2f} before compression, "
               f"{traffic.socket_frames} frames, {size:,} bytes of text in "
               f"{after.at_s - before.at_s:.0f} s"),
    ]  # fmt: skip


def _parts(before: Work, after: Work) -> str:
    elapsed_s = after.at_s - before.at_s
    shares = {
        name: 100 * (after.parts[name] - before.parts[name]) / elapsed_s for name in after.parts
    }
    return ", ".join(f"{name.lower()} {share:.1f}" for name, share in shares.items())


def long_talk(browser: Browser, site: Site, person: Person, messages: int) -> list[Figure]:
    """A conversation opened from another page of ours, and scrolled to its beginning."""
    group = f"A conversation of {messages} messages"
    path = person.talk(messages)
    opened, waited = [], []
    for _ in range(LOADS):
        with tab_of(browser, site, person) as tab:
            tab.page.goto(site.url, wait_until="networkidle")
            traffic = tab.count()
            tab.page.goto(f"{site.url}{path}")
            opened.append(tab.shown_ms())
            waited.append(tab.page.evaluate(
                "performance.getEntriesByType('navigation')[0].responseEnd"))  # fmt: skip
            elements, size = tab.elements(), traffic.bytes
    with tab_of(browser, site, person) as tab:
        tab.page.goto(f"{site.url}{path}", wait_until="networkidle")
        rates, gap = scrolled(tab)
        whole = tab.elements()
        reached = tab.page.locator("#messages .message").count()
        tasks = tab.long_tasks()
    return [
        Figure(group, f"opened, median of {LOADS}", statistics.median(opened), "ms", 500,
               under=True, aside=f"of it {statistics.median(waited):.0f} until the page was here; "
               f"{size / 1000:.0f} kB; all: {' '.join(f'{each:.0f}' for each in sorted(opened))}"),
        Figure(group, "elements when opened", elements),
        Figure(group, "scrolling to the beginning", rates[0], "/s", 55, least=True,
               aside=f"longest gap {gap:.0f} ms, {reached} messages and {whole:,} elements then"),
        Figure(group, "scrolling back", rates[1], "/s", 55, least=True,
               aside=f"{len(tasks)} tasks over 50 ms in both"),
    ]  # fmt: skip


def scrolled(tab: Tab) -> tuple[list[float], float]:
    """Frames a second on the way up and on the way back, and the longest gap in milliseconds."""
    rates, gaps = [], [0.0]
    for way in (1, -1):
        tab.page.evaluate(COUNT_FRAMES)
        for _ in range(6):
            tab.session.send(
                "Input.synthesizeScrollGesture",
                {"x": 700, "y": 400, "yDistance": way * 6000, "speed": 4000,
                 "gestureSourceType": "mouse"},
            )  # fmt: skip
        at: list[float] = tab.page.evaluate(STOP_FRAMES)
        rates.append(1000 * (len(at) - 1) / (at[-1] - at[0]))
        gaps += [b - a for a, b in pairwise(at)]
    return rates, max(gaps)
