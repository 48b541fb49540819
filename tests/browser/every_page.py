"""Every address that may have a page, read from the URL conf, and what its ids stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

ID = re.compile(r"<[^>]+>")
FRAMES = {"diagram/"}  # no page: an empty frame, hidden in one
# Django's own from their first word to their last, or no page whoever asks.
DJANGOS = re.compile(r"_(add|change|delete|history)$|:(jsi18n|view_on_site|autocomplete|\?)$")


@dataclass(frozen=True, slots=True)
class World:
    """What ids stand for: a talk with everything in it, of which the newest answer failed."""

    talk: str
    question: str
    answer: str
    share: str

    def paths(self, route: str) -> list[str]:
        """A route with all ids that fit it; none where they are of a kind that has no page."""
        ids = {"c": [self.talk], "m": [self.question, self.answer], "s": [self.share]}
        if not ID.search(route):
            return [f"/{route}"]
        known = ids.get(route.split("/")[0], [])
        rest = ID.sub("{}", route, count=1)
        return [f"/{rest.format(key)}" for key in known if not ID.search(rest)]


def routes() -> list[str]:
    """`library/`, `c/<uuid:pk>/` and so on, sorted."""
    return sorted(set(_below(get_resolver(), "", "")))


def _below(resolver: URLResolver, prefix: str, space: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _below(entry, route, f"{space}{entry.namespace or ''}:")
        elif isinstance(entry, URLPattern):
            is_ours = not DJANGOS.search(f"{space}{entry.name or '?'}")
            if is_ours and "(?P" not in route and route not in FRAMES:
                yield route
