"""An answer that was to be JSON of some shape: whether it is, and as a tree to look at. Pure.

A schema comes from a person, so nothing of it may reach out or run long: references are looked up
within it alone, its regular expressions are not run here (the provider keeps to them), and a
check that goes on for long is given up: ten nested references can ask for a billion steps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, SchemaError
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

MOST_CHARS = 20_000  # of a schema
MOST_NODES = 2_000  # of a tree; what is larger is shown as text
MOST_STEPS = 200_000  # of holding an answer against its schema: about a second
REFERENCE_STEPS = 50  # to follow one
MOST_UNIQUE = 200  # items are compared each with each

Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]


class _TooLong(Exception):
    """The check has taken all the steps that it may."""


@dataclass(slots=True)
class _Steps:
    """What is left of them. An error costs as much as it takes to write the answer into it."""

    left: int
    of_an_error: int

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise _TooLong


_steps: ContextVar[_Steps] = ContextVar("_steps")


def _not_run(*_: object) -> Iterator[ValidationError]:
    return iter(())


def _counted(name: str, keyword: Keyword) -> Keyword:
    base = REFERENCE_STEPS if name in ("$ref", "$dynamicRef") else 1

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        steps = _steps.get()
        steps.take(base + sum(len(part) for part in (value, instance) if _is_list(part)))
        if name == "additionalProperties" and "patternProperties" in schema:
            return  # it would run those patterns
        if name == "uniqueItems" and _is_list(instance) and len(instance) > MOST_UNIQUE:
            raise _TooLong
        for error in keyword(validator, value, instance, schema) or ():
            steps.take(steps.of_an_error)
            yield error

    return check


def _is_list(value: Any) -> bool:
    return isinstance(value, list | dict)


# Those that are not run would run patterns, or go through the schema without being counted.
_NOT_RUN = ("pattern", "patternProperties", "unevaluatedItems", "unevaluatedProperties")
_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {name: _counted(name, check) for name, check in Draft202012Validator.VALIDATORS.items()}
    | dict.fromkeys(_NOT_RUN, _not_run),
)


@dataclass(frozen=True, slots=True)
class Node:
    """One value: its name within what holds it, and its parts; a leaf has `text`."""

    name: str
    kind: str  # object, array, string, number, boolean or null
    text: str = ""
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Structured:
    """An answer against its schema. `problem` is empty where it keeps to it."""

    problem: str
    tree: Node | None


def read_schema(text: str) -> dict[str, Any]:
    """The schema that a person typed. Raises ValueError with words for them."""
    if len(text) > MOST_CHARS:
        raise ValueError(f"This schema is too long: at most {MOST_CHARS:,} characters.")
    try:
        schema = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"This is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise ValueError("A schema is a JSON object, in braces.")  # noqa: TRY004 (for a person)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"This is no JSON schema: {error.message[:200]}") from error
    except RecursionError as error:
        raise ValueError("This schema is nested too deeply.") from error
    return schema


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON.")


def structured(text: str, schema: Mapping[str, Any]) -> Structured:
    """Read an answer and hold it against its schema."""
    return _structured(text, json.dumps(schema, sort_keys=True))


@lru_cache(maxsize=256)
def _structured(text: str, schema: str) -> Structured:
    try:
        value = json.loads(_unfenced(text))
    except (ValueError, RecursionError):
        return Structured("This answer was to be JSON, and is not.", None)
    _steps.set(_Steps(MOST_STEPS, of_an_error=1 + len(text) // 500))
    return Structured(_problem(value, json.loads(schema)), _tree(value))


def _unfenced(text: str) -> str:
    """Without the fence that some models put around JSON."""
    lines = text.strip().splitlines()
    fenced = len(lines) > 2 and lines[0].startswith("```") and lines[-1] == "```"
    return "\n".join(lines[1:-1]) if fenced else text


def _problem(value: Any, schema: dict[str, Any]) -> str:
    try:
        registry: Registry[Any] = Registry()  # empty: nothing is fetched
        errors = _Validator(_of_our_dialect(schema), registry=registry).iter_errors(value)
        first = min(errors, key=lambda error: (len(error.path), str(error.path)), default=None)
    except (Unresolvable, RecursionError, ArithmeticError) as error:
        return f"It could not be held against its schema: {str(error)[:200]}"
    except _TooLong:
        return "It could not be held against its schema: that would take too long."
    if first is None:
        return ""
    path = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in first.path]
    place = "".join(path).lstrip(".") or "the top"
    return f"It does not keep to its schema at {place}: {first.message[:200]}"


def _of_our_dialect(schema: Any) -> Any:
    """Without `$schema`, which would call in the validator of another draft, and its patterns."""
    if isinstance(schema, list):
        return [_of_our_dialect(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _of_our_dialect(part)
        for name, part in schema.items()
        if name != "$schema" or not isinstance(part, str)
    }


def _tree(value: Any) -> Node | None:
    try:
        left = [MOST_NODES]
        return _node("", value, left)
    except (OverflowError, RecursionError):
        return None


def _node(name: str, value: Any, left: list[int]) -> Node:
    left[0] -= 1
    if left[0] < 0:
        raise OverflowError("a tree of this size is no help")
    if isinstance(value, dict):
        parts = tuple(_node(str(key), part, left) for key, part in value.items())
        return Node(name, "object", parts=parts)
    if isinstance(value, list):
        parts = tuple(_node(str(at), part, left) for at, part in enumerate(value))
        return Node(name, "array", parts=parts)
    if isinstance(value, str):
        return Node(name, "string", value)
    kind = "null" if value is None else "boolean" if isinstance(value, bool) else "number"
    return Node(name, kind, json.dumps(value))
