"""From a number to its rows: addresses of the ledger and of the review that hold a choice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse

from billing.usage import EVER, Choice

SPLIT: Final = ".."  # between the first day and the last
# Field of a choice → what the ledger's list calls it in its address.
IN_THE_LEDGER: Final = {
    "served_model": "served_model",
    "provider": "provider",
    "purpose": "purpose__exact",
    "standing": "standing__exact",
    "kind": "kind__exact",
}


def ledger_link(choice: Choice, asked: Mapping[str, str], **narrower: Any) -> str:
    """The entries that a number of a choice adds up. `asked`: the review's own address.

    A group stays a group, so that its address does not grow with its members.
    """
    choice = replace(choice, **narrower)
    query = {"day": days_text(choice.since, choice.until)}
    query |= {
        name: str(getattr(choice, field))
        for field, name in IN_THE_LEDGER.items()
        if getattr(choice, field)
    }
    if choice.user_refs is not None and len(choice.user_refs) == 1:
        query["user_ref"] = choice.user_refs[0]
    elif asked.get("group"):
        query["group"] = asked["group"]
    return f"{reverse('admin:billing_usagerecord_changelist')}?{urlencode(query)}"


def review_link(asked: Mapping[str, str], **more: Any) -> str:
    """The review as it was asked for, with something changed; "" takes a field away."""
    query = {name: str(value) for name, value in {**asked, **more}.items() if value}
    return f"{reverse('admin:billing_usagerollup_changelist')}?{urlencode(query)}"


def days_text(since: dt.date, until: dt.date) -> str:
    return since.isoformat() if since == until else f"{since}{SPLIT}{until}"


def days_of(text: str) -> tuple[dt.date, dt.date] | None:
    """First and last day of 2026-11-20, 2026-11 or 2026-11-01..2026-11-20; None for else."""
    first, _, last = text.partition(SPLIT)
    try:
        if len(text) == len("2026-11"):
            month = dt.date.fromisoformat(f"{text}-01")
            return month, (month + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
        since, until = dt.date.fromisoformat(first), dt.date.fromisoformat(last or first)
    except (ValueError, OverflowError):
        return None
    return max(since, EVER.since), min(until, EVER.until)
