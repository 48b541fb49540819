"""Charts as values: from series of numbers to where each mark goes. Drawn by billing/_chart.html.

Across, everything is a share of the width (in percent, or in thousandths of it inside of the
plot), so that one drawing fits a phone and a wide screen and no letter is scaled. Down, it is
pixels. Colours are classes (`tone-1` …), which charts.css gives a light and a dark value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

Number: TypeAlias = Decimal | int | float
Words: TypeAlias = Callable[[Number], str]

HEIGHT: Final = 200  # of the plot, in pixels
ACROSS: Final = 1000  # units of the plot's width
TONES: Final = 8  # colours that are told apart; the last is for "others"
GAP: Final = 0.16  # of a bar's room stays empty
MOST_LABELS: Final = 7  # below the plot; every second is left out where it is narrow
STEPS: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Series:
    """One name and its value at each label; None is unknown and leaves a gap."""

    name: str
    values: Sequence[Number | None]
    links: Sequence[str] = ()  # where each value is explained: one a label, or none at all

    def link(self, index: int) -> str:
        return self.links[index] if self.links else ""


@dataclass(frozen=True, slots=True)
class Plot:
    """What a chart is drawn from: each series has a value at each label. `words` says a value;
    `ident` is unique on its page."""

    ident: str
    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    words: Words
    description: str = ""

    @property
    def room(self) -> float:
        """Of each label, in units of the plot's width."""
        return ACROSS / max(1, len(self.labels))


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar or part of one. `x` and `width` in units of the plot, `y` and `height` in pixels."""

    x: str
    y: str
    width: str
    height: str
    tone: int
    tip: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The points of one unbroken stretch of a line, as a polyline takes them."""

    points: str
    tone: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the plot, and what it stands for."""

    y: str
    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word below the plot. A minor one goes where there is little room."""

    x: str
    text: str
    is_minor: bool


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of the legend."""

    name: str
    tone: int


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """The same figures in words: a label, and a cell for each series."""

    label: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Chart:
    """All that the template draws."""

    ident: str
    title: str
    description: str
    marks: Sequence[Mark]
    lines: Sequence[Line]
    ticks: Sequence[Tick]
    labels: Sequence[Label]
    keys: Sequence[Key]
    rows: Sequence[Row]
    height: int = HEIGHT

    @property
    def is_empty(self) -> bool:
        return not self.marks and not self.lines

    @property
    def baseline(self) -> str:
        """Where the label stands that the first and lowest tick has."""
        return self.ticks[0].y if self.ticks else str(self.height)


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a ranking: lengths in percent, drawn over each other, the longest first."""

    name: str
    link: str
    lengths: Sequence[tuple[int, str]]  # tone, percent
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Horizontal bars in a table, which is its own fallback. Drawn by billing/_ranking.html."""

    ident: str
    title: str
    description: str
    columns: Sequence[str]
    bars: Sequence[Bar]
    keys: Sequence[Key] = ()

    @property
    def is_empty(self) -> bool:
        return not self.bars


def tone_of(index: int) -> int:
    """The colour of the series at `index`: those beyond the last colour share it."""
    return min(index + 1, TONES)


def stacked_bars(plot: Plot) -> Chart:
    """One bar a label, made of the series one above the other; what is below 0 hangs down."""
    tops = [_sum_of(plot.series, index, above=True) for index in range(len(plot.labels))]
    lows = [_sum_of(plot.series, index, above=False) for index in range(len(plot.labels))]
    scale = Scale.over(min(lows, default=0), max(tops, default=0))
    marks: list[Mark] = []
    for index, label in enumerate(plot.labels):
        above = below = 0.0
        for place, one in enumerate(plot.series):
            value = one.values[index]
            if not value:
                continue
            begin = above if value > 0 else below
            end = begin + float(value)
            above, below = (end, below) if value > 0 else (above, end)
            marks.append(
                Mark(
                    x=_text((index + GAP / 2) * plot.room),
                    y=_text(scale.y(max(begin, end))),
                    width=_text((1 - GAP) * plot.room),
                    height=_text(max(0.5, abs(scale.y(begin) - scale.y(end)))),
                    tone=tone_of(place),
                    tip=f"{label}, {one.name}: {plot.words(value)}",
                    link=one.link(index),
                )
            )
    return _chart(plot, scale, marks)


def lines(plot: Plot) -> Chart:
    """One line a series. An unknown value breaks it; a value alone becomes a short stroke."""
    known = [float(value) for one in plot.series for value in one.values if value is not None]
    scale = Scale.over(min(0, min(known, default=0)), max(known, default=0))
    room = plot.room
    drawn: list[Line] = []
    for place, one in enumerate(plot.series):
        for stretch in _stretches(one.values):
            points = [
                f"{_text((index + 0.5) * room)},{_text(scale.y(value))}" for index, value in stretch
            ]
            if len(points) == 1:
                index, value = stretch[0]
                y = _text(scale.y(value))
                begin, end = index * room + room * 0.3, index * room + room * 0.7
                points = [f"{_text(begin)},{y}", f"{_text(end)},{y}"]
            drawn.append(Line(" ".join(points), tone_of(place)))
    # Invisible, the height of the plot: what a pointer finds over a label.
    told = [_told(plot, index) for index in range(len(plot.labels)) if drawn]
    marks = [
        Mark(_text(index * room), "0", _text(room), str(HEIGHT), tone=0, tip=tip)
        for index, tip in enumerate(told)
    ]
    return _chart(plot, scale, marks, drawn)


def ranking(
    ident: str,
    title: str,
    columns: Sequence[str],
    rows: Sequence[tuple[str, str, Sequence[Number | None], Sequence[Cell]]],
    description: str = "",
    keys: Sequence[str] = (),
    tones: Sequence[int] = (1, 2, 3),
) -> Ranking:
    """A bar a row: (name, link, values that are drawn, cells that are told).

    Several values of a row are drawn over each other, so the first is meant to be the longest.
    """
    longest = max(
        (float(value) for _, _, values, _ in rows for value in values if value is not None),
        default=0,
    )
    return Ranking(
        ident,
        title,
        description,
        columns,
        [
            Bar(
                name,
                link,
                [
                    (tone, f"{_text(100 * float(value) / longest)}%")
                    for tone, value in zip(tones, values, strict=False)
                    if value is not None and value > 0
                ],
                cells,
            )
            for name, link, values, cells in rows
        ],
        [Key(name, tone) for tone, name in zip(tones, keys, strict=False)],
    )


@dataclass(frozen=True, slots=True)
class Scale:
    """Values to pixels, with a few round numbers to read them by."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, low: Number, high: Number) -> Scale:
        """A scale that holds 0 and both ends, in at most five steps or so."""
        low, high = min(0.0, float(low)), max(0.0, float(high))
        rough = (high - low) / 4 or 1.0
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(size * power for size in STEPS if size * power >= rough * 0.999)
        return cls(math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step, step)

    def y(self, value: Number) -> float:
        span = self.high - self.low or 1.0
        return HEIGHT * (self.high - float(value)) / span

    def ticks(self, words: Words) -> list[Tick]:
        count = round((self.high - self.low) / self.step)
        values = [_round(self.low + place * self.step) for place in range(count + 1)]
        return [Tick(_text(self.y(value)), words(value)) for value in values]


