"""`manage.py doctor`: look over an installation, and say in words what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.doctor import database, deployment, machine, relay, upstream
from config.doctor.findings import Finding, Level

CHECKS: Final[dict[str, Callable[[], Iterator[Finding]]]] = {
    "settings": deployment.check,
    "database": database.check,
    "redis": relay.check,
    "upstream": upstream.check,
    "machine": machine.check,
}


class Command(BaseCommand):
    help = (
        "Look over this installation before others use it: settings, database, Redis, OpenRouter,"
        " machine. Changes nothing. Exit status 1 where there is a fault, 0 where there are none or"
        " only warnings. Run it as the user and with the environment of the server."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "parts",
            nargs="*",
            metavar="part",
            help=f"look at these parts only: {', '.join(CHECKS)}",
        )
        parser.add_argument("--strict", action="store_true", help="warnings count as faults")
        parser.add_argument("--quiet", action="store_true", help="leave out what is in order")

    def handle(self, *, parts: list[str], strict: bool, quiet: bool, **_: Any) -> None:
        if unknown := set(parts) - CHECKS.keys():
            raise CommandError(f"There is no part {', '.join(sorted(unknown))}: see --help.")
        found: list[Finding] = []
        for name, check in CHECKS.items():
            if not parts or name in parts:
                self.stdout.write(self.style.MIGRATE_HEADING(name))
                for finding in check():
                    found.append(finding)
                    self._show(finding, quiet=quiet)
        faults = sum(finding.level == Level.FAULT for finding in found)
        warnings = sum(finding.level == Level.WARNING for finding in found)
        if faults or (strict and warnings):
            raise CommandError(f"{faults} faults, {warnings} warnings.")
        self.stdout.write(f"No fault, {warnings} warnings.")

    def _show(self, finding: Finding, *, quiet: bool) -> None:
        if quiet and finding.level == Level.FINE:
            return
        style = {
            Level.FINE: self.style.SUCCESS,
            Level.WARNING: self.style.WARNING,
            Level.FAULT: self.style.ERROR,
        }[finding.level]
        self.stdout.write(f"  {style(finding.level):7}  {finding.what}")
        if finding.advice:
            self.stdout.write(f"           {finding.advice}")
