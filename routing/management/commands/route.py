"""`manage.py route "text"`: which model would answer, and why. Asks nobody and spends nothing."""

from __future__ import annotations

import sys
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from routing.policies import Policy
from routing.policy_services import BUILT_IN, NoSuchPolicy, find_policy
from routing.policy_shelf import policy_for
from routing.receipts import Receipt, receipt
from routing.services import Decision, NoCandidateFits, choose_model

NEEDS = ("image", "file", "audio", "video", "tools")


class Command(BaseCommand):
    help = "Show which model would answer a text, and why, without asking any."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text", help='What the person writes; "-" reads it from stdin.')
        parser.add_argument("--choice", default="", help="A model the person pinned.")
        named = f"name, name@version, or {BUILT_IN}; without it, the live one."
        parser.add_argument("--policy", default=None, help=f"By which policy: {named}")
        parser.add_argument("--dial", type=float, default=None, help="0 thrifty, 10 best.")
        parser.add_argument("--needs", nargs="*", default=[], choices=NEEDS)
        parser.add_argument("--history-tokens", type=int, default=0)
        parser.add_argument("--max-completion-tokens", type=int, default=8_000)
        parser.add_argument("--explain", action="store_true", help="Show the parts of each score.")
        parser.add_argument("--budget-usd", default=None, help="What may still be spent.")

    def handle(self, **options: Any) -> None:
        try:
            decision = choose_model(
                text=sys.stdin.read() if options["text"] == "-" else options["text"],
                history_tokens=options["history_tokens"],
                needs=frozenset(options["needs"]),
                choice=options["choice"],
                policy=_policy(options["policy"], options["dial"]),
                max_completion_tokens=options["max_completion_tokens"],
                budget_usd=_amount(options["budget_usd"]),
            )
        except NoCandidateFits as error:
            raise CommandError(f"{error.message} (constraint: {error.constraint})") from error
        except (NoSuchPolicy, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.drawn(decision))
        if options["explain"]:
            self.stdout.write(_parts(decision))

    def drawn(self, decision: Decision) -> str:
        """The decision as a person reads it in a terminal."""
        paper = receipt(
            decision.to_json(), served_model=None, prompt_tokens=None, completion_tokens=None
        )
        head = [
            self.style.MIGRATE_HEADING(decision.slug),
            f"  {paper.line}",
            f"  {paper.learned_line or 'The plain scorers decided: there is no learned router.'}",
            *(f"  {line}" for line in paper.live_lines),
            f"  fallbacks: {', '.join(decision.fallbacks) or 'none'}",
            f"  thinking: {paper.effort or 'as the model does by itself'};"
            f" room for the answer: {decision.max_completion_tokens} tokens;"
            f" at worst {_worst(decision)}",
            f"  difficulty {decision.difficulty:.2f}; signals: {_signals(decision)}",
            f"  for {paper.prompt_tokens} tokens in, {paper.completion_tokens} out:",
        ]
        return "\n".join([*head, *_table(paper), f"  {paper.rejected_line}", f"  {paper.policy}"])


def _policy(name: str | None, dial: float | None) -> Policy:
    policy = policy_for() if name is None else find_policy(name)
    return policy if dial is None else policy.turned_to(dial)


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no amount of money.") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError("A budget is 0 USD or more.")
    return amount


def _worst(decision: Decision) -> str:
    return "unknown" if decision.worst_case_usd is None else f"${decision.worst_case_usd:.6f}"


def _signals(decision: Decision) -> str:
    loudest = sorted(decision.signals.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {value:.2f}" for name, value in loudest) or "none"


def _parts(decision: Decision) -> str:
    """What each candidate's score is made of, in US cents of worth, and what was learned."""
    lines = ["  parts, in US cents of worth:"]
    for each in decision.candidates:
        told = "  ".join(f"{name} {value:+.3f}" for name, value in each.parts.items())
        lines.append(f"    {each.slug}: {told}")
    learned = ", ".join(f"{name} {value}" for name, value in decision.learned.items())
    return "\n".join([*lines, f"  learned: {learned or 'nothing'}"])


def _table(paper: Receipt) -> list[str]:
    width = max(len(row.slug) for row in paper.rows)
    return [
        f"  {'→' if row.is_chosen else '+' if row.is_fallback else ' '} {row.slug:<{width}}"
        f"  {row.score_cents:9.3f}  {row.odds_text:>4}  {row.cost_text:>10}  {row.times_text}"
        for row in paper.rows
    ]
