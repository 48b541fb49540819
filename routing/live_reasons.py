"""What votes, own measurements, a warm cache or curiosity did to a choice, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from routing.decision import Decision
from routing.reasons import demand_text, short_name, usd_text

FAILING = 0.1  # a share of failed calls that is worth a word


def live_lines(decision: Decision) -> tuple[str, ...]:
    """One sentence for each thing that moved the choice, or nearly did."""
    live = decision.live
    return tuple(
        line
        for line in (
            _votes(decision, live.get("votes") or {}),
            _figures(decision, live.get("figures") or {}),
            _warm(decision, live.get("warm") or {}),
            _trial(decision, live),
            _first(decision, live),
        )
        if line
    )


def _votes(decision: Decision, votes: Mapping[str, Any]) -> str:
    if not votes.get("instead_of"):
        return ""
    kind = demand_text(str(votes.get("demand", ""))).lower()
    other = short_name(str(votes["instead_name"]))
    return (
        f"Your votes moved the choice (this is {kind}): without them {other} would have answered."
    )


def _figures(decision: Decision, figures: Mapping[str, Any]) -> str:
    if not figures.get("instead_of"):
        return ""
    other = short_name(str(figures["instead_name"]))
    told = "; ".join(
        f"{name} {_seen(seen)}"
        for name, seen in (
            (short_name(decision.name), figures.get("chosen")),
            (other, figures.get("other")),
        )
        if seen
    )
    return f"What our own calls showed lately moved the choice away from {other}: {told}."


def _seen(seen: Mapping[str, float]) -> str:
    return " and ".join(_told(seen))


def _told(seen: Mapping[str, float]) -> Iterator[str]:
    if seen["failures"] >= FAILING:
        yield f"failed in {seen['failures']:.0%} of them"
    waits, speed = f"{seen['first_token_s']:.1f} s", f"{seen['tokens_per_s']:.0f} tokens a second"
    yield f"begins after {waits} at {speed}"


def _warm(decision: Decision, warm: Mapping[str, Any]) -> str:
    if not warm:
        return ""
    holder, other = short_name(str(warm["name"])), short_name(str(warm["other"]))
    saved, ahead = _usd(warm["saved_cents"]), float(warm["ahead_cents"])
    kept = f"about {warm['tokens']:,} tokens of this conversation are likely in its cache"
    if not warm["stayed"]:
        return (
            f"Leaving {holder} gives up about {saved} ({kept}): {other} is worth"
            f" {_usd(ahead)} more even so."
        )
    if ahead > 0:
        return (
            f"Stayed with {holder}: {kept}, which saves about {saved}. {other} was worth"
            f" {_usd(ahead)} more without that, and would have to be worth {saved} more."
        )
    return f"{holder} was the best anyway, and {kept}: another would have to be worth {saved} more."


def _usd(cents: object) -> str:
    return usd_text(abs(Decimal(str(cents))) / 100)


def _trial(decision: Decision, live: Mapping[str, Any]) -> str:
    if not live.get("tried_before"):
        return ""
    best = short_name(str(live["tried_before"]))
    return (
        f"Tried for once: {short_name(decision.name)} is about as good a choice as {best},"
        " and little is known of it here yet."
    )


def _first(decision: Decision, live: Mapping[str, Any]) -> str:
    if not live.get("checked_before"):
        return ""
    best = short_name(str(live["checked_before"]))
    return (
        f"Cheap first: {short_name(decision.name)} begins because its answer is checked; {best}"
        " would have been asked without that."
    )
