"""JSON that was asked for: whether it keeps to its schema, and what is drawn of it."""

from __future__ import annotations

import json

import pytest

from chat.structured import Node, read_schema, structured

CITY = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "sizes": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["city"],
}


def test_an_answer_that_keeps_to_its_schema_is_a_tree() -> None:
    found = structured('{"city": "Paris", "sizes": [1, 2]}', CITY)
    assert found.problem == ""
    assert found.tree == Node(
        "",
        "object",
        parts=(
            Node("city", "string", "Paris"),
            Node("sizes", "array", parts=(Node("0", "number", "1"), Node("1", "number", "2"))),
        ),
    )


def test_a_fence_around_it_is_taken_off() -> None:
    assert structured('```json\n{"city": "Oslo"}\n```', CITY).problem == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Paris", "was to be JSON"),
        ('{"city": 7}', "at city: 7 is not of type 'string'"),
        ('{"sizes": []}', "at the top: 'city' is a required property"),
        ('{"city": "x", "sizes": [1, "two"]}', "at sizes[1]: 'two' is not of type 'integer'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, problem: str) -> None:
    assert problem in structured(text, CITY).problem


@pytest.mark.parametrize("reference", ["https://example.org/schema", "file:///etc/passwd"])
def test_a_schema_reaches_out_to_nothing(reference: str, socket_refused: None) -> None:
    assert "could not be held against" in structured("{}", {"$ref": reference}).problem


@pytest.fixture
def socket_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a schema opened a connection")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)


def test_a_regular_expression_of_a_persons_is_not_run() -> None:
    slow = {"type": "string", "pattern": "^(a+)+$"}
    assert structured(json.dumps("a" * 40 + "!"), slow).problem == ""


def test_a_schema_without_end_is_given_up() -> None:
    assert structured("{}", {"$ref": "#"}).problem != ""
    deep = "[" * 50_000 + "]" * 50_000
    assert "was to be JSON" in structured(deep, CITY).problem


def test_what_is_too_large_is_left_as_text() -> None:
    found = structured(json.dumps(list(range(3000))), {"type": "array"})
    assert found.problem == ""
    assert found.tree is None


def test_a_schema_is_read_as_it_was_typed() -> None:
    assert read_schema(json.dumps(CITY)) == CITY
