"""What a prompt asks for, as far as that can be told from its words: topic, length, form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

STOP_WORDS = frozenset(
    """
    a about after all also always am an and any anything are as at be because been before
    but by can choose choosing compare consider could describe did do does doing every
    everything explain for from get getting give go going good had happen happens has have
    he help her him his how i if in into is it its just know learn learning let like list
    look make making may me mean means might more most much must my need never no not of off
    on one only or our out please s she should show so some something start still t tell
    than that the their them then there these they thing things this to too two us use used
    using very want was way we well were what when where which while who why will with
    without word words work working works would write you your yours between
    """.split()  # noqa: SIM905 - a page of quotes is no easier to read
)
JOINING = frozenset("of for in and with from to on between versus vs".split())  # noqa: SIM905
ARTICLES = frozenset("a an the my our your this these".split())  # noqa: SIM905
LEAD = re.compile(
    r"^(?:please|hey|hi|hello|ok(?:ay)?|so|now|and|briefly|shortly|quickly"
    r"|in \w+ (?:word|sentence)s?|in (?:short|brief|detail)"
    r"|(?:can|could|would|will) you(?: please)?"
    r"|i(?:'d| would) like (?:you to|to know|to)|i want (?:you to|to know|to)|i need(?: to know)?"
    r"|help me(?: to)?|let(?:'s| us)|do you know)\b[\s,!.:]*",
    re.IGNORECASE,
)
ORDER = re.compile(
    r"^(?:explain|describe|tell me(?: more)?|write(?: me)?|give me|show me|create|make|draft|build"
    r"|summari[sz]e|compare|list|outline|discuss|define|introduce|teach me|plan|translate"
    r"|talk)\b\s*",
    re.IGNORECASE,
)
FORM = re.compile(
    r"^(?:(?:about|to me|me|on)\s+)?(?:a|an|the|some|my|your|our)?\s*"
    r"(?:(?:very|really|quite)\s+)?(?:(?:short|long|brief|detailed|quick|simple|small|good|nice"
    r"|full|complete|[\d,]+[- ](?:word|token)s?)[\s,]+)*"
    r"(?:(?:python|javascript|typescript|rust|go|java|sql|bash|shell|ruby|html|css|c)\s+)?"
    r"(?:essay|article|text|paragraph|list|table|demo|overview|introduction|summary"
    r"|explanation|comparison|guide|function|program|script|code|report|answer|note|example"
    r"|difference)s?\s+"
    r"(?:(?:that|which|to)\s+\w+|about|on|of|for|between|with|in)\s+",
    re.IGNORECASE,
)
FOLLOW_UP = re.compile(
    r"^\W*(?:go on|continue|carry on|more|shorter|longer|simpler|again|another|in more detail"
    r"|why\W*$|how so|and then|really|elaborate|expand)\b[\w\s,]{0,25}\W*$",
    re.IGNORECASE,
)
TEXT_ON = re.compile(
    r"^(?:an?|the)?\s*(?:\S+ ){0,3}?(?:essay|article|text|paragraph|demo|overview|introduction"
    r"|summary|explanation|report|talk)s?\s+(?:about|on|of)\s+",
    re.IGNORECASE,
)
VERB_LAST = re.compile(
    r"^(?:why|how|when|where)\s+(?:do|does|did|is|are|was|were)\b", re.IGNORECASE
)
FIGURE = re.compile(
    r"\b(\d[\d,.]*|one|two|three|four|five|ten)\s*(k\b)?[\s-]*(word|token|sentence|paragraph)s?\b",
    re.IGNORECASE,
)
SPELLED = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}
LANGUAGES = {
    "python": r"python|django|flask|pandas",
    "javascript": r"javascript|node(?:\.?js)?|\bjs\b",
    "typescript": r"typescript|\bts\b",
    "sql": r"\bsql\b|database quer",
    "bash": r"\bbash\b|\bshell\b|command line",
    "rust": r"\brust\b",
    "go": r"\bgolang\b|\bin go\b|\bgo (?:code|function|program)",
    "java": r"\bjava\b",
    "html": r"\bhtml\b",
    "css": r"\bcss\b",
}
CODE = re.compile(
    r"\b(?:code|function|script|programs?|snippet|algorithm|regex|implement|refactor|class|api)\b"
)
TABLE = re.compile(r"\btable|compar|versus|\bvs\b|difference|options|pros and cons")
FORMULA = re.compile(r"formula|equation|math|calculat|probabilit|statistic|physics|proof")
STEPS = re.compile(r"\bhow (?:do|to|can)|steps?\b|plan\b|guide|recipe|checklist|set ?up")
MOST_WORDS = 60_000


class Length(IntEnum):
    WORD = 1
    SENTENCE = 2
    SHORT = 3
    NORMAL = 4
    LONG = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """`words`: how many are wanted, where a figure was named. `language`: of code, None for none.

    `topic` is a phrase, with its article; `key` the word in it that stands for the whole.
    """

    text: str
    title: str
    topic: str
    key: str
    length: Length
    words: int | None
    language: str | None
    table: bool
    formula: bool
    steps: bool


def read_wish(prompt: str, earlier: str = "") -> Wish:
    """`earlier`: what the person said before, for a prompt that names no topic itself."""
    lower = prompt.lower()
    about = earlier if FOLLOW_UP.match(prompt) and earlier else prompt
    topic = find_topic(about) or find_topic(earlier) or "your question"
    words = wanted_words(lower)
    return Wish(
        text=prompt,
        title=title_of(about) or topic.capitalize(),
        topic=topic,
        key=key_of(topic),
        length=wanted_length(lower, words),
        words=words,
        language=wanted_language(lower),
        table=bool(TABLE.search(lower)),
        formula=bool(FORMULA.search(lower)),
        steps=bool(STEPS.search(lower)),
    )


def first_sentence(text: str) -> str:
    """The first sentence without what leads up to it."""
    rest = re.split(r"(?<=[.!?])\s|\n", text.strip(), maxsplit=1)[0][:300].strip()
    while (shorter := LEAD.sub("", rest)) != rest:
        rest = shorter
    return rest


def title_of(text: str) -> str:
    """A heading: a question stays one, an order becomes its object."""
    rest = re.sub(r"^(?:about|me|to me)\s+", "", ORDER.sub("", first_sentence(text)))
    rest = TEXT_ON.sub("", rest).rstrip(" .:!,")
    if len(rest) > 70:
        rest = rest[:70].rsplit(" ", 1)[0] + "…"
    return rest[:1].upper() + rest[1:]


def find_topic(text: str) -> str:
    """The thing that a prompt is about, as a phrase of a few words; "" for none."""
    rest = first_sentence(text)
    drops_verb = bool(VERB_LAST.match(rest))
    rest = FORM.sub("", ORDER.sub("", rest))
    words = [word.strip(".,;:!?\"'()") for word in rest.split()]
    run = noun_run(words)
    ends = bool(run) and run[-1] == next((word for word in reversed(words) if word), "")
    if drops_verb and ends and len(run) > 1 and run[-2].lower() not in ARTICLES:
        run = run[:-1]  # "why do cats purr" is about cats
    return " ".join(run)


def noun_run(words: list[str]) -> list[str]:
    """The first words that mean something, with their article, and what they are joined to."""
    run: list[str] = []
    for number, word in enumerate(words[:40]):
        plain = word.lower()
        if plain and plain not in STOP_WORDS:
            if not run and number and words[number - 1].lower() in ARTICLES:
                run.append(words[number - 1].lower())
            run.append(word)
        elif run and not joins(words, number):
            break
        elif run:
            run.append(word)
        if len(run) >= 7:
            break
    return run


def joins(words: list[str], number: int) -> bool:
    """Whether a small word leads on to another that means something: history *of* tea."""
    following = words[number + 1].lower() if number + 1 < len(words) else ""
    return words[number].lower() in JOINING and bool(following) and following not in STOP_WORDS


def key_of(topic: str) -> str:
    """The word of a topic that stands for it: a name, or else the longest."""
    words = [word for word in topic.split() if word.lower() not in STOP_WORDS | JOINING]
    names = [word for word in words[1:] if word[:1].isupper()]
    return names[0] if names else max(words, key=len, default=topic)


def wanted_words(lower: str) -> int | None:
    """How many words are wanted; a token counts as three quarters of a word."""
    found = FIGURE.search(lower)
    if not found:
        return None
    try:
        number = float(SPELLED.get(found[1]) or found[1].replace(",", "").rstrip("."))
    except ValueError:
        return None
    per_unit = {"word": 1.0, "token": 0.75, "sentence": 16.0, "paragraph": 70.0}[found[3]]
    return int(min(number * per_unit * (1000 if found[2] else 1), MOST_WORDS))


def wanted_length(lower: str, words: int | None) -> Length:
    if re.search(r"\b(?:one|1|a single|single) word\b|\byes or no\b", lower):
        return Length.WORD
    if re.search(r"\b(?:one|1|a single|single) (?:sentence|line)\b", lower):
        return Length.SENTENCE
    if words is not None:
        return Length.SHORT if words < 60 else Length.LONG
    if re.search(r"\bbrief|\bshort|\bquick|tl;?dr|in a nutshell|concise|\bfew words", lower):
        return Length.SHORT
    if re.search(r"\blong|detailed|in detail|essay|thorough|everything|exhaustive|in depth", lower):
        return Length.LONG
    return Length.NORMAL


def wanted_language(lower: str) -> str | None:
    for language, pattern in LANGUAGES.items():
        if re.search(pattern, lower):
            return language
    return "python" if CODE.search(lower) else None
