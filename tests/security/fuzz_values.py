"""Values that no form of ours sends, and some that are right: one draws from both."""

# ruff: noqa: E501 - payloads

from __future__ import annotations

import json
import random
from typing import Final

from tests.security.corpus import CORPUS, LINES

NUMBERS: Final = (
    "0", "-0", "1", "-1", "2", "3", "10", "11", "255", "2147483647", "2147483648", "-2147483649",
    "9223372036854775807", "9223372036854775808", "9" * 40, "9" * 5_000, "1e309", "-1e309", "1e-400",
    "NaN", "nan", "-nan", "sNaN", "Infinity", "-inf", "0x10", "1_000", " 1 ", "1,5", "١٢٣", "½", "1.",
    ".5", "00000001", "+1", "--1", "1e1", "True", "null", "undefined",
)  # fmt: skip
DATES: Final = (
    "2026-02-30", "0000-00-00", "9999-12-31", "99999-01-01", "2026-W01", "2026-11", "2026-13", "-1",
    "1970-01-01T00:00:00Z", "2026-11-20 25:61", "20261120", "today", "2026-11-20T00:00:00+99:99",
)  # fmt: skip
LETTERS: Final = (
    "", " ", "\t", "\n", "\r\n", "\0", "a\0b", "\x1b[31m", "\u202e", "\ufeff", "\ufffe", "\ud7ff\ue000",
    "é", "漢", "🙂", "\U0010ffff", "\u0130", "ß" * 300, "'", '"', "\\", "%", "%%", "%s%n", "{}", "{0}", "${x}",
    "../../etc/passwd", "..%2f", "//other.test", "javascript:1", "' OR 1=1--", "1; DROP TABLE x",
    "__proto__", "constructor", "None", "on", "off", "true", "false", "all", "*", "?", "a=b&c=d",
)  # fmt: skip
SURROGATES: Final = (
    b"%ED%A0%80",
    b"%ED%BF%BF",
    b"%C0%80",
    b"%FF%FE",
    b"%F5%80%80%80",
    b"%zz",
    b"%",
)
LONG: Final = ("x" * 256, "x" * 5_000, "x" * 100_000, "ab " * 30_000, "<" * 20_000, "[" * 20_000)


def bombs(chance: random.Random) -> str:
    """JSON that is deep, wide, odd or endless."""
    depth = chance.choice((50, 900, 5_000, 60_000))
    return chance.choice(
        (
            "[" * depth,
            "[" * depth + "]" * depth,
            '{"a":' * depth + "1" + "}" * depth,
            "1" * depth,
            f'{{"a": 1e{depth}}}',
            '{"a": NaN, "b": -Infinity}',
            '{"a": "\\ud800"}',
            '{"a": 1, "a": 2}',
            json.dumps({str(n): n for n in range(min(depth, 5_000))}),
            '{"$ref": "#"}',
            '{"type": "object", "properties": {"a": {"$ref": "#"}}}',
            '{"$ref": "http://other.test/schema"}',
            '{"pattern": "(a+)+$"}',
            "{",
            "nul",
            '"',
        )
    )


def value(chance: random.Random, known: dict[str, list[str]]) -> str:
    """One value of a field, of a query, or of a part of an address."""
    kind = chance.randrange(10)
    if kind < 3:
        return chance.choice([it for found in known.values() for it in found])
    if kind < 5:
        return chance.choice(NUMBERS)
    if kind < 7:
        return chance.choice(LETTERS)
    if kind == 7:
        return chance.choice(DATES)
    if kind == 8:
        text = chance.choice((*LINES, chance.choice(CORPUS).text))
        return text.encode("utf-8", "replace").decode()  # halves of pairs cannot be sent
    return (
        bombs(chance)
        if chance.random() < 0.3
        else chance.choice(LONG[:2] if chance.random() < 0.8 else LONG)
    )
