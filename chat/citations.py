"""The sources of an answer: its annotations as footnotes with a title and a host. Pure.

Source: OpenRouter's document, "Web search": `url_citation` annotations. Titles may be empty,
links of any scheme, the same page may come many times; only http and https are ever linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

MOST = 50
TITLE_CHARS = 160


@dataclass(frozen=True, slots=True)
class Citation:
    url: str
    title: str
    host: str


def citations(annotations: Iterable[Mapping[str, Any]] | None) -> list[Citation]:
    """Each page once, in the order in which they were cited."""
    found: dict[str, Citation] = {}
    for annotation in annotations or ():
        if citation := _citation(annotation):
            known = found.get(citation.url)
            if known is None or known.title == known.host:
                found[citation.url] = citation
    return list(found.values())[:MOST]


def _citation(annotation: Mapping[str, Any]) -> Citation | None:
    told = annotation.get("url_citation") if isinstance(annotation, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(told.get("url"), str):
        return None
    try:
        parts = urlsplit(told["url"])
        host = parts.hostname or ""
    except ValueError:  # an address that is none
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    host = host.removeprefix("www.")
    title = " ".join(str(told.get("title") or "").split())
    return Citation(told["url"], title[:TITLE_CHARS] or host, host)
