"""A prompt, and what a few microseconds of looking tell about it. Pure.

Nothing here is learned: rules of thumb that a later, learned reader replaces behind the same
`Prompt`. Only the head and the tail of a long text are looked at, so that 2 MB cost no more
than a page, and a pasted document is counted without being taken for the question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from routing import words
from routing.lexicon import POLITE
from routing.predictor import Reading

HEAD_CHARS, TAIL_CHARS = 1_200, 600  # where the question of a long text stands
SAMPLE_CHARS = 900
MESSAGE_OVERHEAD_TOKENS = 8
# What an attachment adds when nobody has counted: one page image, a few pages, half a minute.
ATTACHMENT_TOKENS = {"image": 1_600, "file": 6_000, "audio": 1_000, "video": 8_000}
MOST_QUICK_TOKENS = 40  # a quick question is not longer
NO_EVIDENCE = 0.42  # the difficulty of a prompt that says nothing of itself: the balanced middle

_WORD = re.compile(r"[^\W_][\w'\u2019+#-]*", re.UNICODE)
_CODE_SHAPE = re.compile(
    r"```|\b(?:def|class|import|return|const|let|func|fn|void|public|SELECT)\b[^\n]{0,80}[(:;={]"
    r"|\w+\([^)\n]{0,60}\)\s*[;{]|Traceback \(most|^\s*(?:at |File \")",
    re.MULTILINE,
)
_MATHS_SHAPE = re.compile(
    r"\\[a-zA-Z]+[{_^]|[∑∫√≤≥≠∀∃∈ℝπ∞]|\d\s*[*/^\u00d7÷]\s*\d|[a-z]\^\d|\b\w\s*=\s*\S"
)
_COUNTED_WORDS = re.compile(r"\b(\d{2,5})[\s-]*(?:words?|wörter|mots|palabras|слов)\b")
_LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+\S", re.MULTILINE)

# Tokens per character outside ASCII, by where the code point lies (upper bound, rate).
# Rounded up from published tokenizers: an estimate that is too low would hold too little money.
_RATES: tuple[tuple[int, float, str], ...] = (
    (0x024F, 0.5, "latin"), (0x03FF, 0.7, "greek"), (0x052F, 0.45, "cyrillic"),
    (0x058F, 1.2, "armenian"), (0x05FF, 0.8, "hebrew"), (0x077F, 0.6, "arabic"),
    (0x0DFF, 0.9, "indic"), (0x0EFF, 0.9, "thai"), (0x1FFF, 1.6, "other"),
    (0x2FFF, 0.9, "symbols"), (0x30FF, 0.9, "kana"), (0x9FFF, 1.1, "han"),
    (0xABFF, 1.6, "other"), (0xD7FF, 0.8, "hangul"), (0xFFFF, 1.4, "other"),
    (0x10FFFF, 2.2, "emoji"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the decision knows of a message.

    `signals`: each from 0 (no sign) to 1; `difficulty` from 0 (small talk) to 1 (research),
    0.42 where there is no evidence; `demands`: code, maths, writing and general, summing to 1.
    `reading` is what the learned predictor took from the text, None where there is none.
    Tokens are estimates: `prompt_tokens` is all that is sent (history and attachments too),
    `ceiling_tokens` what it will hardly exceed, `answer_tokens` the answer without thinking.
    """

    characters: int
    text_tokens: int
    prompt_tokens: int
    ceiling_tokens: int
    answer_tokens: int
    difficulty: float
    script: str
    needs: frozenset[str] = frozenset()
    signals: Mapping[str, float] = field(default_factory=dict)
    demands: Mapping[str, float] = field(default_factory=lambda: {"general": 1.0})
    reading: Reading | None = field(default=None, compare=False, repr=False)


