"""The learned router in the application: used, named, and done without where it is missing."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from routing import artefacts
from routing.artefacts import SHIPPED, ArtefactUnfit, load, the_predictor
from routing.candidates import Candidate
from routing.decision import Decision
from routing.features import fold
from routing.learned import LearnedOdds, Roster, with_reading
from routing.predictor import Predictor
from routing.prompts import read_prompt
from routing.reasons import learned_line
from routing.receipts import receipt
from routing.weighing import decide
from tests.routing.factories import MARKET, candidate, prices, question
from tests.routing.golden import PROMPTS

SUM = "Compute the integral of x^2 e^x from 0 to 1 and prove that it is irrational"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return load(SHIPPED)


@pytest.fixture
def forgetful() -> Iterator[None]:
    the_predictor.cache_clear()
    yield
    the_predictor.cache_clear()


def decided(predictor: Predictor, text: str, market: tuple[Candidate, ...] = MARKET) -> Decision:
    asked = question(text, max_completion_tokens=16_000)
    asked = replace(asked, prompt=with_reading(asked.prompt, text, predictor))
    return decide(asked, market, LearnedOdds(Roster.of(predictor, market)))


def test_the_shipped_artefact_is_small() -> None:
    assert SHIPPED.stat().st_size < 5_000_000


def test_a_decision_names_the_artefact_and_survives_being_stored(predictor: Predictor) -> None:
    decision = decided(predictor, SUM)
    assert decision.learned["artefact"] == predictor.version
    again = Decision.from_json(json.loads(json.dumps(decision.to_json())))
    assert again.learned == decision.learned


def test_a_decision_stored_before_there_was_a_learned_router_can_be_read(
    predictor: Predictor,
) -> None:
    stored = decided(predictor, SUM).to_json()
    del stored["learned"]
    assert Decision.from_json(stored).learned == {}


def test_the_receipt_says_what_was_learned_of_the_prompt(predictor: Predictor) -> None:
    told = decided(predictor, SUM).to_json()
    paper = receipt(told, served_model=None, prompt_tokens=None, completion_tokens=None)
    assert predictor.version in paper.learned_line


@pytest.mark.parametrize(
    ("learned", "said"),
    [
        ({}, ""),
        ({"artefact": "v", "demand": 1.0, "words": [["prove", 0.5]]}, "more ability than most"),
        ({"artefact": "v", "demand": 1.0, "words": [["prove", 0.5], ["hi", -0.2]]}, "(“prove”)"),
        ({"artefact": "v", "demand": -1.0, "words": []}, "less ability than most"),
        ({"artefact": "v", "demand": 0.0, "unfamiliar": 0.9}, "unlike anything seen"),
    ],
)
def test_the_line_says_demand_words_and_doubt(learned: dict[str, object], said: str) -> None:
    assert said in learned_line(learned)


def test_an_abler_model_never_has_lower_odds_on_the_shared_rule(predictor: Predictor) -> None:
    market = [candidate(f"acme/m{n}", ability=0.1 + 0.09 * n) for n in range(10)]
    for text in PROMPTS:
        prompt = with_reading(read_prompt(text), text, predictor)
        told = LearnedOdds(Roster.of(predictor, market))(prompt)
        odds = [told(each) for each in market]
        assert odds == sorted(odds), text


def test_votes_move_the_odds_of_their_model_alone(predictor: Predictor) -> None:
    market = (candidate("acme/one", ability=0.8), candidate("umbra/two", ability=0.8))
    prompt = with_reading(read_prompt(SUM), SUM, predictor)
    roster = Roster.of(predictor, market)
    plain = LearnedOdds(roster)(prompt)
    voted = LearnedOdds(roster, {"umbra/two": 0.6, "gone/model": 1.0})(prompt)
    assert voted(market[0]) == pytest.approx(plain(market[0]), abs=1e-6)
    assert voted(market[1]) > plain(market[1]) + 0.03


def test_a_model_of_the_pools_is_known_by_its_dated_name(predictor: Predictor) -> None:
    named = candidate("openai/gpt-4o-2024-08-06", prices=prices("2.5", "10"))
    unknown = candidate("new/model", prices=prices("2.5", "10"))
    roster = Roster.of(predictor, (named, unknown))
    assert (roster.places[0] >= 0).any()
    assert (roster.places[1] == -1).all()


def typo(text: str) -> str:
    """Two letters of a long word change places, once in the text."""
    words = text.split(" ")
    at = max(range(len(words)), key=lambda place: len(words[place]))
    word = words[at]
    if len(word) > 4:
        words[at] = word[:2] + word[3] + word[2] + word[4:]
    return " ".join(words)


EDITS = {
    "capitals": str.upper,
    "small letters": str.lower,
    "space": lambda text: "  " + text.replace(" ", "  ") + "\n\n",
    "politeness": lambda text: f"Please {text[:1].lower()}{text[1:]} Thank you very much!",
    "typing error": typo,
}


@pytest.mark.parametrize("edit", EDITS)
def test_the_choice_stays_for_nine_prompts_of_ten_after_an_edit(
    predictor: Predictor, edit: str
) -> None:
    texts = [text for text in PROMPTS if "\n" not in text]
    same = [
        decided(predictor, text).slug == decided(predictor, EDITS[edit](text)).slug
        for text in texts
    ]
    assert sum(same) >= 0.9 * len(same), [
        t for t, kept in zip(texts, same, strict=True) if not kept
    ]


def test_a_missing_artefact_leaves_the_plain_scorers_and_a_warning(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    forgetful: None,
) -> None:
    monkeypatch.setattr(artefacts, "SHIPPED", tmp_path / "none.npz")
    with caplog.at_level(logging.WARNING):
        assert the_predictor() is None
    assert "plain scorers" in caplog.text


@pytest.mark.parametrize("damage", ["cut", "noise", "other format", "no head"])
def test_an_artefact_that_does_not_fit_is_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "router.npz"
    if damage == "cut":
        path.write_bytes(SHIPPED.read_bytes()[:5_000])
    elif damage == "noise":
        path.write_bytes(b"\x00noise" * 100)
    else:
        with np.load(SHIPPED) as found:
            arrays = {name: found[name] for name in found.files if name != "head"}
            head = json.loads(found["head"].tobytes()) | {"format": 999}
        if damage == "other format":
            arrays["head"] = np.frombuffer(json.dumps(head).encode(), np.uint8)
        np.savez(path, **arrays)
    with pytest.raises(ArtefactUnfit):
        load(path)


def test_a_long_text_is_folded_to_its_ends() -> None:
    assert len(fold("word " * 500_000)) < 3_000
