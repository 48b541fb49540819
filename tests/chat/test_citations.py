"""Sources of an answer: each page once, and only what a link may be."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from chat.citations import citations
from tests.chat.test_templates import message


def cited(url: Any, title: Any = "") -> dict[str, Any]:
    told = {"url": url, "title": title, "start_index": 0, "end_index": 0}
    return {"type": "url_citation", "url_citation": told}


def test_each_page_is_one_footnote_with_title_and_host() -> None:
    found = citations(
        [
            cited("https://www.example.org/a", "A  page"),
            cited("https://example.net/b"),
            cited("https://www.example.org/a", "A page"),
        ]
    )
    assert [(c.title, c.host) for c in found] == [
        ("A page", "example.org"),
        ("example.net", "example.net"),
    ]


def test_a_title_that_comes_later_is_taken() -> None:
    [only] = citations([cited("https://example.net/b"), cited("https://example.net/b", "Late")])
    assert only.title == "Late"


@pytest.mark.parametrize(
    "annotation",
    [
        cited("javascript:alert(1)"),
        cited("data:text/html,x"),
        cited("//example.org"),
        cited("https://"),
        cited("https://[bad"),
        cited(None),
        {"type": "file", "file": {"hash": "x"}},
        {"url_citation": "https://example.org"},
        "odd",
    ],
)
def test_what_is_no_page_is_no_footnote(annotation: Any) -> None:
    assert citations([annotation]) == []


def test_a_hostile_title_is_text() -> None:
    shown = message(
        html="<p>x</p>", annotations=[cited('https://e.org/"><b>', "<script>x</script>")]
    )
    html = render_to_string("chat/_message.html", {"message": shown})
    assert "<script>" not in html
    assert "&lt;script&gt;x" in html
    assert 'rel="noopener noreferrer nofollow"' in html
