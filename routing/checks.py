"""What can be seen of an answer's quality without asking a model. Pure.

Each check looks at the question and the answer and says passed, failed, or nothing where it does
not apply. A check fails only on what is plain to see: a false alarm costs a second, dearer call.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from typing import Literal, TypeAlias

Name: TypeAlias = Literal["refusal", "cut", "code", "format", "arithmetic"]
MOST_CHARS = 60_000  # of an answer that are looked at
MOST_ASKED = 8_000  # of a question
MOST_SUMS = 60
MOST_PARSED = 20_000  # characters of code: beyond, a parse is no matter of microseconds
OPENING = 240  # characters in which a refusal shows itself
SHORT = 700  # a longer answer that opens like a refusal usually answers after all


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `words`: what is wrong, for the person; empty where it passed."""

    name: Name
    words: str = ""

    @property
    def passed(self) -> bool:
        return not self.words


@dataclass(frozen=True, slots=True)
class Answer:
    """A question and what was answered. `finish_reason`: as the provider told it."""

    question: str
    text: str
    finish_reason: str | None = None


def check(answer: Answer) -> tuple[Finding, ...]:
    """What each check that applies has found, in their order."""
    found = (look(answer) for look in CHECKS)
    return tuple(finding for finding in found if finding is not None)


# --- Refused, or cut ---

_REFUSAL = re.compile(
    r"^\W*(?:i(?:'|\u2019)?m (?:very |really )?sorry[,.]? (?:but )?)?(?:unfortunately,? )?"
    r"(?:i (?:can(?:no|['\u2019])t|am (?:not able|unable) to|won(?:'|\u2019)t|must decline)"
    r"|i(?:'|\u2019)m (?:not able|unable) to|as an ai(?: language)? model"
    r"|es tut mir leid, aber|ich kann (?:ihnen |dir )?(?:dabei|das|damit) (?:leider )?nicht"
    r"|je suis désolé|je ne peux pas|lo siento, pero|no puedo ayudar)",
    re.IGNORECASE,
)


def refused(answer: Answer) -> Finding | None:
    text = answer.text.strip()
    if not text:
        return Finding("refusal", "the answer is empty")
    if answer.finish_reason == "content_filter":
        return Finding("refusal", "the answer was held back")
    if len(text) <= SHORT and _REFUSAL.match(text[:OPENING]):
        return Finding("refusal", "the model declined to answer")
    return Finding("refusal")


def cut(answer: Answer) -> Finding | None:
    if answer.finish_reason in {"length", "max_tokens"}:
        return Finding("cut", "the answer was cut off by its length")
    if len(_FENCE.findall(answer.text)) % 2:
        return Finding("cut", "a block of code has no end")
    return Finding("cut")


# --- Code that parses ---

_FENCE = re.compile(r"^ {0,3}```", re.MULTILINE)
_BLOCK = re.compile(r"^ {0,3}```[ \t]*(\w*)[^\n]*\n(.*?)^ {0,3}```", re.MULTILINE | re.DOTALL)


def code_parses(answer: Answer) -> Finding | None:
    """Python and JSON are parsed, never run; other languages and fragments say nothing."""
    blocks = [
        (language.lower(), text)
        for language, text in _BLOCK.findall(answer.text[:MOST_CHARS])
        if language.lower() in _PARSERS and len(text) <= MOST_PARSED
    ]
    if not blocks:
        return None
    for language, text in blocks:
        if not _PARSERS[language](text):
            return Finding("code", f"{language} that does not parse")
    return Finding("code")


def _is_python(text: str) -> bool:
    code = textwrap.dedent(text)
    if code.lstrip().startswith((">>>", "%", "!", "$", "pip ", "...")):
        return True  # a session or a shell: no module
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "..." in code or "…" in code  # a fragment shows what it leaves out
    return True


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return "..." in text or "//" in text
    return True


_PARSERS: dict[str, Callable[[str], bool]] = {
    "python": _is_python, "py": _is_python, "python3": _is_python, "json": _is_json,
}  # fmt: skip

# --- The format asked for ---

