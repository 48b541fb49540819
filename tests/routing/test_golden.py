"""Sixty prompts: the demand found and the tier chosen. A change shows as a diff of lines."""

from __future__ import annotations

import difflib

from tests.routing.golden import DIALS, KEPT, PROMPTS, lines

ORDER = {"cheap": 0, "middle": 1, "strong": 2}


def test_the_golden_set_is_chosen_as_it_was() -> None:
    kept, now = KEPT.read_text().splitlines(), list(lines())
    changed = "\n".join(difflib.unified_diff(kept, now, "kept", "now", lineterm="", n=0))
    assert not changed, f"\n{changed}\nLook, then: python -m tests.routing.golden"
    assert len(PROMPTS) == len(set(PROMPTS)) == 60


def test_a_higher_dial_never_takes_a_lower_tier() -> None:
    for kept in KEPT.read_text().splitlines():
        tiers = [ORDER[word] for word in kept.split("|")[0].split()[1:]]
        assert tiers == sorted(tiers), kept
        assert len(tiers) == len(DIALS)
