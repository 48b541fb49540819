"""What the tabs saw, and whether it can be true. Pure.

While a reply grows, any two views of it are of one text: the shorter is the beginning of the
longer. A view that is neither has lost, doubled or disordered something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher

_SPACE = re.compile(r"\s+")


def without_space(text: str) -> str:
    return _SPACE.sub("", text)


@dataclass(slots=True)
class Harm:
    """Letters by which a text differs from the true one."""

    lost: int = 0
    doubled: int = 0
    disordered: int = 0

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.disordered)

    def add(self, other: Harm) -> None:
        self.lost += other.lost
        self.doubled += other.doubled
        self.disordered += other.disordered


def harm(true: str, shown: str) -> Harm:
    """What it takes to make the one of the other; nothing where they are equal."""
    found = Harm()
    if true == shown:
        return found
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, true, shown, autojunk=False).get_opcodes():
        if tag in ("delete", "replace"):
            found.lost += i2 - i1
        if tag in ("insert", "replace"):
            if shown[j1:j2] in true:
                found.doubled += j2 - j1
            else:
                found.disordered += j2 - j1
    return found


@dataclass(slots=True)
class Sighting:
    """A view of a reply that cannot be true beside the others."""

    reply: int
    tab: str
    shown: str
    longest: str


@dataclass(slots=True)
class Witness:
    """`longest`: of each running reply (and part), the longest view; `settled`: last views."""

    longest: dict[tuple[int, str], str] = field(default_factory=dict)
    settled: dict[int, dict[str, tuple[str, str]]] = field(default_factory=dict)
    wrong: list[Sighting] = field(default_factory=list)
    views: int = 0
    unreadable: list[str] = field(default_factory=list)  # frames that this model cannot apply

    def saw_growing(self, reply: int, part: str, tab: str, text: str) -> None:
        self.views += 1
        key, shown = (reply, part), without_space(text)
        longest = self.longest.get(key, "")
        if shown.startswith(longest):
            self.longest[key] = shown
        elif not longest.startswith(shown):
            self.wrong.append(Sighting(reply, tab, shown, longest))

    def saw_settled(self, reply: int, tab: str, state: str, text: str) -> None:
        self.settled.setdefault(reply, {})[tab] = (state, text)
