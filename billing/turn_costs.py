"""What a turn cost: every call that was made for one message, added up.

A title, a request that failed and was made again, a tool turn, a second opinion: each is a call
of its own and names the message that it was made for. What a person sees is their sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from billing.models import Call, CallState, Kind, Purpose, Standing, UsageRecord
from billing.money import EXACT

NOTHING: Final = Decimal(0)
CALL = ("pk", "state", "purpose", "generation_id", "message_ref")
ENTRY = (
    *("call_id", "kind", "standing", "cost_usd", "upstream_cost_usd", "is_byok"),
    *("prompt_tokens", "completion_tokens"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One call of a turn: what for, and what it cost. None: that is not known yet."""

    words: str
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class TurnCost:
    """What is known of a turn's cost. `cost_usd` is None where nothing is booked.

    `pending` calls wait for their bill, for `unknown` ones nobody can be asked. `first_usd` is
    what was booked before it was corrected. `own_key_usd` was paid on a key of the person's own
    and is not in `cost_usd`. Tokens are those of all its calls; None where none were told.
    """

    cost_usd: Decimal | None = None
    pending: int = 0
    unknown: int = 0
    is_estimated: bool = False
    first_usd: Decimal | None = None
    own_key_usd: Decimal | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    was_made: bool = False
    parts: Sequence[Part] = ()

    @property
    def is_free_of_charge(self) -> bool:
        """Every call of it was refused or never made."""
        return self.was_made and self.cost_usd is None and not (self.pending or self.unknown)

    @property
    def tokens(self) -> int | None:
        if self.tokens_in is None and self.tokens_out is None:
            return None
        return (self.tokens_in or 0) + (self.tokens_out or 0)


def turn_costs(
    *, conversation_ref: str, message_refs: Collection[str] | None = None
) -> dict[str, TurnCost]:
    """Message → what its turn cost, of a whole conversation or of some messages of it."""
    calls = Call.objects.in_conversation(conversation_ref)
    entries = UsageRecord.objects.in_conversation(conversation_ref)
    if message_refs is not None:
        calls = calls.filter(message_ref__in=message_refs)
        entries = entries.filter(message_ref__in=message_refs)
    return _by_message(calls.order_by("pk").values(*CALL), entries.order_by("pk").values(*ENTRY))


def cost_of_call(call: Call | None, usage: UsageRecord | None) -> TurnCost:
    """The same of one call and its entry: for a copy, whose turn is another conversation's."""
    calls = [] if call is None else [_row(call, CALL)]
    entries = [] if usage is None else [_row(usage, ENTRY)]
    return _cost_of([{**each, "pk": 0} for each in calls], {0: entries})


def _row(source: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(source, name, None) for name in names}


def _by_message(
    calls: Iterable[dict[str, Any]], entries: Iterable[dict[str, Any]]
) -> dict[str, TurnCost]:
    of_message: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    of_call: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for call in calls:
        of_message[call["message_ref"]].append(call)
    for entry in entries:
        of_call[entry["call_id"]].append(entry)
    return {ref: _cost_of(made, of_call) for ref, made in of_message.items()}


def _cost_of(calls: Sequence[dict[str, Any]], of_call: dict[int, list[dict[str, Any]]]) -> TurnCost:
    entries = [entry for call in calls for entry in of_call.get(call["pk"], ())]
    if not calls:
        entries = [entry for each in of_call.values() for entry in each]
    originals = [entry for entry in entries if entry["kind"] != Kind.CORRECTION]
    is_corrected = len(originals) < len(entries)
    waiting = [call for call in calls if call["state"] == CallState.PENDING]
    unknown = sum(not call["generation_id"] for call in waiting)
    own = [entry for entry in entries if entry["is_byok"]]
    return TurnCost(
        cost_usd=_total(entries, "cost_usd") if entries else None,
        pending=len(waiting) - unknown,
        unknown=unknown,
        is_estimated=any(map(_stays_estimated, of_call.values())),
        first_usd=_total(originals, "cost_usd") if is_corrected else None,
        own_key_usd=_total(own, "upstream_cost_usd") if own else None,
        tokens_in=_count(entries, "prompt_tokens"),
        tokens_out=_count(entries, "completion_tokens"),
        was_made=bool(calls or entries),
        parts=_parts(calls, of_call),
    )


def _stays_estimated(entries: Iterable[dict[str, Any]]) -> bool:
    """An estimate that a bill has corrected is one no more."""
    standings = [entry["standing"] for entry in entries]
    return bool(standings) and standings[-1] == Standing.ESTIMATED


def _total(entries: Iterable[dict[str, Any]], column: str) -> Decimal:
    total = NOTHING
    for entry in entries:
        total = EXACT.add(total, entry[column] or NOTHING)
    return total


def _count(entries: Iterable[dict[str, Any]], column: str) -> int | None:
    known = [entry[column] for entry in entries if entry[column] is not None]
    return sum(known) if known else None


def _parts(
    calls: Sequence[dict[str, Any]], of_call: dict[int, list[dict[str, Any]]]
) -> tuple[Part, ...]:
    """Each call that cost, or may have; what was refused is none. A single one is no part."""
    told = [call for call in calls if call["state"] != CallState.RELEASED]
    if len(told) < 2:
        return ()
    replies = [call["pk"] for call in told if call["purpose"] == Purpose.REPLY]
    is_first = any(call["purpose"] == Purpose.ESCALATION for call in told)
    answer = "the first answer" if is_first else "the answer"
    parts = []
    for call in told:
        words = answer if call["pk"] in replies[-1:] else _words(call["purpose"])
        entries = of_call.get(call["pk"], ())
        parts.append(Part(words, _total(entries, "cost_usd") if entries else None))
    return tuple(parts)


def _words(purpose: str) -> str:
    if purpose == Purpose.REPLY:
        return "an earlier attempt"
    return str(dict(Purpose.choices).get(purpose, purpose)).lower()
