"""To look through what a check of the doctor found."""

from __future__ import annotations

from collections.abc import Iterable

from config.doctor.findings import Finding, Level


def faults(findings: Iterable[Finding]) -> list[str]:
    return [one.what for one in findings if one.level == Level.FAULT]


def warnings(findings: Iterable[Finding]) -> list[str]:
    return [one.what for one in findings if one.level == Level.WARNING]


def the_one(sentences: list[str], words: str) -> None:
    assert [words in sentence for sentence in sentences] == [True], sentences
