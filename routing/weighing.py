"""Candidates in, a Decision out: pure, deterministic, whatever the candidates' order."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from routing import constraints, reasons
from routing.abilities import Odds, prior_ability, prior_odds
from routing.candidates import Candidate
from routing.constraints import NoCandidateFits
from routing.decision import Contender, Decision
from routing.escalation import Option, first_to_ask
from routing.live import NOTHING, Live, effects, tried
from routing.outlooks import Field, field_of, outlooks
from routing.policies import Policy
from routing.prompts import Prompt
from routing.scorers import SCORERS, Expected, Outlook, effort_for, worth_cents

SHOWN = 6  # candidates that a decision remembers
FIRST_AMONG = 24  # the best by score: whom checks may help to be asked first


@dataclass(frozen=True, slots=True)
class Question:
    """All that is asked of the candidates: the prompt, and the bounds set to its answer."""

    prompt: Prompt
    policy: Policy
    today: dt.date
    max_completion_tokens: int
    budget_usd: Decimal | None = None
    live: Live = NOTHING
    is_checked: bool = False  # an answer that fails a check is asked for once more


Weights: TypeAlias = tuple[tuple[str, float, Callable[[Expected], Any]], ...]


class Weighed:
    """A candidate that fits, and its rank: by score, then the cheaper, then by name.

    Hundreds are ranked and a handful is looked at, so the outlook is made when it is asked for.
    """

    __slots__ = ("_look", "candidate", "rank")

    def __init__(
        self, rank: tuple[float, float, str], candidate: Candidate, look: Callable[[], Outlook]
    ) -> None:
        self.rank = rank
        self.candidate = candidate
        self._look = look

    @property
    def outlook(self) -> Outlook:
        return self._look()


def decide(
    question: Question, candidates: Iterable[Candidate], odds: Odds = prior_odds
) -> Decision:
    """Choose the model of the highest score among those that fit.

    Raises NoCandidateFits with the constraint to relax when none does.
    """
    field = field_of(candidates, question.policy, question.today)
    fitting, rejected = _sift(question, field, odds(question.prompt))
    if not fitting:
        raise _nobody(rejected)
    fitting.sort(key=lambda weighed: weighed.rank)
    fitting = _above_floor(fitting, rejected, question.policy.quality_floor)
    fitting, told = _with_trial(question, fitting)
    if question.is_checked and "tried_before" not in told:
        fitting, told = _cheap_first(question, fitting, told)
    best = fitting[0]
    room = room_of(question, best.outlook)
    spares = _spares(question, fitting, room)
    shown = {weighed.rank: weighed for weighed in (*fitting[:SHOWN], *spares)}
    return _stated(
        question,
        best,
        spares=spares,
        shown=[shown[rank] for rank in sorted(shown, key=lambda rank: (rank != best.rank, rank))],
        room=room,
        rejected=rejected,
        reason=reasons.why(
            question.prompt,
            odds=best.outlook.odds,
            expected_usd=expected_usd(best.outlook),
            fitting=len(fitting),
        ),
        live=told,
    )


def _with_trial(question: Question, fitting: list[Weighed]) -> tuple[list[Weighed], dict[str, Any]]:
    """The same with who is tried in front, if anybody is; and what moved the choice."""
    live = question.live
    weights = {name: weight for name, weight, _ in weights_of(question)}
    told = effects(live, fitting, weights)
    if live.seed is None or not question.policy.explores:
        return fitting, told
    told["seed"] = live.seed
    worth = worth_cents(question.prompt.difficulty, question.policy.dial)
    if (trial := tried(live, fitting, worth)) is None:
        return fitting, told
    told["tried_before"] = fitting[0].candidate.name
    return [trial, *(each for each in fitting if each is not trial)], told


def _cheap_first(
    question: Question, fitting: list[Weighed], told: dict[str, Any]
) -> tuple[list[Weighed], dict[str, Any]]:
    """The same with a cheaper model in front, where checks make up for what it lacks."""
    options = {
        Option(each.candidate.slug, each.outlook.odds, float(usd)): each
        for each in fitting[:FIRST_AMONG]
        if not each.candidate.is_router and (usd := expected_usd(each.outlook)) is not None
    }
    best = next((option for option, each in options.items() if each is fitting[0]), None)
    if best is None:
        return fitting, told
    worth_usd = worth_cents(question.prompt.difficulty, question.policy.dial) / 100
    first = options[first_to_ask(best, options, worth_usd=worth_usd)]
    if first is fitting[0]:
        return fitting, told
    told["checked_before"] = fitting[0].candidate.name
    return [first, *(each for each in fitting if each is not first)], told


def decide_pinned(question: Question, candidate: Candidate, odds: Odds = prior_odds) -> Decision:
    """The model that a person named, without fallbacks: nobody answers in its place.

    Raises NoCandidateFits when it cannot answer this prompt within these bounds.
    """
    standing = constraints.standing(candidate, question.policy, question.today)
    if standing in constraints.WAIVED_FOR_A_PIN:
        standing = None
    alone = (candidate,)
    field = Field.sifted(alone, question.policy, question.today, [standing])
    unpriced = candidate.is_router and not candidate.prices.known
    fitting, rejected = _sift(question, field, odds(question.prompt), waive_price=unpriced)
    if not fitting:
        obstacle = next(iter(rejected))
        raise NoCandidateFits(obstacle, constraints.about_one(candidate.name, obstacle))
    weighed = fitting[0]
    outlook = weighed.outlook
    return _stated(
        question,
        weighed,
        spares=(),
        shown=(weighed,),
        room=room_of(question, outlook),
        rejected={},
        reason=reasons.pinned(candidate.name, expected_usd(outlook), router=candidate.is_router),
        pinned=True,
    )


def _sift(
    question: Question,
    field: Field,
    able: Callable[[Candidate], float],
    *,
    waive_price: bool = False,
) -> tuple[list[Weighed], Counter[str]]:
    """The candidates that fit, weighed; and how many each constraint kept out."""
    looks, rejected = outlooks(
        field,
        question.prompt,
        able,
        most_tokens=question.max_completion_tokens,
        needed=_needed(question),
        live=question.live,
    )
    scores = np.zeros(len(looks.candidates))
    for _, weight, scorer in weights_of(question):
        scores += weight * scorer(looks)
    bounded = question.budget_usd is not None or question.policy.price_cap_usd is not None
    fitting: list[Weighed] = []
    ranks = zip((-scores).tolist(), looks.cost_cents.tolist(), looks.candidates, strict=True)
    for row, (loss, cost_cents, candidate) in enumerate(ranks):
        look = partial(looks.row, row)
        if bounded and not waive_price and (obstacle := too_dear(question, look())):
            rejected[obstacle] += 1
        else:
            fitting.append(Weighed((loss, cost_cents, candidate.slug), candidate, look))
    return fitting, rejected


def _above_floor(fitting: list[Weighed], rejected: Counter[str], floor: float) -> list[Weighed]:
    """Those likely enough to do well. Where nobody is, the likeliest comes first: no refusal."""
    if not floor:
        return fitting
    able = [weighed for weighed in fitting if weighed.outlook.odds >= floor]
    if not able:
        best = min(fitting, key=lambda weighed: (-weighed.outlook.odds, weighed.rank))
        return [best, *(weighed for weighed in fitting if weighed is not best)]
    if below := len(fitting) - len(able):
        rejected["quality_floor"] += below
    return able


def _needed(question: Question) -> int:
    asked = question.max_completion_tokens
    return constraints.room_needed(question.prompt.answer_tokens, asked)


def misfit(question: Question, candidate: Candidate, needed: int) -> str | None:
    """The need or the length that the model does not serve, or None."""
    return constraints.capable(candidate, question.prompt) or constraints.too_small(
        candidate, question.prompt, needed
    )


def expected_usd(outlook: Outlook) -> Decimal | None:
    """The exact cost of the tokens expected. None: no price is published."""
    prices = outlook.candidate.prices
    return prices.cost_usd(outlook.prompt.prompt_tokens, outlook.answer_tokens)


def too_dear(question: Question, outlook: Outlook) -> str | None:
    """The ceiling that the expected cost breaks, or None."""
    budget_usd = question.budget_usd
    obstacle = constraints.too_dear(expected_usd(outlook), question.policy, budget_usd)
    if obstacle is not None or budget_usd is None:
        return obstacle
    prices, ceiling_tokens = outlook.candidate.prices, question.prompt.ceiling_tokens
    affordable = prices.affordable_tokens(ceiling_tokens, budget_usd)
    return "budget" if affordable is not None and affordable < outlook.answer_tokens else None


def room_of(question: Question, outlook: Outlook) -> int:
    """Tokens the answer may have: what was asked for, as far as limits and budget allow."""
    candidate, prompt = outlook.candidate, question.prompt
    room = constraints.room(candidate, prompt, question.max_completion_tokens)
    if question.budget_usd is None or not candidate.prices.known:
        return room
    affordable = candidate.prices.affordable_tokens(prompt.ceiling_tokens, question.budget_usd)
    return room if affordable is None else min(room, affordable)


def weights_of(question: Question) -> Weights:
    """Each scorer with what its full mark is worth in cents for this prompt."""
    weights = dict(question.policy.weights)
    worth = worth_cents(question.prompt.difficulty, question.policy.dial)
    weights["quality"] = weights.get("quality", 0.0) * worth
    return tuple(
        (name, weight, SCORERS[name]) for name, weight in weights.items() if name in SCORERS
    )


def weigh(outlook: Outlook, weights: Weights) -> Weighed:
    """One number for a candidate, in US cents of worth."""
    score = float(sum(weight * scorer(outlook) for _, weight, scorer in weights))
    candidate = outlook.candidate
    return Weighed((-score, outlook.cost_cents, candidate.slug), candidate, lambda: outlook)


def _spares(question: Question, fitting: Sequence[Weighed], room: int) -> tuple[Weighed, ...]:
    """The next best of other authors, for one author's trouble is seldom another's.

    Each must take the answer's room and keep to the budget. Where too few authors are left,
    the next best of any author fill the places.
    """
    wanted = question.policy.fallbacks
    authors = {fitting[0].candidate.author}
    others: list[Weighed] = []
    same: list[Weighed] = []
    for weighed in fitting[1:]:
        if len(others) >= wanted:
            break
        if room_of(question, weighed.outlook) < room:
            continue
        author = weighed.candidate.author
        (same if author in authors else others).append(weighed)
        authors.add(author)
    return tuple([*others, *same][:wanted])


def _nobody(rejected: Mapping[str, int]) -> NoCandidateFits:
    """Names the constraint that kept out those who had passed the most others."""
    order = constraints.ORDER
    last = max(rejected, key=lambda name: order.get(name, 0), default="empty_catalogue")
    return NoCandidateFits(last)


def _contender(weighed: Weighed, question: Question) -> Contender:
    outlook, candidate = weighed.outlook, weighed.candidate
    parts = {name: float(weight * part(outlook)) for name, weight, part in weights_of(question)}
    told = not candidate.is_router  # nobody knows what a router will choose
    return Contender(
        slug=candidate.slug,
        name=candidate.name,
        prices=candidate.prices,
        score=round(-weighed.rank[0], 4) if told else 0.0,
        ability=round(prior_ability(question.prompt)(candidate), 4) if told else None,
        odds=round(outlook.odds, 4) if told else None,
        expected_usd=expected_usd(outlook),
        parts={name: round(value, 4) for name, value in parts.items()} if told else {},
        shift=question.live.shifts.get(candidate.slug, 0.0),
        canonical_slug=candidate.canonical_slug,
        alias_target=candidate.alias_target,
    )


def _worst_case_usd(question: Question, weighed: Sequence[Weighed], room: int) -> Decimal | None:
    """The most that any of these may charge for a prompt and an answer of full length."""
    tokens = question.prompt.ceiling_tokens
    costs = [each.candidate.prices.cost_usd(tokens, room) for each in weighed]
    known = [cost for cost in costs if cost is not None]
    return max(known) if len(known) == len(costs) else None


def learned_part(prompt: Prompt) -> dict[str, object]:
    """What the learned router made of the prompt, as JSON values; empty where there is none."""
    reading = prompt.reading
    if reading is None:
        return {}
    return {
        "artefact": reading.artefact,
        "unfamiliar": round(reading.unfamiliar, 3),
        "demand": round(reading.demand, 3),
        "words": [list(pair) for pair in reading.words],
        "shares": [round(float(share), 3) for share in reading.shares],
    }


def _stated(
    question: Question,
    best: Weighed,
    *,
    spares: Sequence[Weighed],
    shown: Sequence[Weighed],
    room: int,
    rejected: Mapping[str, int],
    reason: str,
    pinned: bool = False,
    live: Mapping[str, Any] | None = None,
) -> Decision:
    prompt, policy = question.prompt, question.policy
    contenders = tuple(_contender(weighed, question) for weighed in shown)
    chosen = next(c for c in contenders if c.slug == best.candidate.slug)
    return Decision(
        slug=chosen.slug,
        name=chosen.name,
        fallbacks=tuple(weighed.candidate.slug for weighed in spares),
        max_completion_tokens=room,
        effort=effort_for(prompt, best.candidate),
        score=chosen.score,
        parts=chosen.parts,
        reason=reason,
        candidates=contenders,
        rejected=dict(sorted(rejected.items())),
        policy=policy.name,
        policy_version=policy.version,
        dial=policy.dial,
        signals=prompt.signals,
        difficulty=round(prompt.difficulty, 3),
        prompt_tokens=prompt.prompt_tokens,
        answer_tokens=best.outlook.answer_tokens,
        expected_usd=chosen.expected_usd,
        worst_case_usd=_worst_case_usd(question, (best, *spares), room),
        pinned=pinned,
        learned=learned_part(prompt),
        privacy=policy.wishes,
        needs=prompt.needs,
        live=live or {},
    )
