"""Figures of a run, and whether those that must be nothing are. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.bench.report import percentile
from tests.chaos.person import Shared
from tests.chaos.truth import Sent, Truth, uncalled
from tests.chaos.witness import Harm, harm, without_space

STAMP = re.compile(r"(\d+\.\d{6}) ")
CHECKPOINT_S = 1.0  # chat.runner: what a kill -9 can take back at the most
LATE_S = 1.5  # of that duty, on a machine whose cores are shared
RUNNING = ("queued", "streaming")
NEVER = (  # what the tabs may not show, beside the figures that every reply and call is asked for
    "views of a tab that cannot be true",
    "tabs whose last text is not the database's",
    "texts seen growing that upstream never sent",
    "readers left without an end",
    "frames that are no balanced HTML",
    "kill -9 took more than the checkpoints allow",
)


@dataclass(slots=True)
class Verdict:
    """`zero`: figures that must be 0; `details` says what each of them was, a line a case."""

    zero: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    lost_s: list[float] = field(default_factory=list)  # of text, by a kill -9
    states: Counter[str] = field(default_factory=Counter)

    def found(self, what: str, detail: str, many: int = 1) -> None:
        self.zero[what] += many
        if many:
            self.details.append(f"{what}: {detail}")

    def harmed(self, where: str, detail: str, found: Harm) -> None:
        for name in ("lost", "doubled", "disordered"):
            self.found(f"letters {name} in {where}", detail, getattr(found, name))


def judge(truth: Truth, shared: Shared, outages: Sequence[tuple[float, float]]) -> Verdict:
    verdict = Verdict(zero=Counter(dict.fromkeys(NEVER, 0)))
    _judge_texts(verdict, truth, shared, outages)
    _judge_tabs(verdict, truth, shared)
    _judge_commands(verdict, truth, shared)
    _judge_books(verdict, truth)
    return verdict


# --- The database beside upstream ---


def _judge_texts(
    verdict: Verdict, truth: Truth, shared: Shared, outages: Sequence[tuple[float, float]]
) -> None:
    for reply in truth.replies:
        verdict.states[reply["state"]] += 1
        verdict.found("replies stuck", str(reply["id"]), reply["state"] in RUNNING)
        sent = truth.sent.get(reply["generation_id"])
        verdict.harmed("the database", _named(reply), text_harm(reply, sent))
        if sent and reply["state"] == "interrupted" and not reply["owner"]:
            _judge_loss(verdict, reply, sent, outages)


def text_harm(reply: dict[str, Any], sent: Sent | None) -> Harm:
    """A whole reply is what was sent; one that ended early is the beginning of it."""
    if sent is None:
        return Harm(disordered=len(reply["text"]))
    true = sent.text if reply["state"] == "done" else sent.text[: len(reply["text"])]
    found = harm(true, reply["text"])
    thought = sent.reasoning
    true = thought if reply["state"] == "done" else thought[: len(reply["reasoning"])]
    found.add(harm(true, reply["reasoning"]))
    return found


def _judge_loss(
    verdict: Verdict,
    reply: dict[str, Any],
    sent: Sent,
    outages: Sequence[tuple[float, float]],
) -> None:
    """How much text a kill -9 took back, by the times in the text. What a database that was away
    at the time could not store is not the checkpoints' fault."""
    stamps = [float(stamp) for stamp in STAMP.findall(sent.text)]
    if not stamps:
        return
    kept = [float(stamp) for stamp in STAMP.findall(reply["text"])]
    since = kept[-1] if kept else stamps[0]
    lost_s = stamps[-1] - since
    verdict.lost_s.append(lost_s)
    away_s = sum(
        until - begun
        for begun, until in outages
        if begun < stamps[-1] and until > since - CHECKPOINT_S
    )
    if lost_s > CHECKPOINT_S + LATE_S + 2 * away_s:
        detail = f"{_named(reply)}: {lost_s:.2f} s of text, database away {away_s:.1f} s"
        verdict.found("kill -9 took more than the checkpoints allow", detail)


def _named(reply: dict[str, Any]) -> str:
    return f"reply {reply['id']} ({reply['state']}, {reply['generation_id']})"


# --- The tabs beside the database ---


