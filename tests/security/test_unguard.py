"""The guards that `python -m tests.security.unguard` takes away are where it looks for them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.security.guards import GUARDS, Guard


def test_every_attack_has_a_guard_and_a_file_of_its_name() -> None:
    attacks = {f"T{number}" for number in range(1, 17)}
    assert attacks <= {it.attack for it in GUARDS}
    files = {it.name for it in (ROOT / "tests/security").glob("test_t*.py")}
    assert {int(name[6:8]) for name in files} == set(range(1, 17))


@pytest.mark.parametrize("guard", GUARDS, ids=lambda it: f"{it.attack} {it.name}")
def test_a_guard_is_there_to_be_taken_away(guard: Guard, tmp_path: Path) -> None:
    target = tmp_path / guard.file
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / guard.file, target)
    before = guard.apply(tmp_path)
    assert target.read_text() != before
    for test in guard.tests:
        assert not test.endswith(".py") or (ROOT / "tests/security" / test).exists()
