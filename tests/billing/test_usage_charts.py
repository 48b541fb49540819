"""Charts: where the marks go, what is told in words, and that nothing of it is inline style."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.template.loader import render_to_string

from billing.charts import (
    HEIGHT,
    TONES,
    Cell,
    Chart,
    Number,
    Plot,
    Scale,
    Series,
    lines,
    ranking,
    stacked_bars,
)

DAYS = ["1 Nov", "2 Nov", "3 Nov"]


def dollars(value: Number) -> str:
    return f"${value}"


def stack(*series: Series) -> Chart:
    return stacked_bars(Plot("spend", "Spend", DAYS, series, dollars))


def test_the_parts_of_a_bar_stand_on_each_other() -> None:
    chart = stack(Series("a", [Decimal(1), 0, None]), Series("b", [Decimal(3), Decimal(4), None]))
    lower, upper, alone = chart.marks
    assert float(lower.y) + float(lower.height) == HEIGHT
    assert float(upper.y) + float(upper.height) == float(lower.y)
    assert float(alone.height) == float(lower.height) + float(upper.height)
    assert (lower.tone, upper.tone) == (1, 2)
    assert lower.x == upper.x
    assert float(alone.x) > float(lower.x) + float(lower.width)


def test_a_correction_hangs_below_zero() -> None:
    chart = stack(Series("a", [2, -1, 0]))
    above, below = chart.marks
    assert float(below.y) == pytest.approx(float(above.y) + float(above.height))
    assert float(below.height) * 2 == pytest.approx(float(above.height), abs=0.02)


def test_the_table_says_the_same_and_unknown_is_not_zero() -> None:
    chart = stack(Series("a", [Decimal("0.1"), None, 0], links=["/x", "/y", "/z"]))
    assert [(row.label, row.cells[0]) for row in chart.rows] == [
        ("1 Nov", Cell("$0.1", "/x")),
        ("2 Nov", Cell("no value", "/y")),
        ("3 Nov", Cell("$0", "/z")),
    ]


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (0, 0, (0, 0)),
        (0, 1, (0, 1)),
        (0, 0.3, (0, 0.3)),
        (0, 9.1, (0, 10)),
        (-3, 1001, (-500, 1500)),
        (0, Decimal("0.00000007"), (0, 0.00000008)),
    ],
)
def test_a_scale_ends_on_round_numbers(
    low: Number, high: Number, ends: tuple[float, float]
) -> None:
    scale = Scale.over(low, high)
    assert (scale.low, scale.high) == pytest.approx(ends)
    assert len(scale.ticks(str)) <= 6


def test_a_line_breaks_where_a_value_is_unknown() -> None:
    chart = lines(Plot("l", "L", ["a", "b", "c", "d"], [Series("s", [1, 2, None, 3])], str))
    first, second = chart.lines
    assert len(first.points.split()) == 2
    assert len(second.points.split()) == 2
    assert "c: no value" in [mark.tip for mark in chart.marks]


def test_more_series_than_colours_share_the_last() -> None:
    chart = stack(*(Series(str(place), [1, 1, 1]) for place in range(TONES + 3)))
    assert {key.tone for key in chart.keys} == set(range(1, TONES + 1))


def test_a_ranking_is_as_long_as_its_longest() -> None:
    drawn = ranking(
        "r",
        "R",
        ["who", "ms"],
        [("a", "/a", [40, 10], [Cell("40")]), ("b", "", [None, 20], [Cell("20")])],
    )
    assert [bar.lengths for bar in drawn.bars] == [[(1, "100%"), (2, "25%")], [(2, "50%")]]


def test_nothing_to_show_is_said() -> None:
    assert "Nothing to show" in render_to_string("billing/_chart.html", {"chart": stack()})
    empty = ranking("r", "R", ["who"], [])
    assert "Nothing to show" in render_to_string("billing/_ranking.html", {"ranking": empty})


def test_names_are_escaped_and_no_style_is_inline() -> None:
    name = '"><script>alert(1)</script>'
    chart = stacked_bars(
        Plot("b", name, DAYS, [Series(name, [1, 2, 3], ["/?a=1&b=2"] * 3)], dollars)
    )
    drawn = ranking("r", name, [name], [(name, "/", [1], [Cell(name)])])
    for page in (
        render_to_string("billing/_chart.html", {"chart": chart}),
        render_to_string("billing/_ranking.html", {"ranking": drawn}),
    ):
        assert "<script" not in page
        assert not re.search(r"\s(style|on\w+)=", page)
        assert "&lt;script" in page


def test_many_labels_are_thinned() -> None:
    many = [str(day) for day in range(62)]
    chart = stacked_bars(Plot("b", "B", many, [Series("s", [1] * 62)], str))
    assert len(chart.labels) <= 7
    assert len(chart.rows) == 62
