"""The table of the page's bench: what is met, what is missed, how it is written."""

from __future__ import annotations

import pytest

from tests.bench.page_figures import Figure, missed, shown, table

GROUP = "A group"


@pytest.mark.parametrize(
    ("figure", "is_met"),
    [
        (Figure(GROUP, "at most", 100, "kB", 100), True),
        (Figure(GROUP, "at most", 100.1, "kB", 100), False),
        (Figure(GROUP, "under", 300, "ms", 300, under=True), False),
        (Figure(GROUP, "under", 299.9, "ms", 300, under=True), True),
        (Figure(GROUP, "at least", 55, "/s", 55, least=True), True),
        (Figure(GROUP, "at least", 54.9, "/s", 55, least=True), False),
        (Figure(GROUP, "without a goal", 1e9), True),
    ],
)
def test_a_goal_is_met_or_missed(figure: Figure, *, is_met: bool) -> None:
    assert figure.is_met is is_met
    assert (figure in missed([figure])) is not is_met


def test_a_table_names_each_group_once_and_says_what_is_missed() -> None:
    lines = table(
        [Figure(GROUP, "one", 1, "ms", 2), Figure(GROUP, "two", 3, "ms", 2, aside="why")]
    ).splitlines()
    assert lines.count(GROUP) == 1
    assert lines[-2].split() == ["one", "1", "ms", "≤", "2", "met"]
    assert lines[-1].split() == ["two", "3", "ms", "≤", "2", "MISSED", "why"]


def test_figures_have_the_digits_that_mean_something() -> None:
    assert [shown(it) for it in (0.0, 3.0, 1.234, 12.34, 123.4, 12_345.6)] == [
        *("0", "3", "1.23", "12.3", "123", "12,346"),
    ]
