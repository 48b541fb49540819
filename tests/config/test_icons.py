"""The file of icons: what the package draws now, and all that the templates name."""

from __future__ import annotations

import re
from pathlib import Path

from config.icons import DRAWINGS, sprite

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r'\{% icon "([a-z-]+)" %\}')


def test_the_file_is_what_the_package_draws() -> None:
    written = (ROOT / "static/switchboard/icons.svg").read_text()
    assert written == sprite(), "run: python -m config.icons > static/switchboard/icons.svg"


def test_every_icon_that_a_template_names_is_drawn() -> None:
    texts = [path.read_text() for path in (ROOT / "templates").rglob("*.html")]
    named = {name for text in texts for name in NAMED.findall(text)}
    assert named - {"mark"} <= set(DRAWINGS)
    assert len(named) > 20
