"""`manage.py audit_books`: many replies, many faults, and the ledger beside the emulator's bill."""

from __future__ import annotations

from argparse import ArgumentDefaultsHelpFormatter
from tempfile import TemporaryFile
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.money import usd_text
from config.audit.comparison import table
from config.audit.run import Findings, Wanted, WorkerFailed, run_audit
from config.audit.scratch import scratch_database

EXAMPLES = 10
SHOWN_CHARS = 6_000  # of a log, when a process has failed
NOT_CLOSED = 2  # exit status: the audit ran, and the books do not close


class Command(BaseCommand):
    help = (
        "Let the application write replies against the emulator, a share of them with faults of "
        "every kind and with processes that are killed; settle; and compare the ledger with the "
        "emulator's own bill, request by request. It works in a database of its own, of the kind "
        "that DATABASE_URL names, and removes it. Exit status: 0 the books close to the last "
        "digit, 2 they do not, 1 the audit could not be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = ArgumentDefaultsHelpFormatter
        parser.add_argument("--replies", type=int, default=1000, help="how many to ask for")
        parser.add_argument("--faults", type=float, default=0.2, help="share that goes wrong")
        parser.add_argument("--seed", type=int, default=1, help="what goes wrong with which")
        parser.add_argument("--processes", type=int, default=2, help="that write side by side")

    def handle(self, **options: Any) -> None:
        figures = {name: options[name] for name in ("replies", "faults", "seed", "processes")}
        if figures["replies"] < 1 or figures["processes"] < 1 or not 0 <= figures["faults"] <= 1:
            raise CommandError("Replies and processes are 1 or more, faults from 0 to 1.")
        with TemporaryFile("w+") as log:
            wanted = Wanted(**figures, log=log)
            try:
                with scratch_database() as url:
                    found = run_audit(wanted, url)
            except WorkerFailed as error:
                log.seek(0)
                raise CommandError(f"{error}\n{log.read()[-SHOWN_CHARS:]}") from error
        self._print(wanted, found)
        if not found.closes:
            raise CommandError("The books do not close.", returncode=NOT_CLOSED)

    def _print(self, wanted: Wanted, found: Findings) -> None:
        for line in table(found.tallies, found.replies):
            self.stdout.write(line)
        total = found.total
        for example in total.examples[:EXAMPLES]:
            self.stdout.write(f"  {example}")
        self.stdout.write(
            f"Billed ${usd_text(total.billed_usd)}, booked ${usd_text(total.booked_usd)}: "
            f"residual {usd_text(total.residual_usd)}, entries missing {total.missing}, "
            f"entries double {total.double}."
        )
        self.stdout.write(
            f"{found.pending} pending, {found.estimated} estimated, {found.running} still running, "
            f"{found.figureless} replies without their figure, {found.budgets_off} budgets wrong."
        )
        self.stdout.write(
            f"{wanted.replies} replies by {wanted.processes} processes and {found.kills} that were "
            f"killed, in {found.seconds:.0f} s."
        )
