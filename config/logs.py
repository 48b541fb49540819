"""Lines of the log: for people, or as JSON for machines. Neither holds what people write.

An exception is told by its class and where it was raised. Its text is left out, as it may quote a
prompt (PostgreSQL quotes the whole row that it refuses), unless its kind is known to tell only
about connections and schemas.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
import uuid
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TypeAlias

from django.db import InterfaceError, OperationalError, ProgrammingError
from redis.exceptions import RedisError

from chat.trace import reply_id, request_id

TELLABLE: Final = (OSError, OperationalError, InterfaceError, ProgrammingError, RedisError)
_ID: Final = re.compile(rb"[\w.-]{1,64}")
ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


def id_of(headers: dict[bytes, bytes]) -> str:
    """The X-Request-ID that the proxy gave, or a new one where it is none."""
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _ID.fullmatch(given) else uuid.uuid4().hex


class LineFormatter(logging.Formatter):
    """Text: time, level, logger, message, and which request and reply it was about."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # of another formatter, which may have told more
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return super().formatMessage(record) + "".join(f" {k}={v}" for k, v in _ids().items())

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's name
        return _told(ei[1])


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request, reply, error, trace."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_ids(),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = type(record.exc_info[1]).__name__
            line["trace"] = _told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def _ids() -> dict[str, str | int]:
    ids: dict[str, str | int] = {"request": request_id.get(), "reply": reply_id.get()}
    return {name: value for name, value in ids.items() if value}


def _told(error: BaseException | None) -> str:
    """An exception and what caused it, the first cause first, frame by frame."""
    told: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        told[:0] = [*lines, _name(error)]
        hidden = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or hidden
    return "\n".join(told)


def _name(error: BaseException) -> str:
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if not isinstance(error, TELLABLE):
        return name
    first = str(error).strip().partition("\n")[0]
    return f"{name}: {first[:200]}"
