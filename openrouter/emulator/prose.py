"""What the emulator says: Markdown about what was asked, long or short as was asked."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote_plus

from openrouter.emulator import sentences
from openrouter.emulator.canned import canned
from openrouter.emulator.snippets import snippet
from openrouter.emulator.wishes import FOLLOW_UP, Length, Wish, read_wish

PLACE = re.compile(r"\{(topic|key|query|model)\}")
INLINE = "In a line there may be `code`, ~~deleted~~, *slanted* and **bold** text."
SHOWCASE = re.compile(r"markdown|show (?:me )?(?:everything|what you can)|what can you do|\bdemo\b")
GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|evening|day)|hallo|moin|ping|test)\b\W*\w*\W*$"
)
THANKS = re.compile(
    r"^\W*(?:thanks?|thank you|cheers|great|perfect|ok(?:ay)?|danke)\b[\w\s,!.]{0,20}$"
)
TITLE = re.compile(
    r"\btitle\b.{0,60}\b(?:conversation|chat|dialogue)\b"
    r"|\b(?:conversation|chat)\b.{0,60}\btitle\b"
)


class Writer:
    """Writes one answer. Everything that could be otherwise is drawn from `chance`."""

    def __init__(self, wish: Wish, model_name: str, chance: random.Random) -> None:
        self._wish, self._chance = wish, chance
        self._filled = {
            "topic": wish.topic,
            "key": wish.key,
            "query": quote_plus(wish.topic),
            "model": model_name,
        }

    def fill(self, text: str) -> str:
        """A sentence with the topic in it. Formulas have braces too, so this is no str.format."""
        filled = self._filled
        if text.startswith("**{topic}"):
            topic = self._wish.topic
            filled = {**filled, "topic": topic[:1].upper() + topic[1:]}
        return PLACE.sub(lambda found: filled[found[1]], text)

    def one(self, bank: Sequence[str]) -> str:
        return self.fill(self._chance.choice(bank))

    def whole(self) -> str:
        """The answer in the length that was asked for."""
        match self._wish.length:
            case Length.WORD:
                return self.one(sentences.WORDS)
            case Length.SENTENCE:
                return self.one(sentences.SENTENCES)
            case Length.SHORT:
                return self._short()
            case Length.LONG:
                return self._long(self._wish.words or 900)
            case _:
                return "\n\n".join([*self._normal(), self.one(sentences.HONEST)]) + "\n"

    def _short(self) -> str:
        if self._wish.words:
            return cut_to(self._wish.words, f"{self.one(sentences.BRIEF)} {self.paragraph()}")
        code = f"\n\n{self.code()}" if self._wish.language else ""
        return f"{self.one(sentences.BRIEF)}{code}"

    def _normal(self) -> Iterator[str]:
        wish = self._wish
        yield f"## {wish.title}"
        yield self.one(sentences.OPENINGS)
        yield self.steps() if wish.steps else self.bullets(4)
        if wish.language:
            yield f"### In code\n\n{self.code()}"
        if wish.table:
            yield f"### Side by side\n\n{self.table()}"
        if wish.formula:
            yield f"### As a formula\n\n{self.one(sentences.FORMULAS)}"
        if not (wish.language or wish.table or wish.formula):
            yield f"### {self._chance.choice(sentences.HEADINGS)}\n\n{self.paragraph()}"
            yield self._chance.choice(sentences.QUOTES)
        yield f"{self.one(sentences.LINKS)} {self.one(sentences.CLOSINGS)}"

    def showcase(self) -> str:
        """Everything that a page must be able to draw."""
        parts = [
            f"## {self._wish.title}",
            self.one(sentences.OPENINGS),
            f"### The points\n\n{self.bullets(4)}",
            f"### The steps\n\n{self.steps()}",
            f"### Side by side\n\n{self.table()}",
            f"### In code\n\n{self.code()}",
            f"### As a formula\n\n{self.one(sentences.FORMULAS)}",
            self._chance.choice(sentences.QUOTES),
            f"{self.one(sentences.LINKS)} {INLINE}",
            "---",
            self.one(sentences.HONEST),
        ]
        return "\n\n".join(parts) + "\n"

    def _long(self, words: int) -> str:
        """Sections until the words are reached, and no further."""
        parts = [f"# {self._wish.title}", self.one(sentences.OPENINGS)]
        so_far = sum(len(part.split()) for part in parts)
        number = 0
        while so_far < words:
            section = self.section(number)
            so_far += len(section.split())
            parts.append(section)
            number += 1
        return cut_to(words, "\n\n".join(parts)) + "\n"

    def section(self, number: int) -> str:
        """One numbered section; what stands between its paragraphs changes from one to the next."""
        heading = f"## {number + 1}. {sentences.HEADINGS[number % len(sentences.HEADINGS)]}"
        extras = (
            self.bullets(4),
            self._chance.choice(sentences.QUOTES),
            self.table(),
            self.one(sentences.FORMULAS),
            self.steps(),
            self.code() if self._wish.language or number % 12 == 5 else self.bullets(3),
        )
        return "\n\n".join(
            [heading, self.paragraph(), extras[number % len(extras)], self.paragraph()]
        )

    def paragraph(self) -> str:
        return " ".join(self.fill(text) for text in self._chance.sample(sentences.PARAGRAPHS, 2))

    def bullets(self, count: int) -> str:
        chosen = self._chance.sample(sentences.BULLETS, count)
        return "\n".join(f"- **{name}:** {self.fill(text)}" for name, text in chosen)

    def steps(self) -> str:
        return "\n".join(
            f"{number}. {self.fill(text)}" for number, text in enumerate(sentences.STEPS, 1)
        )

    def table(self) -> str:
        head, rows = self._versus() or self._chance.choice(sentences.TABLES)
        lines = [head, ["---"] * len(head), *([self.fill(cell) for cell in row] for row in rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _versus(self) -> tuple[Sequence[str], Sequence[Sequence[str]]] | None:
        """The two things of a comparison beside each other; None where there are not two."""
        sides = re.split(r"\s+(?:and|versus|vs\.?|or)\s+", self._wish.topic, maxsplit=1)
        if len(sides) < 2:
            return None
        return ("", *sides), sentences.VERSUS

    def going_on(self) -> str:
        """What is said to somebody who asks for more of the same."""
        return "\n\n".join([self.one(sentences.GOING_ON), self.paragraph(), self.bullets(3)])

    def code(self) -> str:
        language = self._wish.language or "python"
        return f"```{language}\n{snippet(language, self._wish.text)}\n```"


def cut_to(words: int, text: str) -> str:
    """At most so many words, ended as a sentence is."""
    found = list(re.finditer(r"\S+", text))
    if len(found) <= words:
        return text
    kept = text[: found[max(words, 1) - 1].end()]
    whole = max(kept.rfind(". "), kept.rfind(".\n"))
    if whole > 0 and len(kept[:whole].split()) >= 0.6 * words:
        return kept[: whole + 1]
    return kept.rstrip(",;:. ") + " …"


def write(prompt: str, *, model_name: str, chance: random.Random, earlier: str = "") -> str:
    """The answer of a model to a prompt. `earlier`: what the person had said before."""
    wish = read_wish(prompt, earlier)
    writer = Writer(wish, model_name, chance)
    lower = prompt.lower()
    if TITLE.search(lower[:400]):
        return wish.title[:50]
    if GREETING.match(lower):
        return writer.one(sentences.GREETINGS)
    if THANKS.match(lower):
        return writer.one(sentences.THANKS)
    if SHOWCASE.search(lower):
        return writer.showcase()
    if FOLLOW_UP.match(prompt) and earlier and wish.length == Length.NORMAL:
        return writer.going_on()
    return canned(prompt) or writer.whole()


def thoughts(prompt: str, chance: random.Random, *, sentences_wanted: int) -> str:
    """What a model thinks aloud before it answers."""
    writer = Writer(read_wish(prompt), "", chance)
    chosen = [*sentences.THOUGHTS[:-1]][: max(sentences_wanted - 1, 1)]
    return " ".join(writer.fill(text) for text in [*chosen, sentences.THOUGHTS[-1]])
