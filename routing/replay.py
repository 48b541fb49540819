"""What another policy would have chosen for messages of the past, and what that would have cost.

No model is asked: the choice is made again, and costed for the tokens that were really used, at
the price in the stored decision or else in the catalogue. What is not known is counted as such
and left out of the sums of all, so that these compare. Pure, and deterministic.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from routing import constraints
from routing.abilities import Odds
from routing.candidates import Candidate
from routing.constraints import NoCandidateFits
from routing.decision import Contender, Decision
from routing.names import is_same, stepped_in
from routing.policies import Policy
from routing.prices import Prices
from routing.prompts import Prompt
from routing.weighing import Question, decide, misfit

Tokens: TypeAlias = tuple[int, int]
MOST_CHANGES = 12  # kinds of changed decisions that are told
HAPPENED, POLICY, STRONGEST, CHEAPEST = "happened", "policy", "strongest", "cheapest"


@dataclass(frozen=True, slots=True)
class PastTurn:
    """One answered message, as the application tells it. None: not known (yet)."""

    text: str
    at: dt.datetime
    decision: Mapping[str, Any]
    served_model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    billed_usd: Decimal | None

    @property
    def tokens(self) -> Tokens | None:
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        return self.prompt_tokens, self.completion_tokens


@dataclass(frozen=True, slots=True)
class Market:
    """Who may be chosen, and how prompts are read: of one day, the same for every turn.

    `dials`: where each policy and version has its dial, to know what a person had turned.
    """

    candidates: Sequence[Candidate]
    odds: Odds
    read: Callable[[PastTurn, Decision], Prompt]
    day: dt.date
    max_completion_tokens: int
    dials: Mapping[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One way to choose. `cost_usd` and `quality` are over the turns that all ways know.

    `model`: the one that a baseline always takes. `changed`: choices unlike the one made then.
    `unfit`: turns that a baseline's model could not have taken.
    """

    key: str
    model: str
    cost_usd: Decimal | None
    quality: float | None
    changed: int
    mix: tuple[tuple[str, int], ...]
    unfit: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """From one model to another, how often; costs where both are known, else None."""

    before: str
    after: str
    count: int
    extra_usd: Decimal | None
    extra_quality: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """`left_out`: turns that were not judged, and `refused`: those the policy has no model for,
    by reason. `costed` and `rated`: over how many turns costs and quality are told."""

    policy: str
    judged: int
    left_out: Mapping[str, int]
    refused: Mapping[str, int]
    costed: int
    uncosted: Mapping[str, int]
    rated: int
    billed_usd: Decimal
    unbilled: int
    first: dt.datetime | None
    last: dt.datetime | None
    lines: tuple[Line, ...]
    changes: tuple[Change, ...]


@dataclass(slots=True)
class _Tally:
    mix: Counter[str] = field(default_factory=Counter)
    changed: int = 0
    cost_usd: Decimal = Decimal(0)
    quality: float = 0.0


@dataclass(slots=True)
class _Shift:
    count: int = 0
    cost_usd: Decimal = Decimal(0)
    costed: int = 0
    quality: float = 0.0
    rated: int = 0


