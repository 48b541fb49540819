"""The usage review: what the person who pays looks at. Everything on it comes from the rollup."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from billing import usage_charts as charts
from billing.models import Call
from billing.money import UsdTotal
from billing.rollup import A_PAGE, catch_up
from billing.rollup_models import PendingRollup
from billing.usage import Choice, Used, by_user, first_tokens, known_months, usage_of
from billing.usage_filters import moments, of_model
from billing.usage_form import PENDING, UsageForm
from billing.usage_links import days_text, ledger_link, review_link
from billing.usage_people import names_of

ASKED: Final = ("since", "until", "user", "group", "model", "provider", "purpose", "settlement")
MOST_PENDING: Final = 20  # groups of calls that wait for their bill


@dataclass(frozen=True, slots=True)
class Tile:
    """One number, what it is, and the rows behind it."""

    name: str
    value: str
    link: str = ""
    note: str = ""


def review(request: HttpRequest) -> dict[str, Any]:
    """The context of billing/usage_review.html."""
    catch_up(most=A_PAGE)
    form = UsageForm(request.GET, label_suffix="")
    choice = form.choice()
    form.show(choice)
    asked = {name: value for name in ASKED if (value := request.GET.get(name, ""))}

    def rows(**narrower: Any) -> str:
        return ledger_link(choice, asked, **narrower)

    def look(**more: Any) -> str:
        return review_link(asked, **more)

    pending = pending_of(choice)
    context = {
        "form": form,
        "choice": choice,
        "presets": presets(asked),
        "pending": pending,
        "not_counted": PendingRollup.objects.count(),
        "ledger": rows() if choice.standing != PENDING else "",
        "only_pending": choice.standing == PENDING,
    }
    if choice.standing == PENDING:
        return context
    usage = usage_of(choice)
    users = by_user(choice)
    names = names_of(list(users)[: charts.MOST_ROWS])
    return context | {
        "tiles": tiles(usage.total, len(users), pending, rows),
        "stacked": [charts.spend_by_model(usage, choice, rows)],
        "saved": charts.saved_per_step(usage, choice),
        "rankings": [
            charts.users_ranking(users, names, look, rows),
            charts.models_ranking(usage, rows),
            charts.latency_ranking(first_tokens(choice), rows),
            charts.cache_ranking(usage, rows),
        ],
    }


def tiles(total: Used, users: int, pending: dict[str, Any], rows: Any) -> list[Tile]:
    estimated = charts.usd(total.estimated_usd)
    worst = charts.usd(pending["reserved_usd"])
    found = [
        Tile(
            "Paid",
            charts.usd(total.cost_usd),
            rows(),
            f"{estimated} of it estimated" if total.estimated_usd else "",
        ),
        Tile("Calls", f"{total.calls:,}", rows(kind="original"), f"of {users:,} people"),
        Tile(
            "Tokens",
            charts.count(total.tokens),
            "",
            f"{charts.count(total.prompt_tokens)} in, {charts.count(total.completion_tokens)} out",
        ),
        Tile(
            "From caches",
            charts.percent(total.cached_share) or "none",
            "",
            f"saved {charts.usd(total.cache_saved_usd)}" if total.cache_saved_usd else "of prompts",
        ),
        Tile(
            "Pending",
            f"{pending['calls']:,}",
            pending["link"] if pending["calls"] else "",
            f"at most {worst}" if pending["calls"] else "no bill is due",
        ),
    ]
    if total.corrections:
        note = "difference to what was booked first"
        found.append(Tile("Corrections", f"{total.corrections:,}", rows(kind="correction"), note))
    if total.estimated_usd:
        link = rows(standing="estimated")
        found.append(Tile("Estimated", estimated, link, "never to be known exactly"))
    if total.own_key_usd:
        own = charts.usd(total.own_key_usd)
        found.append(Tile("On own keys", own, "", "paid by people themselves, not in “Paid”"))
    return found


def pending_of(choice: Choice) -> dict[str, Any]:
    """Calls that ended without a figure: how many, their worst case, and by model."""
    begin, end = moments(choice.since, choice.until)
    calls = Call.objects.pending().filter(created_at__gte=begin, created_at__lt=end)
    query = {"state__exact": "pending", "day": days_text(choice.since, choice.until)}
    if choice.user_refs is not None:
        calls = calls.filter(user_ref__in=choice.user_refs)
        if len(choice.user_refs) == 1:
            query["user_ref"] = choice.user_refs[0]
    if choice.served_model:
        calls = calls.filter(of_model(choice.served_model))
        query["model"] = choice.served_model
    for name, key in (("provider", "provider"), ("purpose", "purpose__exact")):
        if value := getattr(choice, name):
            calls = calls.filter(**{name: value})
            query[key] = value
    by_model = (
        calls.order_by()
        .values("requested_model")
        .annotate(calls=Count("pk"), reserved_usd=UsdTotal("reserved_usd"))
        .order_by("-calls", "requested_model")
    )
    path = reverse("admin:billing_call_changelist")
    return {
        "calls": calls.count(),
        "reserved_usd": calls.reserved_total_usd(),
        "by_model": list(by_model[:MOST_PENDING]),
        "link": f"{path}?{urlencode(query)}",
    }


def presets(asked: dict[str, str]) -> list[tuple[str, str, bool]]:
    """Stretches of days that are often wanted: name, address, whether it is the chosen one."""
    today = timezone.now().astimezone(dt.UTC).date()
    month = today.replace(day=1)
    before = month - dt.timedelta(days=1)
    oldest = min([*known_months(), month])
    stretches = [
        ("7 days", today - dt.timedelta(days=6), today),
        ("30 days", today - dt.timedelta(days=29), today),
        ("This month", month, today),
        ("Last month", before.replace(day=1), before),
        ("12 months", (month - dt.timedelta(days=335)).replace(day=1), today),
        ("All", oldest, today),
    ]
    plain = not asked.get("since") and not asked.get("until")
    return [
        (
            name,
            review_link(asked, since=since, until=until),
            (asked.get("since"), asked.get("until")) == (str(since), str(until))
            or (plain and name == "30 days"),
        )
        for name, since, until in stretches
    ]