def read_prompt(
    text: str, *, history_tokens: int = 0, needs: frozenset[str] = frozenset()
) -> Prompt:
    """Measure a prompt: never fails, whatever the text."""
    text = text.strip()
    per_char, script = _tokens_per_char(text)
    text_tokens = math.ceil(len(text) * per_char)
    ask = text if len(text) <= HEAD_CHARS + TAIL_CHARS else _ends(text)
    plain = POLITE.sub(" ", ask).strip()  # asked kindly is not asked for more
    ask = plain if len(plain.split(maxsplit=3)) > 2 else ask
    signals = _signals(ask, text_tokens, attached=bool(needs & ATTACHMENT_TOKENS.keys()))
    attached = sum(ATTACHMENT_TOKENS.get(need, 0) for need in needs)
    prompt_tokens = text_tokens + max(0, history_tokens) + attached + MESSAGE_OVERHEAD_TOKENS
    return Prompt(
        characters=len(text),
        text_tokens=text_tokens,
        prompt_tokens=prompt_tokens,
        ceiling_tokens=math.ceil(prompt_tokens * 1.5) + 64,
        answer_tokens=_answer_tokens(ask, signals, text_tokens),
        difficulty=_difficulty(signals),
        script=script,
        needs=needs,
        signals={name: round(value, 3) for name, value in signals.items() if value},
        demands=_demands(signals),
    )


def _ends(text: str) -> str:
    return f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"


def _tokens_per_char(text: str) -> tuple[float, str]:
    """Estimated tokens per character, and the script most of it is written in."""
    if not text:
        return 0.0, "none"
    sample = text if len(text) <= SAMPLE_CHARS else _spread(text)
    plain = sample if sample.isascii() else sample.encode("ascii", "ignore").decode()
    tokens, script, most = _ascii_tokens(plain), "latin", len(plain) / 2
    if len(plain) < len(sample):
        for name, (count, weight) in _foreign(sample).items():
            tokens += weight
            if count > most and name != "symbols":
                script, most = name, count
    return max(tokens, 1.0) / len(sample), script


def _spread(text: str) -> str:
    """Three windows: the ends and the middle of a long text."""
    third, middle = SAMPLE_CHARS // 3, len(text) // 2
    return text[:third] + text[middle : middle + third] + text[-third:]


def _ascii_tokens(plain: str) -> float:
    """A word is a token and a bit; a sign of its own is one; text without spaces is dense."""
    if not plain:
        return 0.0
    letters = sum(map(str.isalpha, plain))
    digits = sum(map(str.isdigit, plain))
    spaces = plain.count(" ") + plain.count("\n")
    signs = len(plain) - letters - digits - spaces
    dense = letters > 40 and spaces < 0.04 * letters
    return letters / (2.0 if dense else 4.2) + digits / 1.7 + signs / 1.15 + plain.count("\n") / 3


def _foreign(sample: str) -> Mapping[str, tuple[int, float]]:
    found: dict[str, tuple[int, float]] = {}
    for char in sample:
        code = ord(char)
        if code < 128:
            continue
        for bound, rate, name in _RATES:
            if code <= bound:
                count, weight = found.get(name, (0, 0.0))
                found[name] = (count + 1, weight + rate)
                break
    return found


def _signals(ask: str, text_tokens: int, *, attached: bool) -> dict[str, float]:
    lowered = ask.casefold()
    spoken = set(_WORD.findall(lowered))
    inside = not ask.isascii()

    def found(name: str, vocabulary: frozenset[str], full: int) -> float:
        hits = len(spoken & vocabulary)
        hits += sum(phrase in lowered for phrase in words.PHRASES.get(name, ()))
        if inside:
            hits += 2 * sum(part in lowered for part in words.INSIDE.get(name, ()))
        return min(1.0, hits / full)

    substance = spoken - words.POLITE - words.GREETINGS
    items = len(_LIST_ITEM.findall(ask)) + lowered.count("?")
    signals = {
        "code": max(found("code", words.CODE, 3), 0.8 * bool(_CODE_SHAPE.search(ask))),
        "maths": max(found("maths", words.MATHS, 3), 0.5 * bool(_MATHS_SHAPE.search(ask))),
        "reasoning": found("reasoning", words.REASONING, 3),
        "writing": found("writing", words.WRITING, 2),
        "transform": found("transform", words.TRANSFORM, 1),
        "short": found("short", words.SHORT, 1),
        "long": max(found("long", words.LONG, 2), min(1.0, _words_wanted(lowered) / 1_000)),
        "parts": min(1.0, max(0, items - 1) / 5),
        "length": min(1.0, math.log10(1 + len(substance)) / 2.2),
    }
    if not attached and _is_small_talk(spoken, substance, lowered, inside=inside):
        signals["small_talk"] = 1.0
    elif spoken and text_tokens <= MOST_QUICK_TOKENS:
        signals["simple"] = _simplicity(signals, spoken, substance)
    return signals


