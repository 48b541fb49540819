"""The log tells what happened, to which request and reply, and never what people wrote."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from django.db import IntegrityError, OperationalError

from chat.trace import reply_id, request_id
from config.logs import JsonFormatter, LineFormatter, id_of

SECRET = "my-cat-is-called-Behemoth"
KEY = "sk-or-v1-0123456789abcdef"


class Kept(logging.Handler):
    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(params=[JsonFormatter, LineFormatter])
def log(request: pytest.FixtureRequest) -> Iterator[Kept]:
    """Every line of every logger, in each of the formats."""
    kept, root = Kept(request.param()), logging.getLogger()
    root.addHandler(kept)
    yield kept
    root.removeHandler(kept)


@pytest.fixture
def json_log() -> Iterator[Callable[[], dict[str, object]]]:
    kept, logger = Kept(JsonFormatter()), logging.getLogger("chat.of.a.test")
    logger.addHandler(kept)
    yield lambda: json.loads(kept.lines[-1])
    logger.removeHandler(kept)


logger = logging.getLogger("chat.of.a.test")


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause  # noqa: TRY301 - the point of it
    except Exception as caught:  # noqa: BLE001
        return caught


def test_a_line_is_one_json_object(json_log: Callable[[], dict[str, object]]) -> None:
    logger.warning("Reply %d took\nlong", 7)
    line = json_log()
    assert line.keys() == {"time", "level", "logger", "message"}
    assert (line["level"], line["logger"]) == ("warning", "chat.of.a.test")
    assert line["message"] == "Reply 7 took\nlong"
    assert str(line["time"]).endswith("+00:00")


async def test_a_line_names_the_request_and_the_reply_it_is_about(
    json_log: Callable[[], dict[str, object]],
) -> None:
    async def work() -> None:
        request_id.set("r-1")
        reply_id.set(42)
        await asyncio.to_thread(logger.warning, "in a thread")

    await asyncio.create_task(work())
    assert (json_log()["request"], json_log()["reply"]) == ("r-1", 42)
    logger.warning("outside")
    assert not {"request", "reply"} & json_log().keys()


def test_an_exception_is_told_by_kind_and_place(json_log: Callable[[], dict[str, object]]) -> None:
    cause = raised(ValueError(SECRET))
    logger.error("It failed", exc_info=raised(IntegrityError(f"row ({SECRET})"), cause))
    line = json_log()
    assert line["error"] == "IntegrityError"
    trace = str(line["trace"]).splitlines()
    assert trace[1] == "builtins.ValueError"
    assert trace[-1] == "django.db.utils.IntegrityError"
    assert all("test_logs.py" in frame and "raised" in frame for frame in (trace[0], trace[2]))


def test_a_connection_that_fails_says_why(json_log: Callable[[], dict[str, object]]) -> None:
    error = OperationalError("too many clients\nDETAIL: " + SECRET)
    logger.error("It failed", exc_info=raised(error))
    assert str(json_log()["trace"]).endswith("OperationalError: too many clients")


def test_what_an_exception_quotes_is_in_neither_format(log: Kept) -> None:
    error = raised(IntegrityError(f"Failing row contains ({SECRET})"), raised(ValueError(KEY)))
    logger.error("It failed", exc_info=error)
    assert "IntegrityError" in log.lines[-1]
    assert SECRET not in log.lines[-1]
    assert KEY not in log.lines[-1]


@pytest.mark.parametrize("given", [b"", b"a b", b"x\nlevel=error", b"y" * 65, b"\xff"])
def test_an_id_that_is_none_is_replaced(given: bytes) -> None:
    made = id_of({b"x-request-id": given})
    assert len(made) == 32
    assert made != id_of({})


def test_the_proxys_id_is_taken_over() -> None:
    assert id_of({b"x-request-id": b"8f14e45f.ea-1"}) == "8f14e45f.ea-1"
