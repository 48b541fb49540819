"""The table of sentences names tests that are there, and every new file of tests is in it."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
NAMED = re.compile(r"(test_\w+\.py)::(test_\w+)")


def test_each_sentence_names_a_test_that_exists() -> None:
    named = NAMED.findall((HERE / "README.md").read_text())
    assert len(named) > 80
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (HERE / file).exists() or f"def {test}(" not in (HERE / file).read_text()
    ]
    assert missing == []
