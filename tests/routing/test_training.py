"""The learned router, from outcomes to odds, in a small world of our own."""

from __future__ import annotations

import random
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from routing.artefacts import load, save
from routing.evaluation import after_outcomes, fitted_on, left_out, predict
from routing.measures import brier
from routing.outcomes import Corpus, read_corpus
from routing.predictor import Predictor, softened, trusted
from routing.training import fit
from tests.routing.outcomes import MODELS, question, write_outcomes


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_outcomes(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def corpus(world: Path) -> Corpus:
    return read_corpus(world)


@pytest.fixture(scope="module")
def predictor(corpus: Corpus) -> Predictor:
    return fit(corpus, fitted_on(corpus), seed=1, version="small")


def gap(predictor: Predictor, text: str) -> float:
    """What the best model adds over the worst, as predicted."""
    models = ["openai/gpt-4o", "junk/small-3b"]
    reading = predictor.read(text)
    able = np.array([predictor.abilities[model] for model in models], np.float32)
    abilities = np.repeat(able[:, None], len(predictor.sources), 1)
    places = np.array([predictor.pool_places(model) for model in models])
    strong, weak = predictor.odds(reading, abilities, places, able, 0.42)
    return float(strong - weak)


def test_prompts_that_need_an_able_model_are_told_from_those_that_do_not(
    predictor: Predictor,
) -> None:
    chance = random.Random(99)
    hard = [gap(predictor, question(chance, hard=True)) for _ in range(10)]
    easy = [gap(predictor, question(chance, hard=False)) for _ in range(10)]
    assert min(hard) > max(easy)


def test_models_are_placed_in_the_order_of_their_scores(predictor: Predictor) -> None:
    placed = sorted(MODELS, key=lambda model: predictor.abilities[model])
    assert placed == sorted(MODELS, key=lambda model: MODELS[model])


def test_the_length_of_the_answer_is_learned(predictor: Predictor) -> None:
    chance = random.Random(98)
    long = predictor.read(question(chance, hard=True)).tokens
    short = predictor.read(question(chance, hard=False)).tokens
    assert long > 3 * short


def test_a_prompt_unlike_anything_seen_is_called_unfamiliar(predictor: Predictor) -> None:
    known = predictor.read("Which bridge in Oslo do most visitors like best, number 3?")
    strange = predictor.read("def f(x):\n    return {k: v for k, v in x.items()}\n" * 12)
    assert known.unfamiliar < 0.5 < strange.unfamiliar
    assert known.shares.sum() == pytest.approx(1, abs=1e-3)


def test_the_same_seed_gives_the_same_artefact(corpus: Corpus, tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(fit(corpus, fitted_on(corpus), seed=3, version="x"), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_saved_predictor_reads_as_the_one_that_was_fitted(
    predictor: Predictor, tmp_path: Path
) -> None:
    save(predictor, tmp_path / "router.npz")
    again = load(tmp_path / "router.npz")
    text = "Calculate the remainder when $77 \\times 13$ is divided by 9."
    assert gap(again, text) == pytest.approx(gap(predictor, text), abs=0.01)
    assert again.read(text).artefact == "small"


def test_case_space_and_politeness_hardly_change_the_odds(predictor: Predictor) -> None:
    plain = "Calculate the remainder when $77 \\times 13$ is divided by 9."
    for edited in (
        plain.upper(),
        f"  {plain}\n",
        f"Please {plain} Thank you!",
        plain.replace(" ", "  "),
    ):
        assert gap(predictor, edited) == pytest.approx(gap(predictor, plain), abs=0.05)


@pytest.mark.parametrize(
    "text", ["", " ", "\x00\xff" * 50, "🙂" * 40, "a" * 2_000_000, "你好 请证明", "\ud800 lone"]
)
def test_any_text_is_read(predictor: Predictor, text: str) -> None:
    reading = predictor.read(text)
    assert np.isfinite(reading.outputs).all()
    assert 0 <= reading.unfamiliar <= 1
    assert reading.tokens >= 1


def test_the_commands_train_evaluate_and_write_predictions(world: Path, tmp_path: Path) -> None:
    told = StringIO()
    artefact, lines = tmp_path / "router.npz", tmp_path / "predictions.csv"
    call_command("train_router", data=world, out=artefact, stdout=told)
    call_command(
        "evaluate_router", data=world, artefact=artefact, splits=["cv", "speed"],
        predictions=lines, stdout=told, stderr=StringIO(),
    )  # fmt: skip
    rows = lines.read_text().splitlines()
    assert rows[0] == "prompt_id,model,predicted_quality,predicted_cost_usd"
    assert len(rows) == 1 + 240 * len(MODELS)
    assert "cross-validated: two models" in told.getvalue()
    assert "gain over hull" in told.getvalue()
    assert "without prompts that resemble" in told.getvalue()


def test_a_folder_without_outcomes_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No outcomes"):
        call_command("train_router", data=tmp_path)


def test_sources_are_believed_only_about_models_they_know(predictor: Predictor) -> None:
    reading = predictor.read(question(random.Random(4), hard=True))
    known = np.array([predictor.pool_places(model) for model in MODELS])
    unknown = np.full_like(known, -1)
    trust, weights = trusted(reading, known)
    assert trust > 0.5
    assert weights.sum() == pytest.approx(1, abs=1e-3)
    assert trusted(reading, unknown)[0] == 0


def test_a_strange_prompt_loses_trust_unless_it_is_surely_of_one_kind(predictor: Predictor) -> None:
    reading = predictor.read(question(random.Random(4), hard=True))
    known = np.array([predictor.pool_places(model) for model in MODELS])
    plain = trusted(replace(reading, unfamiliar=0.0, likest=0.1), known)[0]
    strange = trusted(replace(reading, unfamiliar=1.0, likest=0.1), known)[0]
    certain = trusted(replace(reading, unfamiliar=1.0, likest=0.9), known)[0]
    assert strange < 0.5 * plain
    assert certain == pytest.approx(plain)


def test_thirty_outcomes_are_left_out_and_move_the_odds(corpus: Corpus) -> None:
    split = left_out(corpus, seed=1, say=lambda _: None)
    after = after_outcomes(split, corpus, seed=1)
    for name, benchmark in split.benchmarks.items():
        assert len(after.benchmarks[name].rows) == len(benchmark.rows) - 30
    before, now = (
        brier(s.quality["world0"], s.benchmarks["world0"].scores) for s in (split, after)
    )
    assert now < before


def test_models_nobody_knows_are_compared_by_ability_alone(predictor: Predictor) -> None:
    reading = predictor.read(question(random.Random(4), hard=True))
    able = np.array([0.2, 0.5, 0.9], np.float32)
    columns = len(predictor.sources)
    odds = predictor.odds(
        reading, np.repeat(able[:, None], columns, 1), np.full((3, columns), -1), able, 0.42
    )
    assert odds.tolist() == sorted(odds.tolist())


def test_softened_scores_stay_between_none_and_all_in_their_order() -> None:
    scores = np.linspace(-0.3, 1.3, 60, dtype=np.float32)
    kept = softened(scores)
    assert kept.min() > 0
    assert kept.max() < 1
    assert (np.diff(kept) >= 0).all()


def test_a_model_held_out_of_training_keeps_a_place_of_its_own(corpus: Corpus) -> None:
    kept = {name: b.of([m for m in b.models if m != "openai/gpt-4o"])
            for name, b in fitted_on(corpus).items()}  # fmt: skip
    predictor = fit(corpus, kept, seed=1, version="without")
    assert "openai/gpt-4o" not in predictor.abilities
    asked = corpus.benchmarks["world0"]
    quality = predict(predictor, corpus, asked).quality.mean(0)
    placed = dict(zip(asked.models, quality.tolist(), strict=True))
    assert placed["openai/gpt-4o"] > placed["junk/small-3b"]
