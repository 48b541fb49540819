"""An error as it is on the wire → one of our errors, without I/O.

Source: OpenRouter API reference, "Errors and debugging" and "Limits", and reported bodies. There
are two envelopes: `error.code` (an integer, sometimes a word) and, since August 2026,
`error.error_type` with `http_status` and `availability`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from openrouter.errors import (
    ContentRefused,
    InvalidRequest,
    KeyRejected,
    OpenRouterError,
    PaymentRequired,
    ProtocolError,
    RateLimited,
    Refused,
    Unavailable,
)

_STATUS_OF_WORD: Final = {
    "authentication": 401,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
    "invalid_request": 400,
    "invalid_request_error": 400,
    "not_found": 404,
    "payload_too_large": 413,
    "payment_required": 402,
    "insufficient_quota": 402,
    "permission_denied": 403,
    "content_policy_violation": 403,
    "refusal": 403,
    "provider_overloaded": 529,
    "provider_unavailable": 502,
    "rate_limit_exceeded": 429,
    "server": 500,
    "server_error": 500,
    "timeout": 504,
    "unprocessable": 422,
}
_CLASS_OF_STATUS: Final[Mapping[int, type[Refused]]] = {
    401: KeyRejected,
    402: PaymentRequired,
    408: Unavailable,
}
_WRONG_KEY: Final = re.compile(r"\b(api|management|provisioning) keys?\b", re.IGNORECASE)
_ABOUT_CONTENT: Final = re.compile(r"flagged|moderat|guardrail|blocked|policy", re.IGNORECASE)
_CONTENT_TYPES: Final = {"content_policy_violation", "refusal"}
_PER_DAY: Final = re.compile(r"per[- ]day|daily", re.IGNORECASE)
_GATEWAY_TIMEOUTS: Final = {408, 504, 524}  # somebody was perhaps still working on it


def error_from_response(
    status: int, headers: Mapping[str, str], body: bytes | str
) -> OpenRouterError:
    """The error that a refused request, or an answer that is none, stands for.

    `headers` need lower-case names (or an httpx.Headers). `body` may be JSON in either envelope,
    the edge's HTML, plain text or nothing. Status 200 is fine: errors come with it, too.
    """
    error = _error_object(body)
    if error is None and status < 400:
        return ProtocolError(_page_text(body), status=status, generation_id=_generation_id(headers))
    return error_from_object(error or _page_text(body), status=status, headers=headers)


def error_from_object(
    error: Any,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    may_have_cost: bool | None = None,
) -> OpenRouterError:
    """The error that the value of an `error` key stands for: an object, or bare words.

    `may_have_cost` overrides the guess that is made from the status.
    """
    fields = error if isinstance(error, dict) else {"message": str(error)}
    code = _status(fields) or (status if status and status >= 400 else None)
    headers = headers or {}
    context: dict[str, Any] = {
        "status": code,
        "retry_after_s": _retry_after_s(fields, headers),
        "generation_id": _generation_id(headers),
        "may_have_cost": code in _GATEWAY_TIMEOUTS if may_have_cost is None else may_have_cost,
    }
    detail = _detail(fields)
    if code == 429:
        return RateLimited(detail, per_day=_is_per_day(fields), **context)
    return _class_of(code, fields)(detail, **context)


def _error_object(body: bytes | str) -> Any:
    try:
        decoded = msgspec.json.decode(body.strip())
    except (ValueError, RecursionError):
        return None
    if not isinstance(decoded, dict):
        return None
    if error := decoded.get("error"):
        return error
    choices = decoded.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first.get("error") if isinstance(first, dict) else None


def _class_of(code: int | None, fields: Mapping[str, Any]) -> type[Refused]:
    if code is None:
        return Refused
    if code == 403:
        return _class_of_403(fields)
    if code in _CLASS_OF_STATUS:
        return _CLASS_OF_STATUS[code]
    return Unavailable if code >= 500 else InvalidRequest


def _class_of_403(fields: Mapping[str, Any]) -> type[Refused]:
    metadata = _mapping(fields.get("metadata"))
    if metadata.keys() & {"reasons", "flagged_input", "patterns"}:
        return ContentRefused
    message, kind = _text(fields, "message"), fields.get("error_type")
    if kind == "permission_denied" or _WRONG_KEY.search(message):
        return KeyRejected
    is_content = kind in _CONTENT_TYPES or _ABOUT_CONTENT.search(message)
    return ContentRefused if is_content else Refused


def _status(fields: Mapping[str, Any]) -> int | None:
    """The HTTP status that an error object names, in whichever way it does."""
    metadata = _mapping(fields.get("metadata"))
    words = (fields.get("code"), fields.get("http_status"))
    for word in (*words, fields.get("error_type"), fields.get("type"), metadata.get("error_type")):
        status = _status_of_word(word)
        if status is not None and 400 <= status < 600:
            return status
    return None


def _status_of_word(word: object) -> int | None:
    if isinstance(word, str):
        return int(word) if re.fullmatch("[0-9]{3}", word) else _STATUS_OF_WORD.get(word)
    return word if isinstance(word, int) else None


def _is_per_day(fields: Mapping[str, Any]) -> bool:
    source = _text(_mapping(fields.get("metadata")), "limit_source")
    return bool(_PER_DAY.search(source) or _PER_DAY.search(_text(fields, "message")))


def _detail(fields: Mapping[str, Any]) -> str:
    """What is worth reading: a provider's own words where OpenRouter only says that it failed.

    `metadata.flagged_input` is left out, because it quotes the prompt.
    """
    metadata = _mapping(fields.get("metadata"))
    message = _text(fields, "message").strip()
    raw = _words_of(metadata.get("raw"))
    if raw and (not message or message == "Provider returned error"):
        message = raw
    parts = [message]
    if provider := _text(metadata, "provider_name"):
        parts.insert(0, f"{provider}:")
    lists = (metadata.get(key) for key in ("reasons", "patterns"))
    parts.extend(f"({', '.join(map(str, words))})" for words in lists if isinstance(words, list))
    parts.append(_text(metadata, "remedy_hint"))
    return " ".join(filter(None, parts))


def _words_of(raw: object) -> str:
    """`metadata.raw`: JSON text of the upstream error, or prose, or an object."""
    if isinstance(raw, str):
        try:
            decoded = msgspec.json.decode(raw)
        except (ValueError, RecursionError):
            return raw.strip()
        raw = decoded if isinstance(decoded, dict) else raw
    if isinstance(raw, dict):
        inner = raw.get("error", raw)
        return _text(inner, "message") if isinstance(inner, dict) else str(inner)
    return "" if raw is None else str(raw)


def _retry_after_s(fields: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: from the header, from `availability`, or from the moment of the reset."""
    now = _date(headers.get("date"))
    told = headers.get("retry-after")
    wait = _number(told)
    if wait is None and told and now and (moment := _date(told)):
        wait = (moment - now).total_seconds()
    if wait is None:
        wait = _number(_mapping(fields.get("availability")).get("retry_after"))
    if wait is None and now:
        limits = _mapping(_mapping(fields.get("metadata")).get("headers"))
        reset_ms = _number(limits.get("X-RateLimit-Reset") or headers.get("x-ratelimit-reset"))
        wait = None if reset_ms is None else reset_ms / 1000 - now.timestamp()
    return None if wait is None else max(0.0, wait)


def _page_text(body: bytes | str) -> str:
    """What a page of the edge, or plain text, says: its title or its first words."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    title = re.search(r"<title[^>]*>([^<]{1,200})", text[:20_000], re.IGNORECASE)
    if title:
        return f"a web page came instead of an answer: {' '.join(title[1].split())}"
    if text.lstrip().startswith("<"):
        return "a web page came instead of an answer"
    return " ".join(text[:300].split())


def _generation_id(headers: Mapping[str, str]) -> str | None:
    return headers.get("x-generation-id")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < 1e15 else None


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
