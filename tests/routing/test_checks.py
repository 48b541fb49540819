"""What is plainly wrong with an answer is seen; what is not plain is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.checks import Answer, check


def found(text: str, question: str = "", finish_reason: str | None = "stop") -> dict[str, bool]:
    findings = check(Answer(question, text, finish_reason))
    return {finding.name: finding.passed for finding in findings}


@pytest.mark.parametrize(
    "text",
    ["", "  ", "I'm sorry, but I can't help with that.", "I cannot assist with this request.",
     "As an AI language model, I have no opinion.", "Es tut mir leid, aber das geht nicht.",
     "I\u2019m unable to open links."],
)  # fmt: skip
def test_a_refusal_is_seen(text: str) -> None:
    assert found(text)["refusal"] is False


@pytest.mark.parametrize(
    "text",
    ["Paris.", "I can't believe it's not butter is a brand." + " It is sold widely." * 60,
     "Sorry seems to be the hardest word, sings Elton John.", "You can't divide by zero."],
)  # fmt: skip
def test_an_answer_is_no_refusal(text: str) -> None:
    assert found(text)["refusal"] is True


def test_a_cut_answer_is_seen() -> None:
    assert found("and then", finish_reason="length")["cut"] is False
    assert found("Here:\n```python\nprint(1)\n")["cut"] is False
    assert found("Here:\n```python\nprint(1)\n```\n")["cut"] is True


@pytest.mark.parametrize(
    ("block", "parses"),
    [
        ("```python\nprint(1)\n```", True),
        ("```python\nprint(1\n```", False),
        ("```py\n    x = 1\n    y = 2\n```", True),
        ("```python\n>>> 1 +\n```", True),
        ("```python\ndef f(\n    ...\n```", True),
        ('```json\n{"a": 1}\n```', True),
        ('```json\n{"a": 1,}\n```', False),
    ],
)
def test_code_is_parsed(block: str, parses: bool) -> None:
    assert found(block)["code"] is parses


@pytest.mark.parametrize("text", ["no code", "```\nanything (\n```", "```rust\nfn main( {}\n```"])
def test_other_languages_say_nothing(text: str) -> None:
    assert "code" not in found(text)


@pytest.mark.parametrize(
    ("question", "text", "kept"),
    [
        ("Answer in JSON.", '{"a": 1}', True),
        ("Convert this to JSON: Ada", "```json\n[1]\n```", True),
        ("Return only valid JSON", "Sure! Here you are: a = 1", False),
        ("Explain in exactly three bullet points", "- a\n- b\n- c", True),
        ("Explain in exactly 3 bullets", "- a\n- b", False),
        ("Say it in two sentences.", "It is so. It was so.", True),
        ("Say it in two sentences.", "It is so. It was so. It will be so.", False),
        ("Show it as a table", "| a | b |\n|---|---|", True),
        ("Show it as a table", "a is b", False),
    ],
)
def test_the_format_asked_for_is_held_against_the_answer(
    question: str, text: str, kept: bool
) -> None:
    assert found(text, question)["format"] is kept


def test_where_no_format_was_asked_for_nothing_is_said() -> None:
    assert "format" not in found("- a", "What is JSON? I was born in 2 places.")


@pytest.mark.parametrize(
    "text",
    ["17 * 24 = 408", "so 1,200 + 300 = 1,500.", "10 / 3 = 3.33", "10 / 3 = 3.34",
     "2 + 3 \u00d7 4 = 14", "$5 + $2.50 = $7.50", "22 / 7 \u2248 3.14", "5 \u2212 8 = -3",
     "100 / 3 = 33", "0.1 + 0.2 = 0.3"],
)  # fmt: skip
def test_sums_that_hold_pass(text: str) -> None:
    assert found(text)["arithmetic"] is True


@pytest.mark.parametrize("text", ["17 * 24 = 418", "so 2 + 2 = 5.", "10 / 4 = 2.7", "9 - 12 = 3"])
def test_sums_that_do_not_hold_fail(text: str) -> None:
    assert found(text)["arithmetic"] is False


@pytest.mark.parametrize(
    "text",
    ["x = 3", "2x + 3 = 7", "1 / 2 = 50%", "f(2) + 3 = 9", "3 / 0 = 0", "12 * 3 = 36 + 4",
     "x + 2 = 5", "2^3 + 1 = 9", "a - 2 - 3 = 4"],
)  # fmt: skip
def test_what_is_no_plain_sum_says_nothing(text: str) -> None:
    assert "arithmetic" not in found(text)


@given(st.text(max_size=400), st.text(max_size=200))
def test_any_text_can_be_checked(text: str, question: str) -> None:
    check(Answer(question, text))


def test_a_huge_answer_is_looked_at_in_part() -> None:
    assert found("1 + 1 = 2 " * 200_000)["arithmetic"] is True
