"""What the emulator says. (First version.)"""

from __future__ import annotations

import random


def thoughts(prompt: str, chance: random.Random, *, sentences: int) -> str:
    return " ".join(f"The question is about {prompt[:40]!r}." for _ in range(sentences))


def write(prompt: str, *, model_name: str, chance: random.Random) -> str:
    return (
        f"## {prompt[:60]}\n\nThis is the local emulator, playing {model_name}.\n\n- one\n- two\n"
    )
