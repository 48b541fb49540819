"""What a check can say: how bad it is, what is the case, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """FAULT: people lose something, or others can take it. WARNING: it works, but not well."""

    FINE = "ok"
    WARNING = "warning"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence on what is the case, and one or two on what to do; never a secret."""

    level: Level
    what: str
    advice: str = ""


def fine(what: str) -> Finding:
    return Finding(Level.FINE, what)


def warning(what: str, advice: str) -> Finding:
    return Finding(Level.WARNING, what, advice)


def fault(what: str, advice: str) -> Finding:
    return Finding(Level.FAULT, what, advice)
