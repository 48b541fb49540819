"""What axe finds on a page, in both themes, on a desktop and on a phone."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 375, "height": 720}
# What a theme can change of a page; everything else was looked at already.
EVERYTHING: dict[str, Any] = {"resultTypes": ["violations"]}
OF_COLOUR: dict[str, Any] = {**EVERYTHING, "runOnly": ["color-contrast", "link-in-text-block"]}
# A colour on its way to another is neither: what moves has come to rest first.
REST = """() => Promise.all(document.getAnimations()
    .filter((it) => it.effect.getComputedTiming().endTime !== Infinity)
    .map((it) => it.finished.catch(() => {})))"""

_axe = Axe()


def violations(page: Page) -> list[str]:
    """A line for each element that breaks a rule; none is what is wanted."""
    found: list[str] = []
    before = page.viewport_size
    for size, width in ((DESKTOP, "desktop"), (PHONE, "phone")):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for theme, options in (("light", EVERYTHING), ("dark", OF_COLOUR)):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            page.evaluate(REST)
            found += [f"{theme}, {width}: {line}" for line in _run(page, options)]
    if before:
        page.set_viewport_size(before)
    return found


def _run(page: Page, options: dict[str, Any]) -> list[str]:
    response: dict[str, Any] = _axe.run(page, options=options).response
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {_why(node)}"
        for rule in response["violations"]
        for node in rule["nodes"]
    ]


def _why(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(check["message"] for check in checks)[:300]
