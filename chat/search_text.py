"""What a person types into the search, as terms; and why a text was found. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain, takewhile
from typing import Final

MOST_CHARS: Final = 200
MOST_TERMS: Final = 12
EXCERPT_CHARS: Final = 180
BEFORE_CHARS: Final = 50  # of an excerpt, before the first word that was found

_PIECE = re.compile(r'(-?)"([^"]*)"?|(-?)(\S+)')
_MARKS = re.compile("[\u0300-\u036f]+")
_SYNTAX = re.compile(r"(?:(?<=\s)|^)#{1,6} |\*\*|`+|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)|\|")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand one after the other. `is_start`: the last may go on."""

    words: tuple[str, ...]
    is_wanted: bool = True
    is_start: bool = False


def read_terms(text: str) -> list[Term]:
    """`two words "a phrase" -without beg`: all are wanted but what has a minus before it.

    The last word may be the beginning of one, as it is still being typed. A text that only
    says what is not wanted asks for nothing.
    """
    terms: list[Term] = []
    text = text[:MOST_CHARS]
    for found in _PIECE.finditer(text):
        quoted = found[2] is not None
        words = tuple(_WORD.findall(plain(found[2] if quoted else found[4])))
        if words:
            wanted = not (found[1] or found[3])
            ends = wanted and not quoted and found.end() == len(text) and text[-1:].isalnum()
            terms.append(Term(words, wanted, ends))
    terms = terms[:MOST_TERMS]
    return terms if any(term.is_wanted for term in terms) else []


def plain(text: str) -> str:
    """In small letters and without accents: the way in which both databases compare."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFD", text.lower())
    return unicodedata.normalize("NFC", _MARKS.sub("", apart))


def excerpt(text: str, terms: Sequence[Term]) -> str:
    """A piece of the text around what was found, as HTML: escaped, the words found in <mark>."""
    spans = _spans(text, terms)
    first = next(spans, (0, 0))
    start = 0 if first[0] <= BEFORE_CHARS else _after_space(text, first[0] - BEFORE_CHARS, first[0])
    end = min(len(text), start + EXCERPT_CHARS)
    pieces, at = ["…"] if start else [], start
    for begin, stop in takewhile(lambda span: span[1] <= end, chain([first], spans)):
        if stop:
            pieces += [
                _shown(text[at:begin]),
                "<mark>",
                escape(text[begin:stop]),
                "</mark>",
            ]
            at = stop
    pieces.append(_shown(text[at:end]))
    if end < len(text):
        pieces.append("…")
    return " ".join("".join(pieces).split())


def _shown(text: str) -> str:
    """A piece of Markdown as a reader knows it, more or less, escaped: nobody looks for stars."""
    return escape(_SYNTAX.sub("", text))


def holds(text: str, terms: Sequence[Term]) -> bool:
    """Whether a short text is what the terms ask for; for what has no index."""
    text = plain(text)
    if not all(word in text for term in terms if term.is_wanted for word in term.words):
        return False
    words = _WORD.findall(text)
    return all(_stands_in(words, term) == term.is_wanted for term in terms)


def _stands_in(words: Sequence[str], term: Term) -> bool:
    size = len(term.words)
    for at in range(len(words) - size + 1):
        piece = tuple(words[at : at + size])
        if piece == term.words:
            return True
        ends_so = term.is_start and piece[-1].startswith(term.words[-1])
        if ends_so and piece[:-1] == term.words[:-1]:
            return True
    return False


def _spans(text: str, terms: Sequence[Term]) -> Iterator[tuple[int, int]]:
    """Where the wanted words stand, one after the other."""
    whole = {word for term in terms if term.is_wanted for word in term.words}
    starts = tuple(term.words[-1] for term in terms if term.is_start)
    for found in _WORD.finditer(text):
        word = plain(found[0])
        if word in whole or (starts and word.startswith(starts)):
            yield found.span()


def _after_space(text: str, start: int, before: int) -> int:
    space = text.find(" ", start, before)
    return start if space < 0 else space + 1
