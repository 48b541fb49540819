"""What was learned from outcomes, as arithmetic: a text in, odds of a good answer out. Pure.

Each *source* is a set of prompts whose answers by a pool of models were scored. Of each we keep
how a model's score bends with a few factors of the prompt, and two anchors on the ladder of
ability, so that a model outside the pool gets a place between or beyond them. A prompt belongs
to each source a little; what belongs to none (`unfamiliar`) is left to the caller's rules and to
one shared sense of how much ability counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from routing.features import PLAIN_WORD, WORDS, Floats, Ints, buckets, fold, hand, word_buckets

FORMAT = 2  # changes with the features, the columns or the arithmetic below
LOWEST, HIGHEST = 0.02, 0.98  # nothing is certain
MIDDLE = 0.42  # the difficulty of a prompt that says nothing of itself
RULE_SHARE, NUDGE = 0.4, 0.25  # of what the rules say; for one standard deviation of demand
HARDEST = 1.5
MOST_DEMAND = 1.5  # standard deviations: beyond, a strange text says nothing more
MOST_WORDS = 120  # looked at for an explanation
USUAL, ODD = 1.0, 0.5  # as typical as a quarter of the known prompts are; half as much is strange
# A prompt of no known kind: logit at the top of the ladder, slope down it, how much steeper the
# slope is for the hardest prompt, and the ability from where that helps instead of hurting.
TOP_LOGIT, USUAL_SLOPE, STEEPER, PIVOT = 2.6, 3.7, 6.5, 0.75
LIKE = 0.15  # likeness to sources that know the candidates: less is less than full trust
KNOWN = (0.3, 0.6)  # share of candidates with outcomes, squared: from doubt to trust
DOUBT = 0.6  # of that trust, lost on a prompt unlike anything seen
SURE = (0.45, 0.75)  # likeness to one source from where strange words and counts count for less
SHARPER = 3  # power of the likeness by which sources count: mostly the likest one speaks
EDGE = 0.1  # scores this near 0 or 1 are pressed together
Matrix: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Source:
    """One set of outcomes: its pool, their mean scores, and how each bends with the factors.

    `columns`: which of the predictor's outputs are its factors. `anchors`: two abilities, low
    and high, with the mean and the bend that the pool has there. `skill`: which of a
    candidate's skills counts here.
    """

    name: str
    skill: str
    models: tuple[str, ...]
    means: Floats
    bends: Matrix
    columns: tuple[int, int]
    anchor_abilities: tuple[float, float]
    anchor_means: Floats
    anchor_bends: Matrix


@dataclass(frozen=True, slots=True)
class Ferns:
    """Small tables, each looked up by a few yes-or-no questions about the hand-made counts."""

    features: Ints
    thresholds: Matrix
    leaves: NDArray[np.int8]
    scale: Floats

    def codes(self, counts: Matrix) -> Ints:
        """Which leaf each fern gives each row: (rows, ferns)."""
        questions = self.features.shape[1]
        powers = 1 << np.arange(questions)[::-1]
        yes = counts[:, self.features] > self.thresholds
        firsts = np.arange(len(self.features)) * (1 << questions)
        codes: Ints = (yes @ powers + firsts).astype(np.int64)
        return codes


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Typical prompts, as scaled counts. `near`, `far`: distances that are familiar and strange."""

    points: Matrix
    middle: Floats
    spread: Floats
    near: float
    far: float

    def strangeness(self, counts: Floats) -> float:
        """0 for a prompt beside a landmark, 1 for one far from all."""
        scaled = np.clip((counts - self.middle) / self.spread, -4, 4)
        away = self.points - scaled
        nearest = float(np.sqrt(np.einsum("ij,ij->i", away, away).min()))
        return min(1.0, max(0.0, (nearest - self.near) / (self.far - self.near)))


