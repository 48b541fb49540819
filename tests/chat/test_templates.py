"""What the templates promise: every ending shown, no letter lost, no inline code."""

import gzip
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.template.loader import render_to_string

from config.bundles import BUNDLES

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ALONE = ("theme.js", "tokens.css", "base.css")  # files of every page, outside the bundles
SCRIPT = "<script>alert(1)</script>"


def message(**fields: Any) -> SimpleNamespace:
    given = {
        "pk": 42, "role": "assistant", "state": "done", "text": "", "html": "", "reasoning": "",
        "error_text": "", "error_detail": "", "served_model": "", "usage": None, "call": None,
        "receipt": None, "is_running": False, "is_retryable": False,
    }  # fmt: skip
    return SimpleNamespace(**(given | fields))


def drawn(**fields: Any) -> str:
    return render_to_string("chat/_message.html", {"message": message(**fields)})


def usage(cost_usd: str) -> SimpleNamespace:
    return SimpleNamespace(
        cost_usd=Decimal(cost_usd), prompt_tokens=1234, completion_tokens=56, ttft_ms=640
    )


def call(state: str, generation_id: str | None) -> SimpleNamespace:
    return SimpleNamespace(state=state, generation_id=generation_id)


def test_a_prompt_is_shown_as_it_was_typed_and_never_as_markup() -> None:
    html = drawn(role="user", text=f"  two\n\n  {SCRIPT}")
    assert ">  two\n\n  &lt;script&gt;alert(1)&lt;/script&gt;<" in html


def test_a_running_reply_has_the_places_that_the_socket_writes_to() -> None:
    html = drawn(state="streaming", is_running=True)
    for place in ("m42-think", "m42-done", "m42-open", "m42-tail"):
        assert f'id="{place}"' in html
    assert 'id="m42-done"></div>' in html, "white space would count as something that has come"
    assert 'id="m42-think"></div>' in html
    assert 'formaction="/m/42/stop/"' in html


def test_a_snapshot_stands_where_the_next_words_are_added() -> None:
    snapshot = SimpleNamespace(
        closed_html="<p>So</p>",
        open_html='<p><b>far</b><span id="m42-tail"></span></p>',
        reasoning="1 < 2",
    )
    running = message(state="streaming", is_running=True)
    html = render_to_string("chat/_message.html", {"message": running, "snapshot": snapshot})
    assert 'id="m42-done"><p>So</p></div>' in html
    assert 'id="m42-open"><p><b>far</b><span id="m42-tail"></span></p></div>' in html
    assert 'id="m42-think">1 &lt; 2</div>' in html


def test_the_source_of_an_answer_is_there_to_copy_and_cannot_become_markup() -> None:
    html = drawn(text=f"\n# A\n{SCRIPT}", html="<h1>A</h1>")
    assert (
        '<template class="source">\n# A\n&lt;script&gt;alert(1)&lt;/script&gt;</template>' in html
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"usage": usage("0.00041")}, "It cost $0.00041."),
        ({"call": call("pending", "gen-1")}, "What it cost is not known yet"),
        ({"call": call("pending", None)}, "Whether it cost anything is not known."),
        ({"call": call("released", None)}, "Nothing was charged."),
    ],
)
def test_a_failure_says_whether_money_was_spent(fields: dict[str, Any], words: str) -> None:
    html = drawn(
        state="failed", is_retryable=True, error_text="It broke.", error_detail=SCRIPT, **fields
    )
    assert words in html
    assert "It broke." in html
    assert SCRIPT not in html
    assert 'formaction="/m/42/retry/"' in html


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("stopped", "You stopped this answer before it began."),
        ("interrupted", "This answer was interrupted"),
        ("done", "without saying anything"),
    ],
)
def test_no_ending_leaves_an_empty_bubble(state: str, words: str) -> None:
    assert words in drawn(state=state)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"usage": usage("0")}, "$0"),
        ({"call": call("pending", "gen-1")}, "cost pending"),
        ({"call": call("pending", None)}, "cost unknown"),
        ({"call": call("released", None)}, "nothing charged"),
        ({}, "cost unknown"),
    ],
)
def test_an_unknown_cost_is_never_shown_as_none(fields: dict[str, Any], words: str) -> None:
    assert words in drawn(html="<p>A</p>", **fields)


def test_a_reply_can_take_the_place_of_itself_or_of_another() -> None:
    context = {"message": message(), "oob": True}
    assert 'hx-swap-oob="outerHTML"' in render_to_string("chat/_message.html", context)
    assert 'hx-swap-oob="outerHTML:#m7"' in render_to_string(
        "chat/_message.html", context | {"replaces": 7}
    )
    assert "hx-swap-oob" not in drawn()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_holds_no_code_that_the_content_policy_refuses(path: Path) -> None:
    source = path.read_text()
    assert not re.search(r"\s(style|on[a-z]+)=", source)
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|javascript:|hx-on|hx-vals=.js:", source)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_opens_with_the_names_it_accepts(path: Path) -> None:
    name = path.relative_to(ROOT / "templates")
    assert f"{{# {name} ·" in "".join(path.read_text().splitlines()[:2])  # `extends` may be first


def test_what_we_send_for_style_and_behaviour_stays_small() -> None:
    """As it goes over the wire, bundled and compressed."""
    ours = [*BUNDLES.values(), *((f"switchboard/{name}",) for name in ALONE)]
    texts = ["\n".join((ROOT / "static" / name).read_text() for name in names) for names in ours]
    assert min(len(text) for text in texts) > 500
    assert sum(len(gzip.compress(text.encode(), 9)) for text in texts) < 40_000


def test_a_name_with_signs_in_it_is_escaped_once() -> None:
    """`firstof … as` had escaped it before a filter made plain text of it again."""
    receipt = SimpleNamespace(line="A & B < C", fallback_line="D's", rows=[])
    html = drawn(served_model="x/M's <b>", receipt=receipt)
    assert "&amp;#" not in html
    assert "&amp;lt;" not in html
    assert "M&#x27;s &lt;b&gt;</span>" in html
    assert "D&#x27;s</span>" in html
