"""`manage.py create_demo`: the account with which a demo is signed in to."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

USERNAME = "demo"
PASSWORD = "switchboard-demo"  # noqa: S105 - printed for everybody who runs the demo


class Command(BaseCommand):
    help = "Make the account 'demo', which may do everything. Only where DEMO is on."

    def handle(self, **_: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Nothing was made: this is no demo (DEMO is off).")
        make_demo_account()
        self.stdout.write(f"Sign in as {USERNAME} with the password {PASSWORD}.")


@transaction.atomic
def make_demo_account() -> None:
    """Make the account, or mend it. A good password is left alone, which keeps people signed in."""
    user, _ = get_user_model().objects.get_or_create(username=USERNAME)
    if not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
    user.is_active = user.is_staff = user.is_superuser = True
    user.save()
