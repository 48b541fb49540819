"""From outcomes to a predictor: seeded, numpy only, a minute or two. Pure.

Three steps: place every model on the ladder of ability; find in each benchmark the few factors
by which scores bend; learn to read those factors, the likeness to each benchmark, the demand
for ability and the length of the answer from the text, by ridge regression on hashed words and
by random ferns on the hand-made counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from routing.abilities import KNOWN_IN, Published, judge
from routing.candidates import Skills
from routing.features import BUCKETS, Floats, Ints
from routing.outcomes import Benchmark, Corpus
from routing.predictor import Ferns, Landmarks, Matrix, Predictor, Source, logits, weigh
from routing.prices import PER_MTOK, Prices
from routing.solver import Rows, ridge

# Chosen by cross-validation and by leaving benchmarks out; docs/routing.md tells what was tried.
WORD_ALPHA, FERN_ALPHA, SHARED_ALPHA, LIKENESS_ALPHA, TOKEN_ALPHA = 3.0, 10.0, 30.0, 1.0, 3.0
KIND_ALPHA = 1.0
FERNS, QUESTIONS = 160, 5
COMMON = 0.25  # words of more prompts than this tell nothing
LANDMARKS, ROUNDS = 40, 12
NEAR_QUANTILE, FAR_QUANTILE = 0.65, 0.95
LENGTH_SHARE = 0.8
MOST_FACTORS = 8
MEASURE_ONLY = ("alpaca_eval1", "alpaca_eval2")  # CC BY-NC: no shipped weight is fitted on it
SKILLS: Mapping[str, str] = {"math_l5": "maths", "crux": "code"}
PRIOR_DEVIATION, LEVEL_DEVIATION = 0.08, 0.06
TILT = (
    0.6  # of what a family's skills differ by, once outcomes are known: as `abilities.judge` has it
)
LEVEL_SLOPE = 5.0  # logits from the bottom of the ladder to its top, before data


@dataclass(frozen=True, slots=True)
class Design:
    """Both readings of the training prompts, ready for the ridge."""

    words: Rows
    ferns: Rows


def fit(
    corpus: Corpus, benchmarks: Mapping[str, Benchmark], *, seed: int, version: str
) -> Predictor:
    """A predictor from these benchmarks of the corpus (which may be parts of them)."""
    chosen = {name: found for name, found in benchmarks.items() if name not in MEASURE_ONLY}
    rows = np.unique(np.concatenate([found.rows for found in chosen.values()]))
    idf = _rarity(corpus.hashed.take(rows))
    ferns = _sown(corpus.counts[rows], seed)
    design = Design(_weighed(corpus.hashed.take(rows), idf), _planted(ferns, corpus.counts[rows]))
    place = _places(rows, len(corpus.ids))
    abilities = place_models(chosen, corpus.prices)
    sources, first = [], 0
    parts: list[tuple[Matrix, Matrix]] = []
    for name, found in chosen.items():
        skill = SKILLS.get(name)
        at = [abilities[m] + tilt(skills_of(m, corpus.prices), skill) for m in found.models]
        source, targets = _source(name, found, np.array(at), first)
        sources.append(source)
        first = source.columns[1]
        parts.append(_both(design, place[found.rows], targets))
    wordiness, tokens, asked = _lengths(chosen, place, len(rows))
    parts.append(_both(design, asked, tokens[asked, None], word_alpha=TOKEN_ALPHA))
    shared = _shared(design, chosen, place, abilities)
    typical, usual = _typical(design, chosen, place)
    demand = design.words.times(shared[:, -1:])
    count = sum(leaves.shape[1] for _, leaves in parts)
    weights = np.concatenate([*(words for words, _ in parts), shared, typical], axis=1)
    kinds = _kinds(design, chosen, place)
    leaves = np.concatenate([*(leaves for _, leaves in parts), kinds], axis=1)
    small, scale = _packed(weights[:BUCKETS])
    small_leaves, leaf_scale = _packed(leaves[:-1])
    bias = weights[BUCKETS].copy()
    bias[:count] = bias[:count] + leaves[-1, :count]  # halved with the rest below
    return Predictor(
        version=version,
        sources=tuple(sources),
        idf=idf,
        weights=small,
        scale=scale,
        bias=bias,
        ferns=Ferns(ferns.features, ferns.thresholds, small_leaves, leaf_scale),
        fern_outputs=count,
        fern_kinds=leaves[-1, count:],
        abilities=abilities,
        wordiness=wordiness,
        usual=usual,
        landmarks=_landmarks(corpus.counts[rows], seed),
        demand_scale=(float(demand.mean()), float(demand.std()), LENGTH_SHARE),
        prompts=np.array(sorted(_short(corpus.keys[row]) for row in rows), np.uint32),
    )


def _places(rows: Ints, count: int) -> Ints:
    """Where each prompt of the corpus stands among the rows; -1 for those that are not."""
    place = np.full(count, -1)
    place[rows] = np.arange(len(rows))
    return place


def _short(key: str) -> int:
    return int(key[:8], 16)


def _rarity(hashed: Rows) -> Floats:
    """The logarithm of how rare each bucket is; 0 for what is too rare or common to tell."""
    seen = np.bincount(hashed.places, minlength=BUCKETS)
    rarity = np.log((len(hashed) + 1) / (1 + seen))
    rarity[(seen < 3) | (seen > COMMON * len(hashed))] = 0.0
    return rarity.astype(np.float32)


def _weighed(hashed: Rows, idf: Floats) -> Rows:
    """The rows as the predictor weighs them, with a 1 at the end for the intercept."""
    rows = []
    for low, high in zip(hashed.starts[:-1], hashed.starts[1:], strict=True):
        places = hashed.places[low:high]
        values = weigh(places, hashed.values[low:high], idf)
        kept = values != 0
        rows.append((np.append(places[kept], BUCKETS), np.append(values[kept], 1.0)))
    return Rows.stacked(rows, BUCKETS + 1)


def _sown(counts: Matrix, seed: int) -> Ferns:
    """Random questions: features that vary, thresholds from their own spread."""
    chance = np.random.default_rng(seed)
    varied = np.flatnonzero(counts.std(0) > 1e-6)
    features = np.array([chance.choice(varied, QUESTIONS, replace=False) for _ in range(FERNS)])
    shares = chance.uniform(0.1, 0.9, features.shape)
    thresholds = np.empty(features.shape, np.float32)
    for feature in varied:
        asked = features == feature
        thresholds[asked] = np.quantile(counts[:, feature], shares[asked])
    return Ferns(features, thresholds, np.zeros((0, 0), np.int8), np.zeros(0, np.float32))


def _landmarks(counts: Matrix, seed: int) -> Landmarks:
    """Typical prompts by k-means on the scaled counts; near and far by how the prompts spread."""
    middle, spread = counts.mean(0), counts.std(0) + 1e-3
    scaled = np.clip((counts - middle) / spread, -4, 4).astype(np.float32)
    chance = np.random.default_rng(seed)
    points = scaled[chance.choice(len(scaled), LANDMARKS, replace=False)].copy()
    for _ in range(ROUNDS):
        squares = (points**2).sum(1) - 2 * scaled @ points.T
        nearest = squares.argmin(1)
        for at in np.unique(nearest):
            points[at] = scaled[nearest == at].mean(0)
    own = ((points**2).sum(1) - 2 * scaled @ points.T).min(1) + (scaled**2).sum(1)
    near, far = np.sqrt(np.quantile(own.clip(0.01), (NEAR_QUANTILE, FAR_QUANTILE)))
    return Landmarks(points, middle, spread.astype(np.float32), float(near), float(far) + 0.01)


def _planted(ferns: Ferns, counts: Matrix) -> Rows:
    """The leaves each prompt falls into, and a 1 at the end for the intercept."""
    codes = ferns.codes(counts)
    width = FERNS * 2**QUESTIONS
    places = np.concatenate([codes, np.full((len(codes), 1), width)], axis=1)
    values = np.full(places.shape, 1 / np.sqrt(FERNS), np.float32)
    values[:, -1] = 1.0
    starts = np.arange(len(codes) + 1) * places.shape[1]
    return Rows(starts, places.ravel(), values.ravel(), width + 1)


def _both(
    design: Design, rows: Ints, targets: Matrix, word_alpha: float = WORD_ALPHA
) -> tuple[Matrix, Matrix]:
    targets = targets.astype(np.float32)
    words = ridge(design.words.take(rows), targets, word_alpha)
    leaves = ridge(design.ferns.take(rows), targets, FERN_ALPHA)
    leaves[:-1] /= np.sqrt(np.float32(FERNS))
    return words, leaves


def place_models(
    benchmarks: Mapping[str, Benchmark], prices: Mapping[str, tuple[float, float]]
) -> dict[str, float]:
    """Every model's ability on the ladder of `families`: what is known of it, then its scores.

    Each benchmark is a straight line in logits from ability to mean score; lines and
    abilities are fitted in turn until they agree.
    """
    models = sorted({model for found in benchmarks.values() for model in found.models})
    skills = {model: skills_of(model, prices) for model in models}
    prior = {model: skills[model].general for model in models}
    placed = dict(prior)
    for _ in range(12):
        told: dict[str, list[tuple[float, float]]] = {model: [] for model in models}
        for name, found in benchmarks.items():
            levels = logits(np.clip(np.nanmean(found.scores, 0), 0.02, 0.98))
            tilts = np.array([tilt(skills[model], SKILLS.get(name)) for model in found.models])
            at = np.array([placed[model] for model in found.models]) + tilts
            slope, start = _line(at, levels)
            for model, level, away in zip(found.models, levels, tilts, strict=True):
                place = (float(level) - start) / slope - float(away)
                told[model].append((place, LEVEL_DEVIATION**-2))
        for model, said in told.items():
            weights = PRIOR_DEVIATION**-2 + sum(weight for _, weight in said)
            total = prior[model] * PRIOR_DEVIATION**-2 + sum(value * w for value, w in said)
            placed[model] = min(0.98, max(0.02, total / weights))
    return placed


def _line(abilities: NDArray[np.float64], levels: Floats) -> tuple[float, float]:
    """Slope and start of a straight line, the slope drawn towards the usual one."""
    middle, height = float(abilities.mean()), float(levels.mean())
    spread = float(((abilities - middle) ** 2).sum()) + 0.02
    shared = float(((abilities - middle) * (levels - height)).sum()) + 0.02 * LEVEL_SLOPE
    slope = max(1.0, shared / spread)
    return slope, height - slope * middle


def skills_of(model: str, prices: Mapping[str, tuple[float, float]]) -> Skills:
    """What name, size and price say of a model nobody has outcomes of."""
    told = prices.get(model)
    usd = [None, None] if told is None else [Decimal(str(price)) / PER_MTOK for price in told]
    published = Published(slug=model, prices=Prices(usd[0], usd[1]))
    return judge(published, today=KNOWN_IN)[0]


def tilt(skills: Skills, skill: str | None) -> float:
    """How far a measured model's skill lies from its general ability, for all we know."""
    return TILT * (float(getattr(skills, skill or "general")) - skills.general)


