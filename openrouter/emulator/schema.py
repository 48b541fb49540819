"""A value that fits a JSON schema, for structured answers and the arguments of tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def sample(schema: Mapping[str, Any], text: str, depth: int = 0) -> Any:
    """A small value of the schema; strings are made of `text`."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for branches in ("anyOf", "oneOf"):
        if schema.get(branches):
            return sample(schema[branches][0], text, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    return _of_kind(kind, schema, text, depth)


def _of_kind(kind: str, schema: Mapping[str, Any], text: str, depth: int) -> Any:
    match kind:
        case "object":
            properties = schema.get("properties", {}) if depth < 8 else {}
            return {name: sample(part, text, depth + 1) for name, part in properties.items()}
        case "array":
            items = schema.get("items", {}) if depth < 8 else {}
            return [sample(items, text, depth + 1) for _ in range(schema.get("minItems", 2))]
        case "integer":
            return int(schema.get("minimum", 1))
        case "number":
            return float(schema.get("minimum", 1.5))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return text[:60] or "emulated"
