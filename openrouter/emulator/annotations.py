"""What hangs on an answer: citations of a search, and files that were read.

They come before the text, as they do for real. Sources: the recordings stream-web-search-citations,
citations-perplexity and file-annotation-pdf.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

from openrouter.emulator.answer import Kind, Part
from openrouter.emulator.ask import Ask
from openrouter.emulator.catalogue import Model
from openrouter.emulator.wishes import find_topic

CITATIONS = 3


def annotate(ask: Ask, model: Model, chance: random.Random) -> Iterator[Part]:
    """Every annotation of an answer, in the order in which they are sent."""
    found = [*read_files(ask)]
    if ask.searches_web:
        found += citations(ask, chance, with_content=True)
    elif model.author == "perplexity":  # searches by itself, and tells no content
        found += citations(ask, chance, with_content=False)
    for annotation in found:
        yield Part(Kind.ANNOTATION, detail=annotation)


def citations(
    ask: Ask, chance: random.Random, *, with_content: bool
) -> Iterator[Mapping[str, Any]]:
    topic = find_topic(ask.directives.text) or "nothing in particular"
    path = "-".join(topic.lower().split())
    for number in range(1, CITATIONS + 1):
        citation: dict[str, Any] = {
            "url": f"https://www.example.org/{number}/{path}",
            "title": "" if number == 2 else f"Source {number} on {topic}",  # titles may be empty
            "start_index": 0,
            "end_index": 0,
        }
        if with_content:
            citation["content"] = f"A made-up page on {topic}, number {chance.randint(100, 999)}."
        yield {"type": "url_citation", "url_citation": citation}


def read_files(ask: Ask) -> Iterator[Mapping[str, Any]]:
    """The files of the last message, as if they had been parsed; an image is none."""
    content = ask.messages[-1].get("content")
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, Mapping) or part.get("type") != "file":
            continue
        file = part.get("file") or {}
        name = str(file.get("filename") or "document.pdf")
        data = bytes_of(str(file.get("file_data") or ""))
        texts = (
            f'<file name="{name}">',
            f"{len(data)} bytes that the emulator did not read",
            "</file>",
        )
        parsed = [{"type": "text", "text": text} for text in texts]
        digest = hashlib.sha256(data).hexdigest()
        yield {"type": "file", "file": {"hash": digest, "name": name, "content": parsed}}


def bytes_of(data: str) -> bytes:
    """What a data URI holds; the text itself where it is none."""
    try:
        return base64.b64decode(data.partition("base64,")[2] or "*", validate=True)
    except (binascii.Error, ValueError):
        return data.encode()