def _source(
    name: str, found: Benchmark, at: NDArray[np.float64], first: int
) -> tuple[Source, Matrix]:
    """The factors of one benchmark: its source, and each prompt's factors as targets."""
    means = np.nanmean(found.scores, 0).astype(np.float32)
    centered = np.where(np.isnan(found.scores), 0.0, found.scores - means)
    wanted = min(len(found.models), MOST_FACTORS if len(found.models) <= 20 else 5)
    _, _, bends = np.linalg.svd(centered, full_matrices=False)
    bends = bends[:wanted].T.astype(np.float32)
    low, high = (float(edge) for edge in np.quantile(at, (0.15, 0.85)))
    high = max(high, low + 0.12)
    near = np.exp(-0.5 * ((at[None, :] - np.array([[low], [high]])) / 0.06) ** 2) + 1e-9
    near /= near.sum(1, keepdims=True)
    source = Source(
        name=name,
        skill=SKILLS.get(name, "general"),
        models=found.models,
        means=means,
        bends=bends,
        columns=(first, first + wanted),
        anchor_abilities=(float(near[0] @ at), float(near[1] @ at)),
        anchor_means=(near @ means).astype(np.float32),
        anchor_bends=(near @ bends).astype(np.float32),
    )
    return source, (centered @ bends).astype(np.float32)


