"""What the chat page costs a browser: `make page-bench`, or `python -m tests.bench.page --quick`.

A fresh installation as production has it (uvicorn, SQLite, collected bundles) and headless
Chromium. One table: figure, goal, met or missed. Exit status 1 for a miss only with --strict.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

from tests.bench.__main__ import conditions, say
from tests.bench.page_audits import axe, lighthouse
from tests.bench.page_figures import Figure, missed, table
from tests.bench.page_site import Person, Site, site
from tests.bench.page_tab import chromium
from tests.bench.page_visits import first_load, long_answer, long_talk

TOKENS, QUICK_TOKENS = 20_000, 2_000
MESSAGES, QUICK_MESSAGES = 500, 60


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="a tenth of it: to see that the command works")
    add("--strict", action="store_true", help="exit with 1 where a goal is missed")
    add("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts")
    return parser.parse_args()


def _load(playwright: Playwright, on: Site, person: Person, _quick: bool) -> list[Figure]:
    with chromium(playwright) as browser:
        return first_load(browser, on, person)


def _answer(playwright: Playwright, on: Site, person: Person, quick: bool) -> list[Figure]:
    with chromium(playwright) as browser:
        return long_answer(browser, on, person, QUICK_TOKENS if quick else TOKENS)


def _talk(playwright: Playwright, on: Site, person: Person, quick: bool) -> list[Figure]:
    with chromium(playwright) as browser:
        return long_talk(browser, on, person, QUICK_MESSAGES if quick else MESSAGES)


PARTS: dict[str, Callable[[Playwright, Site, Person, bool], list[Figure]]] = {
    "load": _load,
    "answer": _answer,
    "talk": _talk,
    "lighthouse": lighthouse,
    "axe": axe,
}


def main() -> int:
    chosen = options()
    say(conditions())
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="switchboard-page-") as folder,
        site(Path(folder)) as on,
        sync_playwright() as playwright,
    ):
        person = Person(on.url)
        for name in chosen.only:
            figures += PARTS[name](playwright, on, person, chosen.quick)
        person.close()
    say(table(figures))
    return 1 if chosen.strict and missed(figures) else 0


if __name__ == "__main__":
    sys.exit(main())
