"""`manage.py sync_models`: make the catalogue like OpenRouter's list of models."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from openrouter.errors import OpenRouterError
from routing.services import CatalogueRefused, sync_catalogue


class Command(BaseCommand):
    help = "Fetch OpenRouter's list of models with prices and limits into the catalogue."

    def handle(self, **options: Any) -> None:
        try:
            report = sync_catalogue()
        except OpenRouterError as error:
            raise CommandError(f"The catalogue was not synced: {error.for_person}") from error
        except CatalogueRefused as error:
            raise CommandError(f"The catalogue was not synced: {error}") from error
        for warning in report.warnings:
            self.stderr.write(self.style.WARNING(warning))
        self.stdout.write(report.summary())