_WANTS_JSON = re.compile(
    r"\b(?:as|in|into|to|return|output|give me|only|valid) (?:a |an |only |valid )*json\b", re.I
)
_EXACTLY = re.compile(
    r"\b(?:exactly|in|precisely) (\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten)"
    r" (bullet points?|bullets|sentences?|lines?|paragraphs?)\b",
    re.IGNORECASE,
)
_WANTS_TABLE = re.compile(
    r"\b(?:as|in|make|create|draw|into) (?:a |an )?(?:markdown )?table\b", re.I
)
_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10,
}  # fmt: skip
_BULLET = re.compile(r"^\s*(?:[-*+\u2022]|\d{1,2}[.)])\s+\S", re.MULTILINE)
_SENTENCE = re.compile(r"[.!?](?=\s|$)")
_ROW = re.compile(r"^\s*\|.*\|\s*$|<table", re.MULTILINE)


def format_kept(answer: Answer) -> Finding | None:
    text, question = answer.text[:MOST_CHARS].strip(), answer.question[:MOST_ASKED]
    if _WANTS_JSON.search(question):
        blocks = [body for language, body in _BLOCK.findall(text) if language in {"", "json"}]
        kept = any(_is_json(body) for body in [*blocks, text])
        return Finding("format", "" if kept else "JSON was asked for and did not come")
    if _WANTS_TABLE.search(question):
        kept = len(_ROW.findall(text)) >= 1
        return Finding("format", "" if kept else "a table was asked for and did not come")
    asked = _EXACTLY.search(question)
    if asked is None:
        return None
    number, unit = asked[1].lower(), asked[2].lower()
    wanted = _NUMBERS.get(number) or int(number)
    came = _counted(text, unit)
    if came == wanted or not wanted:
        return Finding("format")
    return Finding("format", f"{wanted} {unit} were asked for, {came} came")


def _counted(text: str, unit: str) -> int:
    if unit.startswith("bullet"):
        return len(_BULLET.findall(text))
    if unit.startswith("paragraph"):
        return len([part for part in re.split(r"\n\s*\n", text) if part.strip()])
    if unit.startswith("line"):
        return len([line for line in text.splitlines() if line.strip()])
    return len(_SENTENCE.findall(text))


# --- Arithmetic ---

_NUMBER = r"\d{1,15}(?:,\d{3})*(?:\.\d{1,12})?"
_SUM = re.compile(
    rf"(?<![\w.,^)*/+\u00d7\u00f7\u2212=-])(?<![*/+\u00d7\u00f7\u2212=-] )\$?({_NUMBER}"
    rf"(?:\s*[-+*/\u00d7\u00f7\u00b7\u2212]\s*\$?{_NUMBER}){{1,6}})\s*(=|\u2248)\s*\$?"
    rf"(-?{_NUMBER})(?![\d\w%^])(?!\s*[-+*/\u00d7\u00f7\u00b7\u2212^%(]|[.,]\d)"
)
_SIGNS = str.maketrans({"\u00d7": "*", "\u00f7": "/", "\u00b7": "*", "\u2212": "-", "$": None})
_PART = re.compile(rf"{_NUMBER}|[-+*/]")


def arithmetic_holds(answer: Answer) -> Finding | None:
    """Sums that are written out are done again; a result may be rounded as far as it shows."""
    looked = 0
    for written, sign, result in _SUM.findall(answer.text[:MOST_CHARS]):
        if looked >= MOST_SUMS:
            break
        value = _value(written)
        if value is None:
            continue
        looked += 1
        told = Decimal(result.replace(",", ""))
        step = Decimal(1).scaleb(int(told.as_tuple().exponent))
        off = abs(value - told)
        if off >= step and not (sign == "\u2248" and off <= abs(value) * Decimal("0.05")):
            return Finding("arithmetic", f"{written.strip()} is not {result}")
    return Finding("arithmetic") if looked else None


def _value(written: str) -> Decimal | None:
    """The value of numbers joined by + - * /, products first; None where there is none."""
    parts = _PART.findall(written.translate(_SIGNS))
    with localcontext(prec=40) as context:
        context.traps[InvalidOperation] = context.traps[DivisionByZero] = True
        try:
            numbers = [Decimal(part.replace(",", "")) for part in parts[::2]]
            total, term = Decimal(0), numbers[0]
            for sign, number in zip(parts[1::2], numbers[1:], strict=True):
                if sign == "*":
                    term *= number
                elif sign == "/":
                    term /= number
                else:
                    total, term = total + term, number if sign == "+" else -number
            return total + term
        except (InvalidOperation, DivisionByZero, Overflow, ValueError):
            return None


CHECKS: tuple[Callable[[Answer], Finding | None], ...] = (
    refused, cut, code_parses, format_kept, arithmetic_holds,
)  # fmt: skip
