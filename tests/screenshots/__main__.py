"""`python -m tests.screenshots [--to DIR] [--only NAME …]`: the pictures of the README."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.processes import ROOT
from tests.screenshots.shots import ALL
from tests.screenshots.stage import stage


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--only", nargs="+", choices=list(ALL), default=list(ALL))
    chosen = parser.parse_args()
    chosen.to.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="screenshots-") as scratch,
        stage(Path(scratch), chosen.to) as on_stage,
    ):
        for name in chosen.only:
            ALL[name](on_stage)
    total = sum(path.stat().st_size for path in chosen.to.glob("*.png"))
    sys.stdout.write(f"{total / 1e6:.2f} MB in {chosen.to}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
