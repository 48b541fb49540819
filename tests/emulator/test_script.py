"""An answer of a script: every letter of it, with what hangs on it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.emulator.conftest import connected
from tests.emulator.reading import ask, read


def raw(**told: Any) -> str:
    return f"[[raw: {base64.b64encode(json.dumps(told).encode()).decode()}]]"


async def test_a_script_is_said_letter_by_letter() -> None:
    wanted = "]] \x00\x1b\r\n\u202e <b>"
    told = raw(
        text=wanted, reasoning="why", letters=2, model="m<", provider="p<",
        citations=[{"url": "javascript:x", "title": "t"}],
    )  # fmt: skip
    async with connected() as (client, _):
        stream = await read(client, ask(told))
    assert stream.text == wanted
    assert all(len(delta.get("content") or "") <= 2 for delta in stream.deltas)
    assert "".join(delta.get("reasoning") or "" for delta in stream.deltas) == "why"
    cited = [one for delta in stream.deltas for one in delta.get("annotations") or ()]
    assert [one["url_citation"]["url"] for one in cited] == ["javascript:x"]
    assert {(chunk["model"], chunk["provider"]) for chunk in stream.chunks} == {("m<", "p<")}
    assert stream.finishes[0] == "stop"
    assert stream.is_done


async def test_a_script_may_end_with_an_error_in_its_own_words() -> None:
    async with connected() as (client, _):
        stream = await read(client, ask(raw(text="half", error="<b>broken</b>")))
    assert stream.text == "half"
    assert [error["message"] for error in stream.errors] == ["<b>broken</b>"]


@pytest.mark.parametrize("order", ["[[raw: %%]]", "[[raw: eA==]]", "[[raw: eyJ4IjoxfQ==]]"])
async def test_what_is_no_script_is_refused(order: str) -> None:
    async with connected() as (client, _):
        answer = await client.post("/chat/completions", json=ask(order))
    assert answer.status_code == 400
    assert "no script" in answer.json()["error"]["message"]
