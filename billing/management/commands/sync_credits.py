"""`manage.py sync_credits`: ask OpenRouter what is left of the account's credits."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from billing.credits import ImpossibleCredits, keep_credits
from billing.key_errors import about_management
from billing.keys import NoUsableKey, is_emulated, management_key
from billing.templatetags.money import usd_exact
from openrouter.errors import OpenRouterError
from openrouter.results import Credits


class Command(BaseCommand):
    help = (
        "Ask OpenRouter how many credits were bought and used, and keep the answer (see Credits in "
        "the admin). It needs a management key (OPENROUTER_MANAGEMENT_KEY). Exit status: 0 the "
        "answer is kept, 1 there was none and nothing is."
    )

    def handle(self, **options: Any) -> None:
        try:
            if not (is_emulated() or management_key()):
                raise CommandError("Nothing was kept: set OPENROUTER_MANAGEMENT_KEY first.")
            client = import_string(settings.OPENROUTER_MANAGEMENT_CLIENT)()
            kept = keep_credits(async_to_sync(fetch)(client))
        except NoUsableKey as error:
            raise CommandError(f"Nothing was kept: {error}") from error
        except OpenRouterError as error:
            raise CommandError(f"Nothing was kept: {about_management(error)}") from error
        except ImpossibleCredits as error:
            raise CommandError(f"Nothing was kept: {error}.") from error
        self.stdout.write(
            f"{usd_exact(kept.left_usd)} left: {usd_exact(kept.total_usd)} bought, "
            f"{usd_exact(kept.used_usd)} used."
        )
        if kept.left_usd < 0:
            self.stderr.write(
                self.style.WARNING("The account is overdrawn: OpenRouter refuses what costs.")
            )


async def fetch(client: Any) -> Credits:
    try:
        found: Credits = await client.credits()
        return found
    finally:
        await client.aclose()
