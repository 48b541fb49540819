"""Whether two names mean one model. Pure.

An answer names its model as it was asked for, as a dated permaslug
(`anthropic/claude-4.5-haiku-20251001` for `anthropic/claude-haiku-4.5`), or as another model
that stepped in; the habit changes over time, so equality is not enough.
"""

from __future__ import annotations

import re

from routing.decision import Contender, Decision

_DATE = re.compile(r"-(?:20\d{2}-\d{2}-\d{2}|20\d{6}|\d{2}-20\d{2}|\d{2}-\d{2}|\d{3,4})$")


def same_model(one: str, other: str) -> bool:
    """One slug with or without its date and variant, in whatever order its parts stand."""
    return one == other or essence(one) == essence(other)


def essence(slug: str) -> tuple[str, ...]:
    """The parts of a slug that tell models apart."""
    plain = slug.casefold().removeprefix("~").split(":", 1)[0]
    author, _, name = plain.rpartition("/")
    name = _DATE.sub("", name)
    return (author, *sorted(re.split(r"[-_]", name)))


def stepped_in(decision: Decision, served_model: str) -> bool:
    """Whether another model answered in the place of the chosen one.

    What cannot be told is taken for the chosen model under one of its other names.
    """
    chosen = _contender(decision, decision.slug)
    if not served_model or not decision.fallbacks or is_same(chosen, served_model):
        return False
    if any(is_same(_contender(decision, slug), served_model) for slug in decision.fallbacks):
        return True
    return _author(served_model) != _author(decision.slug)


def is_same(contender: Contender, served_model: str) -> bool:
    """Whether an answer's model is this one, by any of the names it goes by."""
    names = (contender.slug, contender.canonical_slug, contender.alias_target)
    return any(same_model(name, served_model) for name in names if name)


def _contender(decision: Decision, slug: str) -> Contender:
    known = (contender for contender in decision.candidates if contender.slug == slug)
    return next(known, Contender.unknown(slug))


def _author(slug: str) -> str:
    return slug.removeprefix("~").split("/", 1)[0]
