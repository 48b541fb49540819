"""Which days to replay."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone

MOST_DAYS = 3_660


class ReplayForm(forms.Form):
    since = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The day after the last. Empty: until now.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        initial = {"since": self.days_ago(30).date()}
        super().__init__(*args, **{"initial": initial, **kwargs})

    @staticmethod
    def days_ago(days: int) -> dt.datetime:
        """The first moment of that day, in UTC."""
        day = timezone.now() - dt.timedelta(days=days)
        return day.replace(hour=0, minute=0, second=0, microsecond=0)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until <= since:
            self.add_error("until", "It must be a later day.")
        return cleaned

    def span(self) -> tuple[dt.datetime, dt.datetime | None]:
        """The first moment, and the one after the last."""
        until = self.cleaned_data["until"]
        return start_of(self.cleaned_data["since"]), start_of(until) if until else None


def start_of(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
