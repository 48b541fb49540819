"""What judges say of the page: Lighthouse, on its profile of a phone on a slow network, and axe."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from playwright.sync_api import Playwright

from tests.bench.page_figures import Figure
from tests.bench.page_site import Person, Site
from tests.browser.conftest import ARGUMENTS
from tests.processes import ROOT, free_port

HERE = Path(__file__).parent / "node"
LIGHTHOUSE = HERE / "node_modules" / "lighthouse" / "cli" / "index.js"
INSTALL_S, AUDIT_S, AXE_S = 300, 180, 1800
GOALS = {"accessibility": 100, "best-practices": 100, "performance": 95}
METRICS = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time")


def lighthouse(playwright: Playwright, site: Site, person: Person, quick: bool) -> list[Figure]:
    """An empty chat and one with answers, as somebody who is signed in sees them."""
    _install()
    pages = {"empty chat": "/"}
    if not quick:
        pages["conversation"] = person.talk(8)
    port = free_port()
    arguments = [*ARGUMENTS.split(), f"--remote-debugging-port={port}"]
    figures = []
    with playwright.chromium.launch_persistent_context(
        str(site.folder / "lighthouse"), executable_path=shutil.which("chromium"), args=arguments
    ) as context:
        context.add_cookies([{**cookie, "url": site.url} for cookie in person.cookies])  # type: ignore[typeddict-item]
        for name, path in pages.items():
            figures += _judged(name, _audit(f"{site.url}{path}", port, site.folder))
    return figures


def axe(_playwright: Playwright, site: Site, _person: Person, quick: bool) -> list[Figure]:
    """Every page and state in both themes and widths, by the test that CI runs."""
    report = site.folder / "axe.xml"
    command = [sys.executable, "-m", "pytest", "-q", "tests/browser/test_axe.py"]
    command += [f"--junitxml={report}", *(["-k", "failure or library"] if quick else [])]
    subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=AXE_S)
    suite = next(ElementTree.parse(report).iter("testsuite"))
    broken = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    looked = int(suite.attrib["tests"]) - int(suite.attrib["skipped"])
    group = "axe, light and dark, desktop and phone"
    return [Figure(group, "addresses and states that break a rule", broken, "", 0,
                   aside=f"of {looked}")]  # fmt: skip


def _install() -> None:
    if not LIGHTHOUSE.is_file():
        command = [shutil.which("npm") or "npm", "ci", "--ignore-scripts", "--no-audit"]
        subprocess.run(command, cwd=HERE, check=True, capture_output=True, timeout=INSTALL_S)


def _audit(url: str, port: int, folder: Path) -> dict[str, Any]:
    """The report of one page. Raises CalledProcessError where there is none."""
    report = folder / "lighthouse.json"
    command = ["node", str(LIGHTHOUSE), url, f"--port={port}", "--output=json", "--quiet"]
    command += [f"--output-path={report}", "--disable-storage-reset", "--no-enable-error-reporting"]
    command += [f"--only-categories={','.join(GOALS)}"]
    subprocess.run(command, cwd=HERE, check=True, capture_output=True, timeout=AUDIT_S)
    told: dict[str, Any] = json.loads(report.read_text())
    return told


def _judged(page: str, report: dict[str, Any]) -> list[Figure]:
    group = f"Lighthouse {report['lighthouseVersion']}, mobile, {page}"
    audits = report["audits"]
    figures = []
    for name, goal in GOALS.items():
        category = report["categories"][name]
        refs = [audits[ref["id"]] for ref in category["auditRefs"] if ref["weight"]]
        failed = [
            audit["id"] for audit in refs if audit["score"] is not None and audit["score"] < 1
        ]
        aside = ", ".join(failed)
        if name == "performance":
            aside = ", ".join(
                f"{audits[it]['title']} {audits[it]['displayValue']}" for it in METRICS
            )
        score = 100 * (category["score"] or 0)
        figures.append(Figure(group, name, round(score), "", goal, least=True, aside=aside))
    return figures
