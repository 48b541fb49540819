"""What the usage review is asked for: an address, as a choice."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone

from billing.models import Purpose
from billing.usage import EVER, Choice, known_months, known_values
from billing.usage_people import members_of, ref_of

PENDING: Final = "pending"
SETTLEMENT: Final = [
    ("", "All"),
    ("exact", "Exact"),
    ("estimated", "Estimated"),
    (PENDING, "Pending"),
]
DAYS_AT_FIRST: Final = 30
MOST_NAMES: Final = 500  # that are offered while somebody types


class UsageForm(forms.Form):
    """Every field may be empty; what makes no sense is told beside it and left out."""

    since = forms.DateField(required=False, label="From")
    until = forms.DateField(required=False, label="To")
    user = forms.CharField(required=False, max_length=200)
    group = forms.ModelChoiceField(
        Group.objects.order_by("name"), required=False, empty_label="All"
    )
    model = forms.ChoiceField(required=False)
    provider = forms.ChoiceField(required=False)
    purpose = forms.ChoiceField(required=False, choices=[("", "All"), *Purpose.choices])
    settlement = forms.ChoiceField(required=False, choices=SETTLEMENT)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        for name in ("since", "until"):
            self.fields[name].widget = day
        self.fields["user"].widget.attrs["list"] = "people"
        for name, column in (("model", "served_model"), ("provider", "provider")):
            values = [(value, value or "unknown") for value in known_values(column) if value]
            self.fields[name].choices = [("", "All"), *values]  # type: ignore[attr-defined]
        people = get_user_model().objects.order_by("username")
        self.people = list(people.values_list("username", flat=True)[:MOST_NAMES])

    def clean_user(self) -> str:
        text = str(self.cleaned_data["user"])
        ref = ref_of(text) if text else ""
        if ref is None:
            raise forms.ValidationError("Nobody has this name.")
        return ref

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", "This is before the first day.")
        return cleaned

    def choice(self) -> Choice:
        """What was asked for. Without days: the last 30."""
        self.is_valid()
        asked = self.cleaned_data
        today = timezone.now().astimezone(dt.UTC).date()
        until = _within(asked.get("until")) or today
        since = _within(asked.get("since")) or min(today, until) - dt.timedelta(
            days=DAYS_AT_FIRST - 1
        )
        since = max(min(since, until), self._oldest(until))
        settlement = asked.get("settlement") or ""
        return Choice(
            since,
            until,
            self._user_refs(asked.get("user") or "", asked.get("group")),
            served_model=asked.get("model") or "",
            provider=asked.get("provider") or "",
            purpose=asked.get("purpose") or "",
            standing=settlement,
        )

    def show(self, choice: Choice) -> None:
        """Name the days that were taken where none were asked for."""
        asked = {name: self.data.get(name) for name in self.data}
        for name in ("since", "until"):
            asked[name] = asked.get(name) or getattr(choice, name).isoformat()
        self.data = asked

    @staticmethod
    def _oldest(until: dt.date) -> dt.date:
        """No chart begins long before there was anything."""
        months = known_months()
        return min(until, months[-1]) if months else until

    @staticmethod
    def _user_refs(ref: str, group: Group | None) -> tuple[str, ...] | None:
        members = members_of(group) if group else None
        if not ref:
            return members
        return (ref,) if members is None or ref in members else ()


def _within(day: dt.date | None) -> dt.date | None:
    return None if day is None else min(max(day, EVER.since), EVER.until)
