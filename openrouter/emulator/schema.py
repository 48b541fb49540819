"""A value that fits a JSON schema, for structured answers and the arguments of tools."""

from __future__ import annotations

from typing import Any

DEEPEST = 8
MOST_ITEMS = 3


def sample(schema: object, text: str, depth: int = 0) -> Any:
    """A small value of the schema; strings are made of `text`.

    A schema that is none, or goes on for ever, gives a string: a model makes something of it too.
    """
    if not isinstance(schema, dict) or depth > DEEPEST:
        return text[:60] or "emulated"
    if "const" in schema:
        return schema["const"]
    for choices in ("enum", "anyOf", "oneOf"):
        options = schema.get(choices)
        if isinstance(options, list) and options:
            return options[0] if choices == "enum" else sample(options[0], text, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0] if kind else "string"
    return _of_kind(kind, schema, text, depth)


def _of_kind(kind: object, schema: dict[str, Any], text: str, depth: int) -> Any:
    match kind:
        case "object":
            properties = schema.get("properties")
            parts = properties.items() if isinstance(properties, dict) else ()
            return {name: sample(part, text, depth + 1) for name, part in parts}
        case "array":
            count = min(int(number(schema, "minItems", 2)), MOST_ITEMS)
            return [sample(schema.get("items"), text, depth + 1) for _ in range(count)]
        case "integer":
            return int(number(schema, "minimum", 1))
        case "number":
            return float(number(schema, "minimum", 1.5))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return text[:60] or "emulated"


def number(schema: dict[str, Any], name: str, usual: float) -> float:
    found = schema.get(name)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number and found is not None else usual
