"""A text as numbers: about 80 counts and ratios, and hashed n-grams. Pure.

Everything is taken from the folded text (case, white space and politeness removed), so that
small edits change little. Only the head and the tail of a long text are read. Both readings
together take about 0.3 ms for a page. The order of NAMES and the hash belong to the format of
the artefact: change either, and `predictor.FORMAT` must change too.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from math import log, log1p
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from routing.lexicon import LEXICON, POLITE, TOPICS

Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]

BUCKETS = 1 << 16
WORDS = BUCKETS // 2  # the first half is for words, the second for runs of bytes
GRAM = 4
HEAD_CHARS, TAIL_CHARS = 1_600, 900

_SPACES = re.compile(r"[^\S\n]+")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
PLAIN_WORD = re.compile(r"[^\W\d_]{3,40}")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_OPTION = re.compile(r"^[ \t]*\(?([a-j])[.):][ \t]+(.*)$", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_ROMAN = re.compile(r"\b(?:i{1,3}|iv|v)[.)] |\bi and ii\b|\bi only\b")
_BLANK = re.compile(r"_{3,}|\.{4,}")
_UNIT = re.compile(
    r"\d\s*(?:kg|g|mg|km|cm|mm|m|s|ms|min|hours?|n|j|kj|w|kw|v|mv|a|ma|hz|khz|mhz|pa|kpa|atm|bar"
    r"|k|mol|l|ml|ft|lb|lbs|psi|btu|ohms?|\u03bcf|\u03a9|\u00b0c?|\u00b0f?|%)(?![a-z])"
)
_MONEY = re.compile(r"[$\u20ac\u00a3]\s?\d|\d\s?(?:dollars|cents|euros)")
_YEAR = re.compile(r"(?<!\d)(?:1[0-9]{3}|20[0-9]{2})(?!\d)")
_TEX = re.compile(r"\\[a-z]+")
_CODE = re.compile(
    r"```|\b(?:def|class|import|return|const|let|func|fn|void|public|select)\b[^\n]{0,80}[(:;={]"
    r"|\w+\([^)\n]{0,60}\)\s*[;{:]|\[/?python\]|traceback \(most"
)
_HOW_MANY = re.compile(r"\bhow (?:many|much|long|far|fast|old)\b")
_NONE_OF = re.compile(
    r"\b(?:all|none|both|neither) of (?:the|these|them)\b|\bcannot be determined\b"
)
_VARIABLE = re.compile(r"(?<![a-z'\u2019])[b-hj-z](?![a-z'\u2019])")
_FORMAT = re.compile(
    r"\bjson\b|\bmarkdown\b|\btable\b|\bbullet|\bexactly \d|\bat (?:least|most) \d|\bcsv\b|\byaml\b"
    r"|\d+ (?:words|sentences|paragraphs|lines|items)"
)

SHAPES = (
    "chars", "words", "word_length", "long_words", "distinct_words", "digit_share", "numbers",
    "largest_number", "decimals", "sign_share", "lines", "questions", "commas", "parentheses",
    "quotes", "tex", "dollars", "powers", "operators", "equals", "brackets", "braces",
    "backticks", "code", "options", "option_length", "option_spread", "option_numbers",
    "none_of", "blank", "question_length", "question_share", "roman", "units", "money", "years",
    "how_many", "variables", "sentences", "sentence_length", "foreign", "format", "short",
    "one_line", "ends_with_question", "ends_with_colon", "ends_open", "indented", "asserts",
    "longest_word", "longest_line", "number_spread",
)  # fmt: skip
NAMES: tuple[str, ...] = (*SHAPES, *LEXICON, *(f"about_{topic}" for topic in TOPICS))
_PLACE = {name: place for place, name in enumerate(NAMES)}
_WORD_PLACES: dict[str, tuple[int, ...]] = {}
for _group, _words in (*LEXICON.items(), *((f"about_{t}", w) for t, w in TOPICS.items())):
    for _word in _words:
        _WORD_PLACES[_word] = (*_WORD_PLACES.get(_word, ()), _PLACE[_group])
_FIRST_TOPIC = _PLACE[f"about_{next(iter(TOPICS))}"]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def fold(text: str) -> str:
    """The text as it is read: ends only, small letters, single spaces, no politeness."""
    text = text.strip()
    if len(text) > HEAD_CHARS + TAIL_CHARS:
        text = f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"
    text = _SPACES.sub(" ", text.lower()).replace("\r", "\n")
    return POLITE.sub(" ", text).strip(" ")


def hand(folded: str) -> Floats:
    """The counts and ratios of a folded text, in the order of NAMES."""
    found = np.zeros(len(NAMES), np.float32)
    words = _WORD.findall(folded)
    _shapes(found, folded, words)
    _vocabulary(found, words)
    return found


def _shapes(found: Floats, folded: str, words: list[str]) -> None:
    raw = np.frombuffer(folded.encode("utf-8", "replace"), np.uint8)
    signs = np.bincount(raw, minlength=256).tolist()
    chars, count = max(1, len(folded)), max(1, len(words))
    lengths = [len(word) for word in words] or [0]
    numbers = _NUMBER.findall(folded)
    lines = folded.split("\n")
    options = _OPTION.findall(folded)
    ends = len(_SENTENCE_END.findall(folded))
    sizes = [len(text) for _, text in options]
    stem = folded[: folded.find(f"\n{options[0][0]}")] if len(options) > 1 else folded
    magnitudes = [_magnitude(number) for number in numbers[:40]]
    digits = sum(signs[48:58])
    letters = sum(lengths)
    values = (
        log(chars), log1p(len(words)), letters / count,
        sum(length > 8 for length in lengths) / count, len(set(words)) / count,
        digits / chars, log1p(len(numbers)), max(magnitudes, default=0.0),
        log1p(sum("." in number for number in numbers)),
        1 - (letters + digits + signs[32] + signs[10]) / chars,
        log1p(len(lines) - 1), log1p(signs[63]), log1p(signs[44]),
        log1p(signs[40]), log1p(signs[34] + folded.count("\u201c")),
        log1p(len(_TEX.findall(folded))), log1p(signs[36]), log1p(signs[94]),
        log1p(signs[43] + signs[42] + signs[47] + signs[60] + signs[62]), log1p(signs[61]),
        log1p(signs[91]), log1p(signs[123]), log1p(signs[96]),
        log1p(len(_CODE.findall(folded))), min(10, len(options)) / 4,
        log1p(sum(sizes) / len(sizes)) if sizes else 0.0,
        (max(sizes) - min(sizes)) / (max(sizes) + 1) if sizes else 0.0,
        sum(bool(_NUMBER.search(text)) for _, text in options) / max(1, len(options)),
        log1p(len(_NONE_OF.findall(folded))), log1p(len(_BLANK.findall(folded))),
        log(max(1, len(stem))), len(stem) / chars, log1p(len(_ROMAN.findall(folded))),
        log1p(len(_UNIT.findall(folded))), log1p(len(_MONEY.findall(folded))),
        log1p(len(_YEAR.findall(folded))), log1p(len(_HOW_MANY.findall(folded))),
        log1p(len(_VARIABLE.findall(folded))), log1p(ends), log1p(count / (ends + 1)),
        (len(raw) - chars) / chars, log1p(len(_FORMAT.findall(folded))),
        float(len(words) <= 12), float(len(lines) == 1), float(folded.endswith("?")),
        float(folded.endswith(":")), float(folded[-1:].isalnum()),
        log1p(folded.count("\n    ") + folded.count("\n\t") + folded.count("\n ")),
        log1p(folded.count("assert")), log1p(max(lengths)),
        log1p(max(map(len, lines))),
        max(magnitudes) - min(magnitudes) if magnitudes else 0.0,
    )  # fmt: skip
    found[: len(SHAPES)] = values


def _magnitude(number: str) -> float:
    """Digits before the point, at most 12."""
    return float(min(12, len(number.split(".", 1)[0])))


def _vocabulary(found: Floats, words: list[str]) -> None:
    """Groups of words as the logarithm of their count, topics as a share of the words too."""
    hits = [0] * len(NAMES)
    for word in words:
        for place in _WORD_PLACES.get(word, ()):
            hits[place] += 1
    counts = np.log1p(np.array(hits[len(SHAPES) :], np.float32))
    found[len(SHAPES) :] = counts
    found[_FIRST_TOPIC:] /= np.log1p(np.float32(len(words) + 8)) / 3


def buckets(folded: str) -> tuple[Ints, Floats]:
    """Bucket numbers and damped counts: words singly and in pairs first, then runs of 4 bytes.

    The two kinds live in halves of their own (`WORDS` is where the second begins), so that each
    can be brought to a length of its own.
    """
    tokens = _TOKEN.findall(folded)
    single = np.array([zlib.crc32(token.encode("utf-8", "replace")) for token in tokens], np.uint64)
    pairs = single[:-1] * _GOLDEN + single[1:]
    raw = np.frombuffer(f"\n{folded}\n".encode("utf-8", "replace"), np.uint8).astype(np.uint64)
    runs = [_rolled(raw, GRAM)] if len(raw) >= GRAM else []
    numbers = np.concatenate([_mixed(single, 11), _mixed(pairs, 12)])
    grams = np.concatenate([_mixed(run, 4) for run in runs] or [numbers[:0]])
    both = np.concatenate([numbers, grams + np.uint64(WORDS)]).astype(np.int64)
    places, counts = np.unique(both, return_counts=True)
    return places, np.log1p(counts).astype(np.float32)


def word_buckets(words: Sequence[str]) -> Ints:
    """The bucket of each single word."""
    single = [zlib.crc32(word.encode("utf-8", "replace")) for word in words]
    return _mixed(np.array(single, np.uint64), 11).astype(np.int64)


def _rolled(raw: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """Each run of `size` bytes as one number: no two runs are alike."""
    last = len(raw) - size + 1
    rolled = raw[:last].copy()
    for step in range(1, size):
        rolled = (rolled << np.uint64(8)) | raw[step : step + last]
    return rolled


def _mixed(numbers: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """Spread over the buckets: Fibonacci hashing, twice."""
    mixed = (numbers + np.uint64(salt)) * _GOLDEN
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return mixed >> np.uint64(49)