@dataclass(frozen=True, slots=True)
class Reading:
    """What the predictor takes from one prompt.

    `shares`: how much it is like each source, summing to 1; `unfamiliar`: from 0 to 1; `demand`:
    how much ability counts, in standard deviations of what was seen; `tokens`: of a usual answer;
    `likest`: about 1 for a prompt that is surely of one source's kind, about 0 for one of none.
    `artefact`: the version that read; `words`: those that moved the demand most, and how much.
    """

    outputs: Floats
    shares: Floats
    unfamiliar: float
    demand: float
    tokens: float
    likest: float = 0.0
    artefact: str = ""
    words: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Predictor:
    """The artefact: hashed weights, ferns, sources. One instance serves all threads."""

    version: str
    sources: tuple[Source, ...]
    idf: Floats
    weights: NDArray[np.int8]  # (buckets, outputs)
    scale: Floats
    bias: Floats
    ferns: Ferns
    fern_outputs: int  # the ferns speak to the first so many outputs
    abilities: Mapping[str, float]
    wordiness: Mapping[str, float]  # log tokens of a model's answers beside the usual
    landmarks: Landmarks
    fern_kinds: Floats  # where the ferns' likeness to each source starts from
    usual: Floats  # how typical a prompt of each source usually is of it
    demand_scale: tuple[float, float, float]  # mean, deviation, share of length
    prompts: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))

    def read(self, text: str) -> Reading:
        folded = fold(text)
        places, values = buckets(folded)
        reading = self.reading(places, values, hand(folded))
        return replace(reading, artefact=self.version, words=self.telling(folded))

    def telling(self, folded: str, count: int = 3) -> tuple[tuple[str, float], ...]:
        """The words that moved the demand most, each with its share (above 0: it asks for more)."""
        words = list(dict.fromkeys(PLAIN_WORD.findall(folded)))[:MOST_WORDS]
        if not words:
            return ()
        column = self.fern_outputs + len(self.sources)
        places = word_buckets(words)
        shares = self.weights[places, column] * self.idf[places]
        shares = shares / (float(np.abs(shares).sum()) or 1.0)
        loud = sorted(np.argsort(-np.abs(shares), kind="stable")[:count].tolist())
        return tuple((words[at], round(float(shares[at]), 3)) for at in loud if shares[at])

    def reading(self, places: Ints, values: Floats, counts: Floats) -> Reading:
        weighed = weigh(places, values, self.idf)
        outputs = (weighed @ self.weights[places].astype(np.float32)) * self.scale + self.bias
        leaves = self.ferns.leaves[self.ferns.codes(counts[None, :])[0]]
        spoken = leaves.sum(0, dtype=np.int32) * self.ferns.scale
        first = self.fern_outputs
        outputs[:first] = (outputs[:first] + spoken[:first]) / 2
        kinds = (spoken[first:] + self.fern_kinds).astype(np.float32)
        return self.placed(outputs, counts, kinds)

    def placed(self, outputs: Floats, counts: Floats, kinds: Floats) -> Reading:
        """The outputs read: factors, tokens, then likeness, demand, and typical words.

        `kinds`: likeness as the counts have it. Both say which source is the likest; whether
        any is like at all, the words alone: counts of a strange kind resemble some source.
        """
        first, count = self.fern_outputs, len(self.sources)
        typical = outputs[first + count + 1 :]
        foreign = min(1.0, max(0.0, (USUAL - float((typical / self.usual).max())) / (USUAL - ODD)))
        unfamiliar = 1 - (1 - self.landmarks.strangeness(counts)) * (1 - foreign)
        shares = shares_of((outputs[first : first + count] + kinds) * np.float32(0.5))
        mean, deviation, length_share = self.demand_scale
        demand = (float(outputs[first + count]) - mean) / deviation
        demand = (demand + length_share * length_sign(counts)) / (1 + length_share)
        return Reading(
            outputs=outputs,
            shares=shares,
            unfamiliar=unfamiliar,
            likest=float(outputs[first : first + count].max()),
            demand=MOST_DEMAND * float(np.tanh(demand / MOST_DEMAND)),
            tokens=float(np.exp(np.clip(outputs[first - 1], 0.0, 9.0))),
        )

    def pool_places(self, model: str) -> tuple[int, ...]:
        """The model's place in the pool of each source; -1 where it has none."""
        return tuple(
            source.models.index(model) if model in source.models else -1 for source in self.sources
        )

    def source_odds(self, reading: Reading, abilities: Matrix, places: Ints) -> Matrix:
        """Odds in each source: (models, sources).

        `abilities`: each model's ability for each source's skill; `places`: as `pool_places`.
        """
        odds = np.empty(abilities.shape, np.float32)
        for column, source in enumerate(self.sources):
            factors = reading.outputs[slice(*source.columns)]
            odds[:, column] = line_odds(source, factors, abilities[:, column])
            inside = np.flatnonzero(places[:, column] >= 0)
            if len(inside):
                rows = places[inside, column]
                known = source.means[rows] + source.bends[rows] @ factors
                odds[inside, column] = softened(known)
        return odds

    def odds(
        self, reading: Reading, abilities: Matrix, places: Ints, general: Floats, difficulty: float
    ) -> Floats:
        """Odds of a good answer for each model: what the sources say, and the rest by rule.

        `general`: each model's ability where the kind is unknown; `difficulty`: what the rules
        make of the prompt, which the learned sense of demand moves a little.
        """
        ruled = MIDDLE + RULE_SHARE * (difficulty - MIDDLE)
        harder = min(HARDEST, max(0.0, ruled + NUDGE * reading.demand))
        rest = shared_odds(general, harder)
        trust, weights = trusted(reading, places)
        if not trust:
            return rest
        told = self.source_odds(reading, abilities, places) @ weights
        mixed: Floats = trust * told + (1 - trust) * rest
        return mixed.astype(np.float32)


