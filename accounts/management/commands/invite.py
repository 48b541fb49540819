"""`manage.py invite EMAIL`: an invitation, printed as a link and, with --mail, sent."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.invitations import CannotInvite, invite, mail, path_of


class Command(BaseCommand):
    help = "Invite somebody: print a link that makes one account, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", nargs="?", default="", help="who it is for; empty: anybody")
        parser.add_argument(
            "--group", action="append", default=[], metavar="NAME", help="may be repeated"
        )
        parser.add_argument("--days", type=int, default=settings.INVITATION_DAYS)
        parser.add_argument("--mail", action="store_true", help="send the link to EMAIL, too")

    def handle(self, *, email: str, group: list[str], days: int, **options: Any) -> None:
        groups = [self._group(name) for name in group]
        try:
            if email:
                validate_email(email)
            elif options["mail"]:
                raise CommandError("To send it, say to which address.")
            invitation, token = invite(by=None, email=email, groups=groups, days=days)
        except ValidationError as error:
            raise CommandError(f"“{email}” is no e-mail address.") from error
        except CannotInvite as error:
            raise CommandError(error.for_person) from error
        link = f"{settings.SITE_URL}{path_of(token)}"
        self.stdout.write(link)
        self.stderr.write(f"It works once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC.")
        if options["mail"]:
            try:
                mail(invitation, link)
            except OSError as error:
                raise CommandError(f"The mail was not sent: {error}. The link holds.") from error
            self.stderr.write(f"Sent to {email}.")

    def _group(self, name: str) -> Group:
        found = Group.objects.filter(name=name).first()
        if found is None:
            known = ", ".join(Group.objects.order_by("name").values_list("name", flat=True)[:20])
            raise CommandError(f"There is no group “{name}”. There are: {known or 'none'}.")
        return found
