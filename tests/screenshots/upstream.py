"""The emulator on a port, with answers that are written for the pictures."""

from __future__ import annotations

import random
import sys

from openrouter.emulator import ask, compose
from openrouter.emulator.app import create_app
from openrouter.emulator.ask import Ask
from openrouter.emulator.catalogue import Model
from openrouter.emulator.directives import Directives, read_directives
from openrouter.emulator.server import bind, make_server
from openrouter.emulator.settings import EmulatorSettings
from tests.screenshots.words import ENDINGS, NOTE, NOTE_ANSWERS, ORDERS

usual = compose.spoken


def ordered(text: str) -> Directives:
    """The orders of a prompt, where we know it, besides those that stand in it."""
    found = read_directives(text)
    return Directives(found.text, ORDERS.get(found.text, {}) | dict(found.orders))


def spoken(request: Ask, model: Model, chance: random.Random) -> str:
    prompt = request.directives.text
    if prompt == NOTE:
        return NOTE_ANSWERS.get(model.author, NOTE_ANSWERS[""])
    return ENDINGS.get(prompt) or usual(request, model, chance)


def main() -> None:
    vars(ask)["read_directives"] = ordered
    vars(compose)["spoken"] = spoken
    settings = EmulatorSettings(tokens_per_s=900, first_token_s=0.12)
    make_server(create_app(settings)).run(sockets=[bind(int(sys.argv[1]))])


if __name__ == "__main__":
    main()
