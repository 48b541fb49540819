"""A small world of outcomes: sums that only able models get right, and easy questions."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

MODELS = {"openai/gpt-4o": 0.9, "mistralai/mistral-large": 0.7, "junk/small-3b": 0.25}
PLACES = ("Paris", "Oslo", "Lima", "Cairo", "Quito", "Delhi", "Accra", "Hanoi", "Turin", "Davao")
THINGS = ("river", "bridge", "market", "harbour", "mayor", "museum", "tower", "festival", "street")


def question(chance: random.Random, *, hard: bool) -> str:
    if hard:
        a, b, c = (chance.randint(12, 999) for _ in range(3))
        return f"Calculate the remainder when ${a} \\times {b}$ is divided by {c}, and prove it."
    thing, place = chance.choice(THINGS), chance.choice(PLACES)
    return f"Which {thing} in {place} do most visitors like best, number {chance.randint(1, 9)}?"


def write_outcomes(folder: Path, *, prompts: int = 240, benchmarks: int = 2) -> Path:
    """Two benchmarks: in the first hard and easy mix, the second is easy questions only."""
    chance = random.Random(5)
    asked: list[dict[str, Any]] = []
    came: list[dict[str, Any]] = []
    for at in range(prompts):
        name = f"world{at % benchmarks}"
        hard = name == "world0" and chance.random() < 0.5
        text = question(chance, hard=hard)
        key = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        asked.append({"benchmark": name, "prompt_id": f"p{at}", "category": "", "flag": "",
                      "input_tokens": len(text) // 4, "qkey": key, "prompt": text})  # fmt: skip
        for model, able in MODELS.items():
            odds = able if hard else 0.5 + able / 2
            came.append({
                "benchmark": name, "prompt_id": f"p{at}", "model": model,
                "score": float(chance.random() < odds), "output_tokens": 300 if hard else 30,
                "tokens_how": "", "cost_usd": 0.001 * able**3 * (10 if hard else 1), "cost_how": "",
            })  # fmt: skip
    pq.write_table(pa.Table.from_pylist(asked), folder / "dev_prompts.parquet")
    pq.write_table(pa.Table.from_pylist(came), folder / "dev_outcomes.parquet")
    rows = "".join(f"{model},{10 * able**3},{20 * able**3},own\n" for model, able in MODELS.items())
    (folder / "prices.csv").write_text(f"model,usd_per_m_input,usd_per_m_output,source\n{rows}")
    return folder
