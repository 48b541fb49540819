"""The pure parts: tokens, whole thoughts, cache marks, the sizes of pictures, recordings."""

from __future__ import annotations

import struct
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chat.attachments import AUDIO_FORMATS, _audio_tokens
from chat.caching import is_marked, with_marks
from chat.picture_size import picture_size
from chat.reasoning import is_of, whole_details
from chat.tokens import tokens_of
from routing.candidates import Candidate, Skills
from routing.prices import Prices
from routing.prompts import read_prompt
from tests.chat.offered import MP3, PNG, WAV


@pytest.mark.parametrize(
    "text",
    ["The quick brown fox jumps over the lazy dog. " * 20, "水は低きに流れる。" * 30,
     "오늘은 날씨가 좋습니다. " * 30, "Сегодня хорошая погода. " * 30, "สวัสดีตอนเช้า" * 30,
     "A party tonight 🎉 with us? 🙂 " * 30],
)  # fmt: skip
def test_an_estimate_of_earlier_messages_keeps_step_with_that_of_the_prompt(text: str) -> None:
    """The decision reckons with half as much again: what is held is never too little by more."""
    assert tokens_of(text) * 1.5 >= read_prompt(text).text_tokens


def test_a_chinese_sign_is_a_token_and_english_a_third_of_one_a_letter() -> None:
    assert tokens_of("水" * 300) == 300
    assert tokens_of("a" * 300) == 100
    assert tokens_of("水", "aaa") == 2
    assert tokens_of("\ud83d") == 0, "half a sign is no error"


TEXT = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ([], []),
        (
            [TEXT | {"text": "Hm"}, TEXT | {"text": "m."}, TEXT | {"signature": "s"}],
            [TEXT | {"text": "Hmm.", "signature": "s"}],
        ),
        (  # a signature ends an item, whatever its index says
            [TEXT | {"text": "a", "signature": "s"}, TEXT | {"text": "b", "signature": "t"}],
            [TEXT | {"text": "a", "signature": "s"}, TEXT | {"text": "b", "signature": "t"}],
        ),
        (
            [TEXT | {"text": "a"}, TEXT | {"text": "b", "index": 1}],
            [TEXT | {"text": "a"}, TEXT | {"text": "b", "index": 1}],
        ),
        (  # what is encrypted comes whole, each time
            [{"type": "reasoning.encrypted", "data": "x"}] * 2,
            [{"type": "reasoning.encrypted", "data": "x"}] * 2,
        ),
        (
            [{"type": "reasoning.summary", "summary": "a", "id": "1"},
             {"type": "reasoning.summary", "summary": "b", "id": "2"}],
            [{"type": "reasoning.summary", "summary": "a", "id": "1"},
             {"type": "reasoning.summary", "summary": "b", "id": "2"}],
        ),
        ([{"type": "of.tomorrow", "x": [1]}] * 2, [{"type": "of.tomorrow", "x": [1]}] * 2),
    ],
)  # fmt: skip
def test_thoughts_are_put_together(pieces: list[Any], whole: list[Any]) -> None:
    before = [dict(piece) for piece in pieces]
    assert whole_details(pieces) == whole
    assert whole_details(whole) == whole, "what is whole stays as it is"
    assert pieces == before


@pytest.mark.parametrize(
    ("served", "asked", "same"),
    [
        ("anthropic/claude-4.5-haiku-20251001", "anthropic/claude-haiku-4.5:nitro", True),
        ("~anthropic/claude-haiku-latest", "anthropic/claude-haiku-4.5", True),
        ("google/gemini-2.5-pro", "anthropic/claude-haiku-4.5", False),
        ("openrouter/auto", "openrouter/auto", False),
        ("", "anthropic/claude-haiku-4.5", False),
        ("a model", "a model", False),
    ],
)
def test_whose_thoughts_these_are(served: str, asked: str, same: bool) -> None:
    assert is_of(served, asked) is same


CLAUDE = Candidate(
    "anthropic/claude", "Claude", "anthropic", Prices(Decimal(1), Decimal(1)), Skills.even(0.5),
    cache_write_usd=Decimal(1),
)  # fmt: skip
TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "s" * 6_000},
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "1"},
    {"role": "user", "content": [{"type": "text", "text": "two"}, {"type": "image_url"}]},
    {"role": "assistant", "content": "2"},
    {"role": "user", "content": "three"},
]


def test_marks_stand_on_the_last_text_and_change_nothing_else() -> None:
    marked = with_marks(TALK, CLAUDE)
    assert [at for at, it in enumerate(marked) if is_marked([it])] == [0, 3, 5]
    assert marked[3]["content"] == [
        {"type": "text", "text": "two", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url"},
    ]
    assert not is_marked(TALK), "what was given stays as it was"


@pytest.mark.parametrize(
    "model",
    [None, replace(CLAUDE, author="openai"), replace(CLAUDE, cache_write_usd=None)],
)
def test_no_marks_for_who_takes_none(model: Candidate | None) -> None:
    assert with_marks(TALK, model) is TALK


def test_no_mark_before_there_are_enough_tokens() -> None:
    assert with_marks(TALK[1:3], CLAUDE) == TALK[1:3]
    late = [*TALK[1:5], {"role": "user", "content": "x" * 6_000}]
    assert [is_marked([it]) for it in with_marks(late, CLAUDE)] == [False] * 4 + [True]


WEBP = b"RIFF\0\0\0\0WEBP"


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (PNG, (1, 1)),
        (b"GIF89a" + struct.pack("<HH", 30, 20) + b"\0" * 10, (30, 20)),
        (b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08" + struct.pack(">HH", 20, 30) + b"\0" * 9,
         (30, 20)),
        (WEBP + b"VP8X" + b"\0" * 8 + b"\x1d\0\0\x13\0\0", (30, 20)),
        (WEBP + b"VP8L" + b"\0" * 5 + (29 | 19 << 14).to_bytes(4, "little"), (30, 20)),
        (WEBP + b"VP8 " + b"\0" * 10 + struct.pack("<HH", 30, 20), (30, 20)),
        (b"\xff\xd8", None),
        (b"\xff\xd8" + b"\xff\xe0\0\0" * 40, None),
        (WEBP, None),
        (b"\x89PNG", None),
        (b"", None),
    ],
)  # fmt: skip
def test_the_size_of_a_picture(content: bytes, size: tuple[int, int] | None) -> None:
    assert picture_size(content) == size


def test_a_recording_is_as_long_as_its_bytes_can_make_it() -> None:
    assert _audio_tokens("wav", WAV) == pytest.approx(64, abs=1), "two seconds, by its head"
    assert _audio_tokens("wav", WAV[:28] + b"\0" * 4 + WAV[32:]) > 64, "a head that says nothing"
    assert _audio_tokens("mp3", MP3) > 30
    assert set(AUDIO_FORMATS.values()) >= {"wav", "mp3", "flac", "m4a", "ogg", "aiff", "aac"}