def trusted(reading: Reading, places: Ints) -> tuple[float, Floats]:
    """How far the sources are believed, and how much each of them counts.

    A source counts by how like it the prompt is and by how many of the candidates it knows: the
    same for all candidates, so that all are compared on one footing. Where those that count
    know few of them, or the prompt is strange, the shared rule decides instead.
    """
    covered = (places >= 0).mean(0, dtype=np.float32)
    weights: Floats = (reading.shares * (covered + np.float32(0.02))) ** SHARPER
    weights /= weights.sum()
    known = float(weights @ covered**2)
    low, high = KNOWN
    trust = min(1.0, max(0.0, (known - low) / (high - low)))
    trust *= min(1.0, float(reading.shares @ covered) / LIKE)
    start, end = SURE
    unsure = 1 - min(1.0, max(0.0, (reading.likest - start) / (end - start)))
    return trust * (1 - DOUBT * unsure * reading.unfamiliar), weights


def weigh(places: Ints, values: Floats, idf: Floats) -> Floats:
    """Counts by rarity; words and runs of bytes each brought to half of length 1."""
    weighed: Floats = values * idf[places]
    split = int(np.searchsorted(places, WORDS))
    for half in (weighed[:split], weighed[split:]):
        length = float(np.sqrt(half @ half))
        if length:
            np.multiply(half, np.float32(0.70710678 / length), out=half)
    return weighed


def shares_of(likeness: Floats) -> Floats:
    """How much each source may speak for the prompt: sums to 1."""
    squares: Floats = np.maximum(likeness, 0.01) ** 2
    shares: Floats = squares / squares.sum()
    return shares


def length_sign(counts: Floats) -> float:
    """Longer questions ask a little more: the logarithm of the words, about -2 to 2."""
    return max(-2.0, min(2.0, (float(counts[1]) - 4.0) / 1.0))


def line_odds(source: Source, factors: Floats, abilities: Floats) -> Floats:
    """Odds by ability alone: a straight line in logits through the source's two anchors."""
    at_anchors = source.anchor_means + source.anchor_bends @ factors
    low, high = logits(np.clip(at_anchors, LOWEST, HIGHEST)).tolist()
    low_ability, high_ability = source.anchor_abilities
    slope = max(1.0, (high - low) / (high_ability - low_ability))
    middle, center = (low + high) / 2, (low_ability + high_ability) / 2
    return np.clip(unit(middle + slope * (abilities - center)), LOWEST, HIGHEST)


def softened(scores: Floats) -> Floats:
    """Straight-line predictions kept between 0 and 1 without losing their order."""
    high = 1 - EDGE * np.exp(-(scores - (1 - EDGE)) / EDGE)
    low = EDGE * np.exp((scores - EDGE) / EDGE)
    kept: Floats = np.where(scores > 1 - EDGE, high, np.where(scores < EDGE, low, scores))
    return np.clip(kept, 0.001, 0.999)


def shared_odds(abilities: Floats, difficulty: float) -> Floats:
    """Odds where the kind is unknown: ability counts for more, the harder the prompt is."""
    usual = TOP_LOGIT - USUAL_SLOPE * (1.0 - abilities)
    return unit(usual + STEEPER * (difficulty - MIDDLE) * (abilities - PIVOT))


def shifted(odds: Floats, shifts: Floats | np.float32) -> Floats:
    """Odds moved by what was seen of each model since, in logits."""
    moved = unit(logits(np.clip(odds, LOWEST, HIGHEST)) + shifts)
    return np.clip(moved, LOWEST, HIGHEST)


def logits(odds: Floats) -> Floats:
    values: Floats = np.log(odds / (1 - odds)).astype(np.float32)
    return values


def unit(values: Floats) -> Floats:
    odds: Floats = (1 / (1 + np.exp(-values))).astype(np.float32)
    return odds
