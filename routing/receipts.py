"""The receipt under an answer: why this model, and what others would have cost. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from routing.constraints import WORDS
from routing.decision import Contender, Decision
from routing.live_reasons import live_lines
from routing.names import is_same, stepped_in
from routing.reasons import learned_line, listed, loud_signals, times_text, usd_text

PART_WORDS: Mapping[str, str] = {
    "quality": "chance of a good answer",
    "thrift": "cost",
    "speed": "waiting",
    "recency": "newness",
    "comfort": "room in its memory",
    "thinking": "can think first",
}
LOST = "How this model was chosen is not on record."


@dataclass(frozen=True, slots=True)
class ReceiptPart:
    """One scorer's share of a score: `worth_cents` US cents, negative for a loss."""

    label: str
    worth_cents: float


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One candidate of the decision.

    slug, name, and `price_text` for a million tokens;
    `cost_usd`: what it would have charged for the answer's tokens (Decimal; None: unknown or
    "depends"), `cost_text` the same in words; `times`: that cost as a multiple of what the
    model that answered charges, `times_text` in words ("half as much", "3.1 times as much",
    "" for that model itself or where one of the two is unknown);
    `odds`: chance of a good answer from 0 to 1, or None; `odds_text`: "82 %" or "";
    `score_cents` and `parts` (ReceiptPart): what it was worth in the decision;
    `is_chosen`, `is_fallback`, `answered`: its part in this answer.
    """

    slug: str
    name: str
    price_text: str
    cost_usd: Decimal | None
    cost_text: str
    times: Decimal | None
    times_text: str
    odds: float | None
    odds_text: str
    score_cents: float
    parts: tuple[ReceiptPart, ...]
    is_chosen: bool
    is_fallback: bool
    answered: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the page shows under an answer.

    `line`: one sentence, why this model; `fallback_line`: one sentence when another model
    stepped in, else "". `signals`: what the prompt showed, in words, strongest first.
    `rows`: the candidates, best first (ReceiptRow). `rejected`: pairs of a count and words
    ("12", "is free, and limited"); `rejected_line`: the same in one sentence, or "".
    `policy`: name, version and dial. `effort`: how hard the model was asked to think, or "".
    `pinned`: the person chose the model. `chosen`, `served`: slugs; they differ when
    `fallback_used`, and also where a router or an alias picked the model.
    `prompt_tokens`, `completion_tokens`: what the costs are for. `is_lost`: no decision is on
    record, and only `line` and `served` mean anything. `learned_line`: one sentence on what the
    learned router read in the prompt, or "" where only the plain scorers decided. `live_lines`:
    a sentence for each of votes, own measurements, a warm cache, a trial, where it mattered.
    """

    line: str
    fallback_line: str
    signals: tuple[str, ...]
    rows: tuple[ReceiptRow, ...]
    rejected: tuple[tuple[int, str], ...]
    rejected_line: str
    policy: str
    effort: str
    pinned: bool
    chosen: str
    served: str
    fallback_used: bool
    prompt_tokens: int
    completion_tokens: int
    is_lost: bool = False
    learned_line: str = ""
    live_lines: tuple[str, ...] = ()


def receipt(
    decision_json: Mapping[str, Any] | None,
    *,
    served_model: str | None,
    prompt_tokens: int | None,
    completion_tokens: int | None,
) -> Receipt:
    """The receipt for an answer: of the stored decision and the tokens the bill names.

    Tokens that are not known yet (None) are taken as expected by the decision. Never fails:
    a decision that cannot be read gives a receipt that says so.
    """
    served = served_model or ""
    try:  # what is stored may be of another version, or of somebody's hand
        decision = Decision.from_json(decision_json or {})
        return _written(decision, served, prompt_tokens, completion_tokens)
    except (LookupError, TypeError, ValueError, AttributeError):
        return _lost(served)


def _written(
    decision: Decision, served: str, prompt_tokens: int | None, completion_tokens: int | None
) -> Receipt:
    prompt = decision.prompt_tokens if prompt_tokens is None else prompt_tokens
    completion = decision.answer_tokens if completion_tokens is None else completion_tokens
    used = stepped_in(decision, served)
    rejected = tuple(
        (count, WORDS.get(name, name))
        for name, count in sorted(decision.rejected.items(), key=lambda item: (-item[1], item[0]))
    )
    return Receipt(
        line=decision.reason,
        fallback_line=_fallback_line(decision, served) if used else "",
        signals=tuple(loud_signals(decision.signals)),
        rows=_rows(decision, served, (prompt, completion)),
        rejected=rejected,
        rejected_line=_rejected_line(rejected),
        policy=f"{decision.policy} {decision.policy_version}, dial {decision.dial:g}",
        effort=decision.effort or "",
        pinned=decision.pinned,
        chosen=decision.slug,
        served=served or decision.slug,
        fallback_used=used,
        prompt_tokens=prompt,
        completion_tokens=completion,
        learned_line=learned_line(decision.learned),
        live_lines=live_lines(decision),
    )


def _rows(decision: Decision, served: str, tokens: tuple[int, int]) -> tuple[ReceiptRow, ...]:
    answering = _answering(decision, served)
    reference = answering.prices.cost_usd(*tokens)
    return tuple(
        _row(contender, decision, tokens, reference, answered=contender.slug == answering.slug)
        for contender in decision.candidates
    )


def _answering(decision: Decision, served: str) -> Contender:
    """The candidate that answered; the chosen one where the name tells nothing else."""
    chosen = {c.slug: c for c in decision.candidates}[decision.slug]
    if not stepped_in(decision, served):
        return chosen
    return next((c for c in decision.candidates if is_same(c, served)), Contender.unknown(served))


def _row(
    contender: Contender,
    decision: Decision,
    tokens: tuple[int, int],
    reference: Decimal | None,
    *,
    answered: bool,
) -> ReceiptRow:
    cost = contender.prices.cost_usd(*tokens)
    times = cost / reference if cost is not None and reference and not answered else None
    return ReceiptRow(
        slug=contender.slug,
        name=contender.name,
        price_text=contender.prices.text,
        cost_usd=cost,
        cost_text=usd_text(cost) if cost is not None else "depends",
        times=times,
        times_text=times_text(times),
        odds=contender.odds,
        odds_text="" if contender.odds is None else f"{min(contender.odds, 0.99):.0%}",
        score_cents=contender.score,
        parts=tuple(
            ReceiptPart(PART_WORDS.get(name, name), worth)
            for name, worth in contender.parts.items()
        ),
        is_chosen=contender.slug == decision.slug,
        is_fallback=contender.slug in decision.fallbacks,
        answered=answered,
    )


def _fallback_line(decision: Decision, served: str) -> str:
    stood_in = next((c.name for c in decision.candidates if is_same(c, served)), served)
    return f"{decision.name} could not answer, so {stood_in} did."


def _rejected_line(rejected: tuple[tuple[int, str], ...]) -> str:
    if not rejected:
        return ""
    return f"Left out: {listed([f'{count} {words}' for count, words in rejected])}."


def _lost(served: str) -> Receipt:
    return Receipt(
        line=LOST,
        fallback_line="",
        signals=(),
        rows=(),
        rejected=(),
        rejected_line="",
        policy="",
        effort="",
        pinned=False,
        chosen="",
        served=served,
        fallback_used=False,
        prompt_tokens=0,
        completion_tokens=0,
        is_lost=True,
    )