class Replay:
    """`see` each turn, oldest first; then `report`."""

    def __init__(self, policy: Policy, market: Market) -> None:
        self.policy, self.market = policy, market
        self._by_slug = {each.slug: each for each in market.candidates}
        self._pool = [
            each
            for each in market.candidates
            if constraints.standing(each, policy, market.day) is None
        ]
        self._left_out: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._uncosted: Counter[str] = Counter()
        self._tallies = {HAPPENED: _Tally(), POLICY: _Tally()}
        self._shifts: dict[tuple[str, str], _Shift] = {}
        self._fits: Counter[str] = Counter()
        self._odds: Counter[str] = Counter()  # sums, of the pool
        self._costed: list[tuple[Tokens, Mapping[str, Prices]]] = []
        self._decided: Counter[str] = Counter()
        self._judged = self._rated = self._unbilled = 0
        self._billed_usd = Decimal(0)
        self._first: dt.datetime | None = None
        self._last: dt.datetime | None = None

    def see(self, turn: PastTurn) -> None:
        try:
            then = Decision.from_json(turn.decision)
        except (KeyError, TypeError, ValueError, AttributeError):
            self._left_out["unreadable"] += 1
            return
        if then.pinned:
            self._left_out["pinned"] += 1
            return
        prompt = self.market.read(turn, then)
        question = Question(
            prompt=prompt,
            policy=self._turned(then),
            today=turn.at.date(),
            max_completion_tokens=self.market.max_completion_tokens,
        )
        self._span(turn)
        try:
            now = decide(question, self.market.candidates, self.market.odds)
        except NoCandidateFits as error:
            self._refused[error.constraint] += 1
            return
        self._judge(turn, then, now, question)

    def _turned(self, then: Decision) -> Policy:
        """The policy with its dial, or where the person had turned theirs."""
        usual = self.market.dials.get((then.policy, then.policy_version), then.dial)
        return self.policy if then.dial == usual else self.policy.turned_to(then.dial)

    def _span(self, turn: PastTurn) -> None:
        self._first = min(self._first or turn.at, turn.at)
        self._last = max(self._last or turn.at, turn.at)
        if turn.billed_usd is None:
            self._unbilled += 1
        else:
            self._billed_usd += turn.billed_usd

    def _judge(self, turn: PastTurn, then: Decision, now: Decision, question: Question) -> None:
        self._judged += 1
        served = served_slug(then, turn.served_model)
        shift = self._shifts.setdefault((then.slug, now.slug), _Shift())
        shift.count += 1
        self._decided[then.slug] += 1
        for key, slug in ((HAPPENED, served), (POLICY, now.slug)):
            self._tallies[key].mix[slug] += 1
            self._tallies[key].changed += slug != then.slug
        needed = constraints.room_needed(
            question.prompt.answer_tokens, question.max_completion_tokens
        )
        for each in self._pool:
            self._fits[each.slug] += misfit(question, each, needed) is None
        self._rate(served, then, now, question, shift)
        self._cost(turn, served, then, now, shift)

    def _rate(
        self, served: str, then: Decision, now: Decision, question: Question, shift: _Shift
    ) -> None:
        """Quality as it is predicted today, for all; as it was then, for a model that is gone."""
        able = self.market.odds(question.prompt)
        there = self._by_slug.get(served)
        before = able(there) if there else odds_in(then, served)
        after = able(self._by_slug[now.slug])
        if before is None:
            return
        self._rated += 1
        self._tallies[HAPPENED].quality += before
        self._tallies[POLICY].quality += after
        for each in self._pool:
            self._odds[each.slug] += able(each)  # type: ignore[assignment]
        shift.rated += 1
        shift.quality += after - before

    def _cost(
        self, turn: PastTurn, served: str, then: Decision, now: Decision, shift: _Shift
    ) -> None:
        tokens = turn.tokens
        if tokens is None:
            self._uncosted["tokens"] += 1
            return
        priced = {each.slug: each.prices for each in then.candidates}
        before, after = (self._cost_usd(slug, tokens, priced) for slug in (served, now.slug))
        if before is None or after is None:
            self._uncosted["price"] += 1
            return
        self._costed.append((tokens, priced))
        self._tallies[HAPPENED].cost_usd += before
        self._tallies[POLICY].cost_usd += after
        shift.costed += 1
        shift.cost_usd += after - before

    def _cost_usd(self, slug: str, tokens: Tokens, priced: Mapping[str, Prices]) -> Decimal | None:
        """At the price of the time where the decision kept it, else at the catalogue's."""
        known = priced.get(slug)
        if known is None or not known.known:
            candidate = self._by_slug.get(slug)
            known = candidate.prices if candidate else None
        return known.cost_usd(*tokens) if known else None

    def report(self) -> Report:
        return Report(
            policy=self.policy.label,
            judged=self._judged,
            left_out=dict(sorted(self._left_out.items())),
            refused=dict(sorted(self._refused.items())),
            costed=len(self._costed),
            uncosted=dict(sorted(self._uncosted.items())),
            rated=self._rated,
            billed_usd=self._billed_usd,
            unbilled=self._unbilled,
            first=self._first,
            last=self._last,
            lines=tuple(self._lines()) if self._judged else (),
            changes=self._changes(),
        )

    def _lines(self) -> list[Line]:
        told = [self._told(key, self._tallies[key]) for key in (HAPPENED, POLICY)]
        most = max(self._fits.values(), default=0)
        able = [each for each in self._pool if self._fits[each.slug] == most and each.prices.known]
        if not able:
            return told
        used = [tokens for tokens, _ in self._costed] or [(1_000, 500)]
        costs = {each.slug: listed_usd(each.prices, used) for each in able}
        strongest = min(able, key=lambda c: (-self._odds[c.slug], costs[c.slug], c.slug))
        cheapest = min(able, key=lambda c: (costs[c.slug], -self._odds[c.slug], c.slug))
        return [*told, self._always(STRONGEST, strongest), self._always(CHEAPEST, cheapest)]

    def _told(self, key: str, tally: _Tally) -> Line:
        return Line(
            key=key,
            model="",
            cost_usd=tally.cost_usd if self._costed else None,
            quality=tally.quality / self._rated if self._rated else None,
            changed=tally.changed,
            mix=most_common(tally.mix),
        )

    def _always_usd(self, candidate: Candidate) -> Decimal:
        slug = candidate.slug
        costs = (self._cost_usd(slug, tokens, priced) for tokens, priced in self._costed)
        return sum((cost for cost in costs if cost is not None), Decimal(0))

    def _always(self, key: str, candidate: Candidate) -> Line:
        slug = candidate.slug
        return Line(
            key=key,
            model=slug,
            cost_usd=self._always_usd(candidate) if self._costed else None,
            quality=self._odds[slug] / self._rated if self._rated else None,
            changed=self._judged - self._decided[slug],
            mix=((slug, self._judged),),
            unfit=self._judged - self._fits[slug],
        )

    def _changes(self) -> tuple[Change, ...]:
        changed = [
            Change(
                before=before,
                after=after,
                count=shift.count,
                extra_usd=shift.cost_usd if shift.costed else None,
                extra_quality=shift.quality / shift.rated if shift.rated else None,
            )
            for (before, after), shift in self._shifts.items()
            if before != after
        ]
        changed.sort(key=lambda change: (-change.count, change.before, change.after))
        return tuple(changed[:MOST_CHANGES])


def listed_usd(prices: Prices, used: Sequence[Tokens]) -> Decimal:
    """What all these tokens cost at list price: in one sum, where no tier can apply."""
    if prices.tiers:
        return sum((prices.cost_usd(*tokens) or Decimal(0) for tokens in used), Decimal(0))
    tokens_usd = prices.cost_usd(sum(sent for sent, _ in used), sum(said for _, said in used))
    return (tokens_usd or Decimal(0)) + (len(used) - 1) * (prices.request_usd or Decimal(0))


def most_common(mix: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(mix.items(), key=lambda item: (-item[1], item[0])))


def served_slug(decision: Decision, served_model: str) -> str:
    """The slug of the model that answered; its bare name where it was no candidate."""
    if not stepped_in(decision, served_model):
        return decision.slug
    return next((c.slug for c in decision.candidates if is_same(c, served_model)), served_model)


def odds_in(decision: Decision, slug: str) -> float | None:
    """What was predicted then for a model."""
    contenders: Sequence[Contender] = decision.candidates
    return next((each.odds for each in contenders if each.slug == slug), None)
