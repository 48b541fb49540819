"""Small words for the templates."""

import pytest

from chat.templatetags.chat import icon, model_author, model_name, seconds


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