def _words_wanted(lowered: str) -> int:
    """The length that is asked for ("800 words"), or 0."""
    counted = _COUNTED_WORDS.search(lowered)
    return int(counted[1]) if counted else 0


def _is_small_talk(spoken: set[str], substance: set[str], lowered: str, *, inside: bool) -> bool:
    if len(lowered) > 60:
        return False
    greeted = bool(spoken & words.GREETINGS)
    if inside and any(part in lowered for part in words.INSIDE["greeting"]):
        return len(lowered) < 12
    return not spoken or (greeted and len(substance) <= 1)


def _simplicity(signals: Mapping[str, float], spoken: set[str], substance: set[str]) -> float:
    """A short question of fact: few words, a word that asks, no sign of work."""
    work = max(signals[name] for name in ("code", "maths", "reasoning", "writing", "parts"))
    asked = 1.0 if spoken & words.ASKING else 0.4
    return max(0.0, (1 - work) * asked * (1 - len(substance) / 12))


def _difficulty(signals: Mapping[str, float]) -> float:
    """From small talk to research; no evidence is the balanced middle, never the bottom."""
    if signals.get("small_talk"):
        return 0.05
    work = (
        0.36 * signals["reasoning"]
        + 0.24 * signals["maths"]
        + 0.20 * signals["code"]
        + 0.12 * signals["long"]
        + 0.05 * signals["writing"]
        + 0.12 * signals["parts"]
        + 0.30 * max(0.0, signals["length"] - 0.45)
    )
    ease = 0.34 * signals.get("simple", 0.0) + 0.16 * signals["transform"] + 0.08 * signals["short"]
    return min(0.98, max(0.05, NO_EVIDENCE + work - ease))


def _demands(signals: Mapping[str, float]) -> Mapping[str, float]:
    asked = {name: signals[name] for name in ("code", "maths", "writing")}
    rest = max(0.25, 1 - sum(asked.values()))
    total = rest + sum(asked.values())
    shares = {name: share / total for name, share in asked.items() if share}
    return {**shares, "general": rest / total}


def _answer_tokens(ask: str, signals: Mapping[str, float], text_tokens: int) -> int:
    """How long a good answer will be; models differ by a factor of two around it."""
    if signals.get("small_talk"):
        return 40
    if wanted := _words_wanted(ask.casefold()):
        return min(8_000, round(wanted * 1.5) + 30)
    length = 330.0 - 220 * signals.get("simple", 0.0)
    length += 800 * signals["code"] + 700 * signals["writing"] + 500 * signals["maths"]
    length += 500 * signals["reasoning"] + 400 * signals["parts"]
    if signals["transform"]:
        length = min(length, max(120.0, text_tokens * 1.1))
    length *= (1 + signals["long"]) * (1 - 0.7 * signals["short"])
    return min(8_000, max(30, round(length)))


def strongest(signals: Mapping[str, float], count: int = 3) -> Sequence[str]:
    """The names of the signals that spoke loudest."""
    loud = sorted(signals.items(), key=lambda item: (-item[1], item[0]))
    return [name for name, value in loud[:count] if value >= 0.2]
