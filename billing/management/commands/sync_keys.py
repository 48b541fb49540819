"""`manage.py sync_keys`: the keys of the account at OpenRouter beside those that we hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.key_crypto import KeysNotEncrypted
from billing.key_errors import about_management
from billing.key_sync import Plan, SyncReport, limit_words, sync_keys
from billing.keys import NoUsableKey, is_emulated, management_key
from openrouter.errors import OpenRouterError

SOME_FAILED = 2
MOST_NAMES = 20


class Command(BaseCommand):
    help = (
        "Fetch every key of the account, compare it with the keys that are held here, and carry "
        "the difference out: make missing keys of people (with PER_USER_KEYS), disable those of "
        "inactive people and enable them again, carry budgets over as limits. What only one side "
        "has is told by name. A management key is needed. "
        "Exit status: 0 the same, or done; 2 a change failed; 1 nothing was compared or changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="tell what would be done, and do nothing"
        )

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        try:
            if not (is_emulated() or management_key()):
                raise CommandError(
                    "Nothing was compared: set OPENROUTER_MANAGEMENT_KEY, "
                    "or enter a management key in the admin."
                )
            report = sync_keys(dry_run=dry_run)
        except (KeysNotEncrypted, NoUsableKey) as error:
            raise CommandError(f"Nothing was compared: {error}") from error
        except OpenRouterError as error:
            raise CommandError(f"Nothing was compared: {about_management(error)}") from error
        self._tell(report, dry_run=dry_run)
        if report.failures:
            raise CommandError(_failed(report), returncode=SOME_FAILED)

    def _tell(self, report: SyncReport, *, dry_run: bool) -> None:
        plan = report.plan
        self.stdout.write(f"{plan.theirs} keys at OpenRouter, {plan.ours} of the account here.")
        if dry_run:
            self._tell_plan(plan)
        else:
            self._names("Made", report.created)
            done = set(report.updated)
            self._names("Changed", [_update(u) for u in plan.updates if u.label in done])
        self._names("Only here, gone at OpenRouter", [key.label for key in plan.only_ours])
        self._names("Only at OpenRouter", [key.name or key.label for key in plan.only_theirs])
        if not (plan.creations or plan.updates):
            self.stdout.write("There is nothing to change.")

    def _tell_plan(self, plan: Plan) -> None:
        made = [f"{each.label} (limit: {limit_words(each.limit)})" for each in plan.creations]
        self._names("Would make", made)
        self._names("Would change", [_update(each) for each in plan.updates])

    def _names(self, heading: str, names: Sequence[str]) -> None:
        if not names:
            return
        self.stdout.write(f"{heading}: {len(names)}")
        for name in names[:MOST_NAMES]:
            self.stdout.write(f"    {name}")
        if len(names) > MOST_NAMES:
            self.stdout.write(f"    and {len(names) - MOST_NAMES} more")


def _update(update: Any) -> str:
    return f"{update.label}: {update.why}"


def _failed(report: SyncReport) -> str:
    lines = [f"{label}: {about_management(error)}" for label, error in report.failures]
    if report.left:
        lines.append(f"{report.left} further changes were not tried.")
    return "\n".join(["Some changes failed; the next run tries them again.", *lines])
