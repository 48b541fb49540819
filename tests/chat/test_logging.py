"""What a reply leaves in the log when it fails: what happened, and no word of what it said."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from config.logs import JsonFormatter, LineFormatter
from openrouter.errors import ContentRefused
from openrouter.events import TextDelta
from openrouter.testing import ScriptedClient
from tests.chat.conftest import Ask
from tests.chat.test_replies import BEGUN, Desk
from tests.config.test_logs import KEY, SECRET, Kept


@pytest.fixture(params=[JsonFormatter, LineFormatter])
def log(request: pytest.FixtureRequest) -> Iterator[Kept]:
    """Every line of every logger, in each of the formats."""
    kept, root = Kept(request.param()), logging.getLogger()
    root.addHandler(kept)
    yield kept
    root.removeHandler(kept)


async def test_a_reply_that_fails_leaves_no_word_of_it_in_the_log(
    ask: Ask, log: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refused = ContentRefused(f"flagged: {SECRET} {KEY}", status=403)
    for script in ([refused], [BEGUN, TextDelta(SECRET), ZeroDivisionError(SECRET)]):
        desk = Desk(lambda: ask(f"Tell me about {SECRET}"), ScriptedClient(*script))
        await desk.open()
        await desk.ended()
    told = [line for line in log.lines if "ailed" in line]
    assert any("ContentRefused 403" in line for line in told)
    assert any("ZeroDivisionError" in line for line in told)
    assert not [line for line in log.lines if SECRET in line or KEY in line]
