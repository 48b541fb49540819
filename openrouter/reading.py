"""JSON bodies → the values of `results.py`, forgiving what does not matter. Pure.

OpenRouter adds fields, leaves fields out and sends null where its documents say it does not. What
is unknown is skipped; a field of an unexpected shape falls back to its default, unless the value
makes no sense without it.
"""

from __future__ import annotations

import logging
from typing import TypeVar

import msgspec

from openrouter.errors import OpenRouterError, ProtocolError
from openrouter.failures import error_from_response

logger = logging.getLogger(__name__)
_Value = TypeVar("_Value", bound=msgspec.Struct)


class _Links(msgspec.Struct):
    next: str | None = None


class _Listing(msgspec.Struct):
    data: list[msgspec.Raw]
    links: _Links | None = None


class _Single(msgspec.Struct):
    data: msgspec.Raw


def read(kind: type[_Value], body: bytes | msgspec.Raw) -> _Value:
    """One value of this kind. Raises ProtocolError when a field it cannot do without is missing."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        return _read_field_by_field(kind, body)
    except (ValueError, RecursionError) as error:
        raise _no_answer(body) from error


def read_data(kind: type[_Value], body: bytes) -> _Value:
    """The value in `{"data": {...}}`. Raises what an error body stands for, or ProtocolError."""
    return read(kind, _envelope(_Single, body).data)


def read_list(kind: type[_Value], body: bytes) -> tuple[list[_Value], str | None]:
    """The values in `{"data": [...]}` and the address of the next page.

    One that cannot be read is left out with a warning: one odd model must not hide the others.
    """
    listing = _envelope(_Listing, body)
    values: list[_Value] = []
    for item in listing.data:
        try:
            values.append(read(kind, item))
        except ProtocolError as error:
            logger.warning("left out of a list of %s: %s", kind.__name__, error)
    return values, listing.links.next if listing.links else None


def _envelope(kind: type[_Value], body: bytes) -> _Value:
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:
        raise _no_answer(body) from error


def _no_answer(body: bytes | msgspec.Raw) -> OpenRouterError:
    return error_from_response(200, {}, bytes(body))


def _read_field_by_field(kind: type[_Value], body: bytes | msgspec.Raw) -> _Value:
    try:
        parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        raise _no_answer(body) from error
    values = {}
    for field in msgspec.structs.fields(kind):
        part = parts.get(field.encode_name)
        try:
            if (
                part is not None
                and isinstance(field.type, type)
                and issubclass(field.type, msgspec.Struct)
            ):
                values[field.name] = read(field.type, part)
            elif part is not None:
                values[field.name] = msgspec.json.decode(part, type=field.type)
        except (msgspec.ValidationError, OpenRouterError):
            logger.debug("odd %s.%s left out", kind.__name__, field.name)
    try:
        return kind(**values)
    except TypeError as error:
        raise ProtocolError(f"a {kind.__name__} lacks what it needs: {error}") from error
