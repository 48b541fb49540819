"""The charts of the usage pages: what was used, as series and rows in words."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from billing.charts import (
    TONES,
    Cell,
    Chart,
    Number,
    Plot,
    Ranking,
    Series,
    ranking,
    stacked_bars,
)
from billing.latency import Buckets
from billing.money import format_usd
from billing.usage import Choice, Usage, Used, percentiles

MOST_ROWS: Final = 15  # of a ranking; the rest is one row
OTHERS: Final = "other models"
VERSION_DATE: Final = re.compile(r"-20\d\d-?\d\d-?\d\d(?=:|$)")
HALF_TONE: Final = 7

Link: TypeAlias = Callable[..., str]  # (since=…, served_model=…) → the rows behind a number


def usd(value: Number) -> str:
    """Money, or what stands on a scale of it."""
    return format_usd(value if isinstance(value, Decimal) else Decimal(str(value)))


def count(value: Number) -> str:
    """1,234; from ten thousand on 12.3k, 1.2M."""
    value = float(value)
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            unit = 1e3 if letter == "k" else size
            return f"{value / unit:.3g}{letter}"
    return f"{value:,.0f}"


def milliseconds(value: Number | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f} ms" if value < 1000 else f"{float(value) / 1000:.1f} s"


def percent(share: float | None) -> str:
    return (
        "" if share is None else f"{100 * share:.0f} %" if share >= 0.01 or not share else "< 1 %"
    )


def short(slug: str) -> str:
    """A model without its author and without the date of its version."""
    return VERSION_DATE.sub("", slug.split("/", 1)[-1]) or "unknown model"


def step_label(choice: Choice, step: dt.date) -> str:
    return f"{step.day} {step:%b}" if choice.by_day else f"{step:%b %Y}"


def spend_by_model(usage: Usage, choice: Choice, link: Link | None = None) -> Chart:
    return _stacked(
        usage, choice, ("spend", "Spend", lambda used: used.cost_usd, usd), link,
        "What was paid, by model, in UTC.",
    )  # fmt: skip


def tokens_by_model(usage: Usage, choice: Choice, link: Link | None = None) -> Chart:
    return _stacked(
        usage, choice, ("tokens", "Tokens", lambda used: used.tokens, count), link,
        "Tokens in and out, by model, in UTC.",
    )  # fmt: skip


def _stacked(
    usage: Usage,
    choice: Choice,
    what: tuple[str, str, Callable[[Used], Any], Callable[[Number], str]],
    link: Link | None,
    about: str,
) -> Chart:
    ident, title, measure, words = what
    steps = choice.steps()
    models = usage.models(measure)
    named = models if len(models) <= TONES else models[: TONES - 1]
    nothing = Used()

    def values(group: Sequence[str]) -> list[Number | None]:
        return [
            sum((measure(usage.by_both.get((step, name), nothing)) for name in group), Decimal(0))
            for step in steps
        ]

    def one(name: str, group: Sequence[str], **narrower: Any) -> Series:
        amounts = values(group)
        parts = map(choice.only, steps)
        links = [
            link(since=part.since, until=part.until, **narrower) if link and amount else ""
            for part, amount in zip(parts, amounts, strict=True)
        ]
        return Series(name, amounts, links)

    series = [
        one(short(name), [name], served_model=name) if name else one(short(name), [name])
        for name in named
    ]
    if rest := models[len(named) :]:
        series.append(one(OTHERS, rest))
    every = "day" if choice.by_day else "month"
    labels = [step_label(choice, step) for step in steps]
    return stacked_bars(Plot(ident, f"{title} per {every}", labels, series, words, about))


def users_ranking(
    users: Mapping[str, Used], names: Mapping[str, str], look: Link, rows: Link
) -> Ranking:
    """`look` narrows the review to a person, `rows` shows their entries."""
    shown = list(users.items())[:MOST_ROWS]
    lines: list[Any] = [
        (
            names.get(ref, ref),
            look(user=names.get(ref, ref)),
            [used.cost_usd],
            [
                Cell(usd(used.cost_usd), rows(user_refs=(ref,))),
                Cell(count(used.calls)),
                Cell(usd(used.per_answer_usd) if used.per_answer_usd is not None else ""),
            ],
        )
        for ref, used in shown
    ]
    if others := list(users.values())[MOST_ROWS:]:
        lines.append(_rest(f"{len(others)} more", others))
    columns = ["User", "Paid", "Calls", "Per answer"]
    return ranking("users", "By user", columns, lines, "Who spent it; the dearest first.")


def _rest(name: str, others: Sequence[Used]) -> Any:
    paid = sum((used.cost_usd for used in others), Decimal(0))
    calls = sum(used.calls for used in others)
    return (name, "", [paid], [Cell(usd(paid)), Cell(count(calls)), Cell("")])


def models_ranking(usage: Usage, rows: Link) -> Ranking:
    """Cost per answer, beside what it is made of."""
    names = [name for name in usage.models(_per_answer) if usage.by_model[name].answers]
    lines: list[Any] = []
    for name in names[:MOST_ROWS]:
        used = usage.by_model[name]
        here: dict[str, Any] = {"served_model": name, "purpose": "reply"}
        lines.append(
            (
                short(name),
                rows(served_model=name) if name else "",
                [used.per_answer_usd],
                [
                    Cell(usd(used.per_answer_usd or 0), rows(**here)),
                    Cell(count(used.answers), rows(**here)),
                    Cell(usd(used.cost_usd), rows(served_model=name) if name else ""),
                ],
            )
        )
    columns = ["Model", "Per answer", "Answers", "Paid"]
    about = "What an answer cost on average; titles and other helpers are not in it."
    return ranking("per-answer", "Cost per answer", columns, lines, about)


def _per_answer(used: Used) -> Decimal:
    return used.per_answer_usd or Decimal(0)


def cache_ranking(usage: Usage, rows: Link) -> Ranking:
    names = [
        name for name in usage.models(lambda used: used.cached_tokens)
        if usage.by_model[name].cached_tokens
    ]  # fmt: skip
    lines: list[Any] = []
    for name in names[:MOST_ROWS]:
        used = usage.by_model[name]
        saved = usd(used.cache_saved_usd) if used.cache_saved_usd else ""
        lines.append(
            (
                short(name),
                rows(served_model=name) if name else "",
                [used.cached_share],
                [Cell(percent(used.cached_share)), Cell(count(used.cached_tokens)), Cell(saved)],
            )
        )
    columns = ["Model", "From cache", "Tokens", "Saved"]
    about = "How much of the prompts came from a cache, and what it saved at the prices of the day."
    return ranking("cache", "Cache by model", columns, lines, about)


def saved_per_step(usage: Usage, choice: Choice) -> Chart:
    steps = choice.steps()
    nothing = Used()
    values = [usage.by_step.get(step, nothing).cache_saved_usd for step in steps]
    every = "day" if choice.by_day else "month"
    return stacked_bars(
        Plot(
            "saved",
            f"Cache savings per {every}",
            [step_label(choice, step) for step in steps],
            [Series("Saved", values)],
            usd,
            "What cached tokens would have cost more, less what filling the caches cost.",
        )
    )


def latency_ranking(found: Mapping[str, Buckets], rows: Link) -> Ranking:
    times = {name: percentiles(buckets) for name, buckets in found.items()}
    slowest = sorted(times, key=lambda name: (-(times[name][1] or 0), name))
    lines: list[Any] = [
        (
            short(name),
            rows(served_model=name) if name else "",
            [times[name][1], times[name][0]],
            [
                Cell(milliseconds(times[name][0])),
                Cell(milliseconds(times[name][1])),
                Cell(count(found[name].total())),
            ],
        )
        for name in slowest[:MOST_ROWS]
    ]
    return ranking(
        "first-token",
        "Time to the first token",
        ["Model", "Half within", "95 % within", "Answers"],
        lines,
        "Of all answers, whichever user or group is chosen; to within 3 %.",
        ["95 %", "half"],
        (HALF_TONE, 1),
    )
