"""`manage.py sync_models`: make the catalogue like OpenRouter's list of models."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from openrouter.errors import OpenRouterError
from routing.services import CatalogueRefused, sync_catalogue


class Command(BaseCommand):
    help = (
        "Fetch OpenRouter's list of models with prices and limits into the catalogue, and what it"
        " publishes of benchmarks and tasks where the key may read that. Exit status 1: nothing was"
        " changed. 2: the list is in, the published figures are as they were."
    )

    def handle(self, **options: Any) -> None:
        try:
            report = sync_catalogue()
        except OpenRouterError as error:
            raise CommandError(f"The catalogue was not synced: {error.for_person}") from error
        except CatalogueRefused as error:
            raise CommandError(f"The catalogue was not synced: {error}") from error
        for warning in report.warnings:
            self.stderr.write(self.style.WARNING(warning))
        for line in report.news:
            self.stdout.write(line)
        if report.note:
            self.stdout.write(report.note)
        self.stdout.write(report.summary())
        if report.trouble:
            raise CommandError(report.trouble, returncode=2)
