"""T13: a schema comes from a person; no schema and no answer keeps a worker busy."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from chat.structured import read_schema, structured

BAD = "(a+)+$"  # takes years on what nearly fits
NEARLY = "a" * 60 + "!"


def problem(schema: dict[str, Any], value: Any) -> str:
    """What is said of it, within two seconds of work."""
    began_s = time.process_time()
    found = structured(json.dumps(value), read_schema(json.dumps(schema)))
    assert time.process_time() - began_s < 2
    return found.problem


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": BAD}}},
        {"patternProperties": {BAD: {}}},
        {"patternProperties": {BAD: {}}, "additionalProperties": False},
        {"patternProperties": {BAD: {}}, "unevaluatedProperties": False},
        {"allOf": [{"patternProperties": {BAD: {}}}], "unevaluatedProperties": False},
        {
            "additionalProperties": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "pattern": BAD,
            }
        },
        {
            "allOf": [
                {
                    "$schema": "http://json-schema.org/draft-04/schema#",
                    "patternProperties": {BAD: {}},
                    "additionalProperties": False,
                }
            ]
        },
    ],
)
def test_t13_no_regular_expression_of_a_schema_is_run(schema: dict[str, Any]) -> None:
    assert problem(schema, {"a": NEARLY, NEARLY: NEARLY}) == ""


def doubling(keyword: str) -> dict[str, Any]:
    """Each definition asks twice for the next: 2**40 checks."""
    names = [f"d{at}" for at in range(40)]
    following = zip(names, [*names[1:], ""], strict=True)
    definitions: dict[str, Any] = {
        name: {keyword: [{"$ref": f"#/$defs/{after}"}] * 2} if after else {"type": "string"}
        for name, after in following
    }
    return {"$defs": definitions, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_t13_a_check_that_would_not_end_is_given_up(keyword: str) -> None:
    assert "too long" in problem(doubling(keyword), 1)


def test_t13_many_errors_about_a_long_answer_are_given_up() -> None:
    schema = {"anyOf": [{"type": "string"}] * 800}
    assert "too long" in problem(schema, {"a": {"b": "x" * 200_000}})


def test_t13_many_items_that_are_to_differ_are_not_compared() -> None:
    assert "too long" in problem({"uniqueItems": True}, [{"a": at} for at in range(5_000)])


def test_t13_an_honest_answer_of_two_thousand_rows_is_held_against_its_schema() -> None:
    names = [f"n{at}" for at in range(8)]
    row = {"type": "object", "properties": {n: {"type": "string"} for n in names}}
    schema = {"type": "array", "items": row | {"required": names, "additionalProperties": False}}
    rows = [dict.fromkeys(names, "x") for _ in range(2_000)]
    assert problem(schema, rows) == ""
    rows[-1]["n0"] = 1  # type: ignore[assignment]
    assert "[1999].n0" in problem(schema, rows)


@pytest.mark.parametrize("text", ['{"minimum": NaN}', '{"maximum": Infinity}', '{"a": -Infinity}'])
def test_t13_a_schema_holds_no_number_that_json_has_not(text: str) -> None:
    with pytest.raises(ValueError, match="no number in JSON"):
        read_schema(text)