def _chart(plot: Plot, scale: Scale, marks: Sequence[Mark], drawn: Sequence[Line] = ()) -> Chart:
    return Chart(
        plot.ident,
        plot.title,
        plot.description,
        marks,
        drawn,
        scale.ticks(plot.words),
        _labels(plot.labels),
        [Key(one.name, tone_of(place)) for place, one in enumerate(plot.series)],
        [
            Row(label, [_cell(one, index, plot.words) for one in plot.series])
            for index, label in enumerate(plot.labels)
        ],
    )


def _cell(one: Series, index: int, words: Words) -> Cell:
    value = one.values[index]
    return Cell("no value" if value is None else words(value), one.link(index))


def _labels(labels: Sequence[str]) -> list[Label]:
    """As many as have room, at even distances."""
    every = max(1, math.ceil(len(labels) / MOST_LABELS))
    room = 100 / max(1, len(labels))
    shown = [(index, text) for index, text in enumerate(labels) if index % every == 0]
    return [
        Label(f"{_text((index + 0.5) * room)}%", text, is_minor=place % 2 == 1)
        for place, (index, text) in enumerate(shown)
    ]


def _sum_of(series: Sequence[Series], index: int, *, above: bool) -> float:
    values = [float(one.values[index] or 0) for one in series]
    return sum(value for value in values if (value > 0) == above)


def _stretches(values: Sequence[Number | None]) -> list[list[tuple[int, Number]]]:
    found: list[list[tuple[int, Number]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append((index, value))
    return [stretch for stretch in found if stretch]


def _told(plot: Plot, index: int) -> str:
    """What a pointer is told over a label: every line's value there."""
    told = [(one.name, one.values[index]) for one in plot.series]
    known = [f"{name}: {plot.words(value)}" for name, value in told if value is not None]
    label = plot.labels[index]
    return f"{label}: no value" if not known else f"{label}, {'; '.join(known)}"


def _round(value: float) -> Decimal:
    """Without the crumbs of binary fractions: 0.30000000000000004 → 0.3."""
    return Decimal(f"{value:.10g}")


def _text(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
