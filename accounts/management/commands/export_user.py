"""`manage.py export_user NAME --to PATH`: all that a person has, as one zip."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit import note
from accounts.models import Action, User
from accounts.takeout import write_zip


class Command(BaseCommand):
    help = "Write all that a person has into one zip."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a username, or the number of a person: user-12")
        parser.add_argument("--to", required=True, type=Path, help="the zip to write")

    def handle(self, *, name: str, to: Path, **_: Any) -> None:
        user = find(name)
        try:
            # Nobody else may read it, and nothing that is there is written over.
            handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise CommandError(f"{to} is there already.") from error
        except OSError as error:
            raise CommandError(f"{to} cannot be written: {error.strerror}.") from error
        try:
            with os.fdopen(handle, "wb") as file:
                contents = write_zip(user, file, with_usage=True)
        except BaseException:
            to.unlink(missing_ok=True)
            raise
        note(Action.EXPORTED, subject=user, detail={"what": "everything"})
        told = f"{contents.conversations} conversations, {contents.files} files: {to}"
        self.stdout.write(told)
        if contents.missing_files:
            self.stderr.write(f"{contents.missing_files} files are not where they should be.")


def find(name: str) -> User:
    """Whom a name or a number means. Raises CommandError."""
    number = name.removeprefix("user-")
    found = User.objects.filter(username=name).first()
    if found is None and name.startswith("user-") and number.isdecimal():
        found = User.objects.filter(pk=int(number[:18])).first()
    if found is None:
        raise CommandError(f"There is nobody named “{name}”.")
    return found