def _shared(
    design: Design, benchmarks: Mapping[str, Benchmark], place: Ints, abilities: Mapping[str, float]
) -> Matrix:
    """Weights of likeness (one output a benchmark) and of demand, from all prompts at once."""
    count = len(benchmarks)
    targets = np.zeros((len(design.words), count + 1), np.float32)
    weights = np.ones(len(design.words), np.float32)
    for column, found in enumerate(benchmarks.values()):
        rows = place[found.rows]
        targets[rows, column] = 1.0
        targets[rows, count] = demand_of(found, abilities)
        weights[rows] = len(rows) ** -0.5
    weights /= weights.mean()
    plain = _without_intercept(design.words)
    balanced = weights**2 / (weights**2).mean()
    likeness = ridge(plain, targets[:, :count], LIKENESS_ALPHA, weights=balanced)
    center = float((weights * targets[:, count]).sum() / weights.sum())
    demand = ridge(design.words, targets[:, count:] - center, SHARED_ALPHA, weights=weights)
    return np.concatenate([likeness, demand], axis=1)


def _kinds(design: Design, benchmarks: Mapping[str, Benchmark], place: Ints) -> Matrix:
    """Which benchmark a prompt is of, by the leaves of the ferns."""
    targets = np.zeros((len(design.words), len(benchmarks)), np.float32)
    weights = np.ones(len(design.words), np.float32)
    for column, found in enumerate(benchmarks.values()):
        rows = place[found.rows]
        targets[rows, column] = 1.0
        weights[rows] = 1 / len(rows)
    leaves = ridge(design.ferns, targets, KIND_ALPHA, weights=weights / weights.mean())
    leaves[:-1] /= np.sqrt(np.float32(FERNS))
    return leaves


