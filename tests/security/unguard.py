"""Take each guard away, in a copy of the tree, and see its tests fail.

    python -m tests.security.unguard            # all of T1 to T16
    python -m tests.security.unguard T2 T14     # these alone
    python -m tests.security.unguard --with "nice -n 19" T2

Prints a table: the attack, the guard that was taken away, the tests that failed. Exit status 1
where taking one away made no test fail: then the test proves nothing. All of them take a quarter of
an hour. The tests are first run with all guards there, and must pass.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.processes import ROOT
from tests.security.guards import GUARDS, Guard

LEFT_OUT = (".git", ".venv", "var", "node_modules", "__pycache__", ".env")
FAILED = re.compile(r"^(?:FAILED|ERROR) (?:\S+\.py::)?(.*?)(?: - .*)?$", re.MULTILINE)
SHOWN = 3  # tests that are waited for to fail, and shown


def copy_of_the_tree(folder: Path) -> Path:
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (tree / "var").mkdir()
    return tree


def failed_without(guard: Guard, tree: Path, before: Sequence[str]) -> list[str]:
    """The names of the tests that fail without it; the tree is then as it was."""
    text = guard.apply(tree)
    try:
        return failed(tree, before, [*paths(guard.tests), f"--maxfail={SHOWN}"])
    finally:
        (tree / guard.file).write_text(text)


def failed(tree: Path, before: Sequence[str], words: Sequence[str]) -> list[str]:
    """The names of the tests that fail in this tree."""
    done = subprocess.run(
        [*before, sys.executable, "-m", "pytest", "-q", "--tb=no", *words],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest could not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return FAILED.findall(done.stdout)


def paths(words: Sequence[str]) -> list[str]:
    return [f"tests/security/{it}" if it.endswith(".py") else it for it in words]


def row(guard: Guard, names: Sequence[str]) -> str:
    return f"| {guard.attack} | {guard.name} | {', '.join(names) or 'NONE'} |"


def main() -> int:
    parser = argparse.ArgumentParser(description="Take guards away, and see their tests fail.")
    parser.add_argument("attacks", nargs="*", help="T1 to T16; nothing for all")
    parser.add_argument("--with", dest="before", default="", help="words before each pytest")
    wanted = parser.parse_args()
    chosen = [it for it in GUARDS if not wanted.attacks or it.attack in wanted.attacks]
    before, proved = shlex.split(wanted.before), bool(chosen)
    with tempfile.TemporaryDirectory() as folder:
        tree = copy_of_the_tree(Path(folder))
        files = sorted({word for it in chosen for word in it.tests if word.endswith(".py")})
        if already := failed(tree, before, paths(files)):
            raise SystemExit(f"With all guards there these fail already: {', '.join(already)}")
        say("With all guards there, none of these tests fails.\n")
        say("| attack | guard that was taken away | tests that failed |\n|---|---|---|")
        for guard in chosen:
            names = failed_without(guard, tree, before)
            proved = proved and bool(names)
            say(row(guard, names))
    return 0 if proved else 1


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
