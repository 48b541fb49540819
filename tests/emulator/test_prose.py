"""What the emulator says: about what was asked, as long as asked, the same each time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter.emulator.directives import read_directives
from openrouter.emulator.prose import write
from openrouter.emulator.settings import instant
from openrouter.emulator.tokens import pieces
from openrouter.emulator.wishes import find_topic, key_of
from tests.emulator.conftest import connected
from tests.emulator.reading import ask, read


def said(prompt: str, seed: int = 0, earlier: str = "") -> str:
    return write(prompt, model_name="Haiku", chance=random.Random(seed), earlier=earlier)


@pytest.mark.parametrize(
    ("prompt", "topic"),
    [
        ("Explain how photosynthesis works", "photosynthesis"),
        ("What should I consider when choosing a bicycle?", "a bicycle"),
        ("Why do cats purr?", "cats"),
        ("How does a heat pump work?", "a heat pump"),
        ("Could you please write a 500-word essay about the history of tea?", "the history of tea"),
        ("Compare SQLite and PostgreSQL", "SQLite and PostgreSQL"),
        ("Plan a weekend in Lisbon, please", "a weekend in Lisbon"),
        ("what is it?", ""),
        ("", ""),
        ("🙂", "🙂"),
    ],
)
def test_the_topic_is_found(prompt: str, topic: str) -> None:
    assert find_topic(prompt) == topic


def test_a_name_stands_for_the_topic() -> None:
    assert key_of("a weekend in Lisbon") == "Lisbon"


@pytest.mark.parametrize("prompt", ["In one word: bees?", "Answer with a single word. Bees?"])
def test_one_word_is_one_word(prompt: str) -> None:
    assert len(said(prompt).split()) == 1


@pytest.mark.parametrize(("words", "least"), [(100, 60), (500, 400), (3000, 2700)])
def test_the_length_is_what_was_asked_for(words: int, least: int) -> None:
    assert least <= len(said(f"Write {words} words about bees").split()) <= words + 1


def test_brief_is_shorter_than_usual_and_long_is_longer() -> None:
    brief, usual, long = (said(f"{how} about bees") for how in ("Briefly", "Tell me", "In detail"))
    assert len(brief) < len(usual) < len(long)


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        (
            "Show me everything you can do with markdown",
            ["## ", "| --- |", "$$", "```", "> ", "1. "],
        ),
        ("Write a Python function that merges two lists", ["```python\ndef merge"]),
        ("A SQL query for sales", ["```sql\n"]),
        ("Compare tea and coffee", ["|  | tea | coffee |"]),
        ("Explain the formula of probability", ["$$"]),
        ("How do I bake bread?", ["1. ", "2. ", "bread"]),
        ("Tell me about bees", ["## Bees", "- **", "](https://", "emulator"]),
        ("Why is the sky blue?", ["Rayleigh", "lambda"]),
        ("hello", ["Haiku", "emulator"]),
        ("What is 17 * 23?", ["**391**"]),
        ("What is 1 / 0?", ["zero"]),
        ("Count from 1 to 5", ["1, 2, 3, 4, 5"]),
    ],
)
def test_an_answer_has_the_form_that_fits(prompt: str, parts: list[str]) -> None:
    text = said(prompt)
    assert all(part in text for part in parts), text


def test_a_follow_up_goes_on_with_the_topic_before() -> None:
    assert "heat pump" in said("Go on", earlier="How does a heat pump work?")


def test_some_answers_hold_more_than_latin_letters() -> None:
    answers = "".join(said("Tell me about bees", seed) for seed in range(20))
    assert {"千", "Ü", "ü"} & set(answers)


@given(st.text(max_size=300))
def test_whatever_is_asked_something_is_said(prompt: str) -> None:
    assert said(prompt).strip()


@given(st.text(max_size=500))
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_orders_are_taken_out_of_the_prompt() -> None:
    found = read_directives("Bees [[pace: tokens_per_s=9]] and [[fault: cut after=2]] ants")
    assert found.text == "Bees  and  ants"
    assert found.number("pace", "tokens_per_s", 1) == 9
    assert found.number("pace", "first_token_s", 0.5) == 0.5
    assert found.orders["fault"] == "cut after=2"


async def test_the_same_seed_says_the_same_and_another_something_else() -> None:
    async def texts(seed: int) -> list[str]:
        async with connected(instant(seed=seed)) as (client, _):
            return [
                (await read(client, ask("Tell me about bees", model=model))).text
                for model in ("openai/gpt-5-mini", "openai/gpt-4.1-mini")
            ]

    first, again, other = await texts(1), await texts(1), await texts(2)
    assert first == again != other
    assert first[0] != first[1]


async def test_what_is_ordered_is_said_letter_by_letter() -> None:
    wanted = "# Ä\n\n`[x]` 🙂 千里 | a |"
    async with connected() as (client, _):
        stream = await read(client, ask(f"[[say: {wanted}]]"))
    assert stream.text == wanted


async def test_a_benchmark_stamps_each_chunk_with_the_time() -> None:
    async with connected() as (client, _):
        stream = await read(client, ask("[[bench: chunks=30 rate=2000]]"))
    stamps = [float(word) for word in stream.text.split()]
    assert len(stamps) == stream.usages[-1]["completion_tokens"] == 30
    assert stamps == sorted(stamps)