def _judge_tabs(verdict: Verdict, truth: Truth, shared: Shared) -> None:
    witness = shared.witness
    for sighting in witness.wrong:
        shown, longest = sighting.shown, sighting.longest
        detail = f"reply {sighting.reply} in {sighting.tab}: {_apart(longest, shown)}"
        verdict.found("views of a tab that cannot be true", detail)
    for reply in truth.replies:
        sent = truth.sent.get(reply["generation_id"])
        for tab, (state, text) in witness.settled.get(reply["id"], {}).items():
            if (state, text) != (reply["state"], reply["text"]):
                detail = f"{_named(reply)} in {tab}: {state}, {_apart(reply['text'], text)}"
                verdict.found("tabs whose last text is not the database's", detail)
        grown = witness.longest.get((reply["id"], "text"), "")
        true = without_space(sent.text) if sent else ""
        if not true.startswith(grown):
            detail = f"{_named(reply)}: {_apart(true, grown)}"
            verdict.found("texts seen growing that upstream never sent", detail)
    for fault in shared.faults:
        verdict.found("readers left without an end", fault)
    for fault in witness.unreadable:
        verdict.found("frames that are no balanced HTML", fault)


def _apart(true: str, shown: str) -> str:
    """Where two texts part, in a few letters."""
    pairs = enumerate(zip(true, shown, strict=False))
    at = next((n for n, (a, b) in pairs if a != b), min(len(true), len(shown)))
    near = slice(max(0, at - 12), at + 24)
    return f"at {at} of {len(true)}/{len(shown)}: {true[near]!r} was shown as {shown[near]!r}"


# --- Commands and books ---


def _judge_commands(verdict: Verdict, truth: Truth, shared: Shared) -> None:
    nonces = Counter(reply["nonce"] for reply in truth.replies)
    for prompt, nonce in shared.asked.items():
        verdict.found("prompts lost", prompt[:80], truth.prompts[prompt] == 0 or nonces[nonce] == 0)
    for prompt, many in truth.prompts.items():
        verdict.found("prompts doubled", prompt[:80], many - 1)
    for nonce in shared.retried:
        verdict.found("retries lost", nonce, nonces[nonce] == 0)
    for nonce, many in nonces.items():
        verdict.found("replies doubled", nonce, many - 1)
    verdict.found("checkpoints left behind", "rows", truth.chunks_left)


def _judge_books(verdict: Verdict, truth: Truth) -> None:
    verdict.found("upstream answers without a call (two writers)", "see bill", uncalled(truth))
    verdict.found("upstream answers left running", "open", len(truth.open_upstream))
    for call in truth.calls:
        name, costs = f"call {call['id']} ({call['state']})", call["costs"] or []
        billed = truth.bill.get(call["generation_id"])
        is_open = call["state"] in ("reserved", "running") and call["reply_state"] not in RUNNING
        verdict.found("calls without an entry or a pending mark", name, is_open)
        is_bare = call["state"] == "settled" and not costs
        verdict.found("calls without an entry or a pending mark", name, is_bare)
        verdict.found("ledger entries double", name, max(0, len(costs) - 1))
        if call["state"] == "settled" and billed is not None and call["cost"] != billed:
            detail = f"{name}: {call['cost']} is booked, {billed} was billed"
            verdict.found("entries that are not the bill's figure", detail)
        is_free = call["state"] == "released" and bool(billed)
        verdict.found("calls released though billed", f"{name}: {billed}", is_free)


def books(truth: Truth) -> dict[str, Decimal | int]:
    """What was billed, booked, and waits: the difference is known to be unknown."""
    states = Counter(call["state"] for call in truth.calls)
    nameless = [c for c in truth.calls if c["state"] == "pending" and not c["generation_id"]]
    return {
        "billed USD": sum(truth.bill.values(), Decimal(0)),
        "booked USD": sum((call["cost"] or Decimal(0) for call in truth.calls), Decimal(0)),
        "calls settled": states["settled"],
        "calls released": states["released"],
        "calls pending, bill to come": states["pending"] - len(nameless),
        "calls pending, without an id to ask with": len(nameless),
    }


def spread(values: Sequence[float], unit: float = 1.0) -> str:
    """n, median, p95 and the largest."""
    if not values:
        return "none"
    shares = [percentile(values, share) * unit for share in (0.5, 0.95, 1.0)]
    return "n {}, median {:.2f}, p95 {:.2f}, most {:.2f}".format(len(values), *shares)
