"""Tables that most installations leave empty, and that every prompt would ask."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import models
from django.db.models.signals import post_save

TRUSTED_S = 2.0


class Emptiness:
    """Remembers for two seconds that a table has no row at all.

    A row that this process saves is seen at once, one of another process within that time. That
    there are rows is never remembered.
    """

    def __init__(
        self, model: type[models.Model], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._model, self._clock = model, clock
        self._until_s = 0.0
        post_save.connect(self._forget, sender=model, weak=False)

    def __bool__(self) -> bool:
        """Whether the table is known to be empty: without a query."""
        return self._clock() < self._until_s

    def look(self) -> None:
        """Ask, after nothing was found for one person."""
        if not self._model._default_manager.exists():  # noqa: SLF001 (Django's public word for it)
            self._until_s = self._clock() + TRUSTED_S

    def _forget(self, **_: Any) -> None:
        self._until_s = 0.0
