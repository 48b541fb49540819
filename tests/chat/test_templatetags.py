"""Small words for the templates."""

import datetime as dt
from dataclasses import dataclass

import pytest
from django.utils import timezone

from chat.templatetags.chat import by_date, icon, model_author, model_name, seconds


@dataclass
class Touched:
    title: str
    updated_at: dt.datetime


def touched(title: str, days_ago: int) -> Touched:
    """A conversation last touched at noon, so that no clock and no zone moves it to another day."""
    noon = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    return Touched(title, noon - dt.timedelta(days=days_ago))


def test_conversations_are_grouped_by_the_day_they_were_last_touched() -> None:
    days = {"now": 0, "one": 1, "two": 2, "seven": 7, "eight": 8, "old": 400}
    periods = by_date([touched(title, ago) for title, ago in days.items()])
    found = {period.name: [item.title for item in period.conversations] for period in periods}  # type: ignore[attr-defined]
    assert found == {
        "Today": ["now"],
        "Yesterday": ["one"],
        "Previous 7 days": ["two", "seven"],
        "Older": ["eight", "old"],
    }


def test_a_period_without_conversations_is_left_out() -> None:
    assert [period.name for period in by_date([touched("a", 1)])] == ["Yesterday"]
    assert by_date([]) == []


def test_a_conversation_from_a_clock_that_is_ahead_counts_as_today() -> None:
    assert [period.name for period in by_date([touched("tomorrow", -1)])] == ["Today"]


def test_the_order_within_a_period_is_kept() -> None:
    (period,) = by_date([touched("second", 0), touched("first", 0)])
    assert [item.title for item in period.conversations] == ["second", "first"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("slug", "name", "author"),
    [
        ("openai/gpt-5:free", "gpt-5:free", "openai"),
        ("~anthropic/claude-latest", "claude-latest", "~anthropic"),
        ("a/b/c", "b/c", "a"),
        ("local-model", "local-model", ""),
        ("openrouter/auto", "OpenRouter Auto", "openrouter"),
        ("", "Auto", ""),
        (None, "Auto", ""),
    ],
)
def test_a_slug_is_shown_as_name_and_author(slug: str | None, name: str, author: str) -> None:
    assert (model_name(slug), model_author(slug)) == (name, author)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (9960, "10 s"), (74_400, "74 s"), (None, "")],
)
def test_a_time_is_as_exact_as_a_person_reads_it(milliseconds: int | None, text: str) -> None:
    assert seconds(milliseconds) == text


def test_an_icon_is_silent_for_screen_readers_and_escapes_its_name() -> None:
    drawn = icon('"><script>')
    assert 'aria-hidden="true"' in drawn
    assert "<script>" not in drawn


def test_a_models_name_leaves_the_date_of_its_version_out() -> None:
    assert model_name("deepseek/deepseek-v4-pro-20260423") == "deepseek-v4-pro"
    assert model_name("openai/gpt-5-2025-08-07") == "gpt-5"
    assert model_name("anthropic/claude-4.5-haiku-20251001:free") == "claude-4.5-haiku:free"
