"""The icons of all pages, as one file: our names for drawings of Lucide (ISC), and our mark.

`python -m config.icons > static/switchboard/icons.svg` writes the file anew.
"""

from __future__ import annotations

import re
import sys
from importlib import resources
from io import BytesIO
from typing import Final
from zipfile import ZipFile

DRAWINGS: Final = {
    "plus": "plus",
    "close": "x",
    "menu": "menu",
    "send": "arrow-up",
    "stop": "square",
    "copy": "copy",
    "retry": "rotate-cw",
    "chevron": "chevron-right",
    "down": "arrow-down",
    "route": "route",
    "warn": "triangle-alert",
    "exit": "log-out",
    "help": "circle-question-mark",
    "panel": "panel-left-close",
    "sun": "sun",
    "moon": "moon",
    "auto": "contrast",
    "back": "chevron-left",
    "edit": "square-pen",
    "again": "refresh-cw",
    "fork": "git-fork",
    "compare": "columns-2",
    "star": "star",
    "tune": "sliders-horizontal",
    "thumb-up": "thumbs-up",
    "thumb-down": "thumbs-down",
    "more": "ellipsis",
    "search": "search",
    "pin": "pin",
    "folder": "folder",
    "archive": "archive",
    "pencil": "pencil",
    "trash": "trash-2",
    "link": "link",
    "save": "download",
    "page": "file-text",
    "clip": "paperclip",
    "file": "file",
}
FILLED: Final = {"stop"}
MARK: Final = (
    '<circle cx="6" cy="7" r="3"/><circle cx="18" cy="17" r="3"/>'
    '<path d="M6 10v3a4 4 0 0 0 4 4h5M12 7h6v3"/>'
)


def sprite() -> str:
    """All of them as symbols of one SVG; size, colour and stroke are those of the place of use."""
    packed = resources.files("lucide").joinpath("lucide.zip").read_bytes()
    with ZipFile(BytesIO(packed)) as drawings:
        symbols = [
            _symbol(name, _shapes(drawings.read(f"{drawing}.svg").decode()))
            for name, drawing in DRAWINGS.items()
        ]
    lines = [_symbol("mark", MARK), *symbols]
    return (
        "<!-- Written by `python -m config.icons`. Drawings: Lucide, ISC licence; mark: ours. -->\n"
        '<svg xmlns="http://www.w3.org/2000/svg">\n' + "".join(lines) + "</svg>\n"
    )


def _shapes(svg: str) -> str:
    """What stands inside the element `svg`, on one line."""
    inside = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    return re.sub(r"\s*/>", "/>", "".join(line.strip() for line in inside.splitlines()))


def _symbol(name: str, shapes: str) -> str:
    fill = ' fill="currentColor"' if name in FILLED else ""
    return f'  <symbol id="{name}" viewBox="0 0 24 24"{fill}>{shapes}</symbol>\n'


if __name__ == "__main__":
    sys.stdout.write(sprite())
