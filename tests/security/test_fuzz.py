"""T13 in short: some hundred hostile requests, handshakes and frames to a real server.

The whole of it is `make fuzz`: 20,000.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.security.fuzz import Fuzz, Report
from tests.security.fuzz_requests import targets
from tests.security.fuzz_site import fuzzed_site

INPUTS = 500
SECONDS = 90.0


@pytest.mark.parametrize("server", ["uvicorn"])
def test_nothing_that_is_sent_is_a_fault_of_ours(tmp_path: Path, server: str) -> None:
    with fuzzed_site(tmp_path, server) as site:
        fuzz = Fuzz(site, seed=7)
        until_s = time.monotonic() + SECONDS
        report = asyncio.run(fuzz.run(range(INPUTS), until_s, lambda _: None))
    assert report.problems == []
    assert report.done == INPUTS
    assert report.statuses["200"] > 20
    assert len(report.met) > len(targets()) / 2


def test_every_address_is_walked() -> None:
    shapes = {target.shape for target in targets()}
    assert {"/", "/c/%(pk)s/send/", "/admin/", "/accounts/login/", "/usage/"} < shapes
    assert any(shape.startswith("/admin/billing/") and "%(" in shape for shape in shapes)
    assert len(shapes) > 120


def test_what_grows_is_told() -> None:
    steady = Report(memory=[(n * 2_000, 150.0 + n % 2) for n in range(11)])
    grown = Report(memory=[(n * 2_000, 150.0 + n * 15) for n in range(11)])
    assert steady.problems == []
    assert grown.problems == ["memory grew from 225 to 300 MB"]
    assert grown.slope_mb == pytest.approx(7.5)


def test_what_fails_is_told() -> None:
    report = Report(failed=["#3 500: user GET /"], faults=["ValueError: x"])
    assert report.lines()[-1] == "2 problems"
