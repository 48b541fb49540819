"""Everything that touches the database, once more on PostgreSQL: in a run of its own.

The database of a test run is chosen before its first test, so this one starts another.
"""

import os
import subprocess
import sys

import pytest

from tests.conftest import POSTGRES_URL, ROOT

FOLDERS = [f"tests/{name}" for name in ("accounts", "billing", "chat", "routing")]
FOLDERS += [
    f"tests/security/test_{name}.py"
    for name in ("t03_lost_rights", "t13_hostile_imports", "t13_nul")
]


@pytest.mark.postgres
def test_the_same_tests_pass_on_postgresql() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "not markdown", *FOLDERS],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": POSTGRES_URL},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