def _typical(
    design: Design, benchmarks: Mapping[str, Benchmark], place: Ints
) -> tuple[Matrix, Floats]:
    """The middle of each benchmark's words, and how near its less usual prompts are to it."""
    rows = [place[found.rows] for found in benchmarks.values()]
    targets = np.zeros((len(design.words), len(rows)), np.float32)
    for column, inside in enumerate(rows):
        targets[inside, column] = 1 / len(inside)
    plain = _without_intercept(design.words)
    middles = plain.turned().times(targets)
    middles /= np.sqrt((middles**2).sum(0)) + 1e-9
    near = plain.times(middles)
    usual = [np.quantile(near[inside, at], 0.25) for at, inside in enumerate(rows)]
    return middles, np.array(usual, np.float32)


def _without_intercept(rows: Rows) -> Rows:
    values = np.where(rows.places == BUCKETS, 0.0, rows.values).astype(np.float32)
    return Rows(rows.starts, rows.places, values, rows.width)


def demand_of(found: Benchmark, abilities: Mapping[str, float]) -> Floats:
    """How much ability counted for each prompt: the slope of score on ability."""
    at = np.array([abilities[model] for model in found.models])
    asked = ~np.isnan(found.scores)
    scores = np.where(asked, found.scores, 0.0)
    weight = asked.sum(1).clip(1)
    middle = (asked @ at) / weight
    height = scores.sum(1) / weight
    away = np.where(asked, at[None, :] - middle[:, None], 0.0)
    spread = (away**2).sum(1) + 1e-3
    slopes: Floats = ((away * (scores - height[:, None])).sum(1) / spread).astype(np.float32)
    return slopes


def _lengths(
    benchmarks: Mapping[str, Benchmark], place: Ints, count: int
) -> tuple[dict[str, float], Floats, Ints]:
    """Each model's wordiness, each prompt's usual length (log tokens), and where it is known."""
    wordiness: dict[str, float] = {}
    usual: dict[int, list[float]] = {}
    said: dict[str, list[float]] = {}
    for found in benchmarks.values():
        tokens = np.log1p(found.tokens)
        kept = np.flatnonzero(~np.isnan(tokens).all(1))
        if not len(kept):
            continue
        own = np.nanmean(tokens[kept], 1)
        for model, away in zip(found.models, (tokens[kept] - own[:, None]).T, strict=True):
            if not np.isnan(away).all():
                said.setdefault(model, []).append(float(np.nanmean(away)))
        for row, value in zip(place[found.rows[kept]], own, strict=True):
            usual.setdefault(int(row), []).append(float(value))
    wordiness = {model: round(sum(found) / len(found), 4) for model, found in said.items()}
    tokens = np.zeros(count, np.float32)
    for row, values in usual.items():
        tokens[row] = sum(values) / len(values)
    return wordiness, tokens, np.array(sorted(usual), np.int64)


def _packed(weights: Matrix) -> tuple[NDArray[np.int8], Floats]:
    """A byte a weight, and each output's scale."""
    scale = np.maximum(np.abs(weights).max(0), 1e-9) / 127
    return np.rint(weights / scale).astype(np.int8), scale.astype(np.float32)
