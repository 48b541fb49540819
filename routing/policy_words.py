"""Policies in plain words, for the admin: what a version says, and how two of them differ."""

from __future__ import annotations

from collections.abc import Mapping

from routing.policies import WEIGHTS
from routing.policy_models import PolicyVersion
from routing.reasons import listed, usd_text

LABELS: Mapping[str, str] = {
    "dial": "dial",
    "dial_least": "lowest dial",
    "dial_most": "highest dial",
    "quality_floor_percent": "least chance of a good answer",
    "price_cap_usd": "most an answer may cost",
    "allowed": "pool",
    "excluded": "kept out",
    "allow_free": "free models",
    "fallbacks": "fallbacks",
    "no_training": "no training on the text",
    "zero_retention": "no storing of the text",
    "explores": "exploration",
    "weights": "fine tuning",
    "precedence": "precedence",
}
WEIGHT_WORDS: Mapping[str, str] = {
    "quality": "quality, as the dial prices it",
    "thrift": "expected cost",
    "speed": "a second of waiting",
    "recency": "a model of today, over an old one",
    "comfort": "a context that is half empty",
    "thinking": "that it can think first",
}
NAMED = 3  # patterns of a list


def said(version: PolicyVersion, field: str) -> str:
    """One value as a person says it."""
    value = getattr(version, field)
    if field == "price_cap_usd":
        return "no limit" if value is None else usd_text(value)
    if field == "quality_floor_percent":
        return f"{value} %" if value else "none"
    if field in {"allowed", "excluded"}:
        return patterns(value, empty="every model" if field == "allowed" else "none")
    if field == "weights":
        return ", ".join(f"{name} {worth:g}" for name, worth in sorted(value.items())) or "as usual"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}"


def patterns(given: list[str], *, empty: str) -> str:
    if not given:
        return empty
    more = [f"{len(given) - NAMED} more"] if len(given) > NAMED else []
    return listed([*given[:NAMED], *more])


def differences(before: PolicyVersion | None, after: PolicyVersion) -> str:
    """What a version changed: "dial 5 → 7, fallbacks 2 → 1"."""
    if before is None:
        return "the first version"
    changed = [
        f"{label} {said(before, name)} → {said(after, name)}"
        for name, label in LABELS.items()
        if getattr(before, name) != getattr(after, name)
    ]
    return ", ".join(changed) or "nothing"


def weights_help() -> str:
    """The help of the fine tuning: each weight, its meaning and its usual value."""
    told = [
        f"{name} ({WEIGHT_WORDS.get(name, name)}): {worth:g}" for name, worth in WEIGHTS.items()
    ]
    return (
        "US cents that each thing is worth, where it shall differ from the usual, as"
        f' {{"speed": 0.01}}. Usual are {"; ".join(told)}.'
    )
