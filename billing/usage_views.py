"""A person's own usage: /usage/."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing import usage_charts as charts
from billing.budgets import allowance_of
from billing.models import Call, user_ref
from billing.rollup import A_PAGE, after_month, catch_up
from billing.rollup_models import PendingRollup
from billing.usage import Choice, known_months, usage_of
from billing.usage_filters import moments
from billing.usage_links import days_of
from billing.visibility import money_is_shown

MONTHS: Final = 24  # that the picker offers
ONE_DAY: Final = dt.timedelta(days=1)


@login_required
@require_GET
def own_usage(request: HttpRequest) -> HttpResponse:
    """One month of the person who is signed in, and of nobody else."""
    catch_up(most=A_PAGE)
    ref = user_ref(cast("AbstractBaseUser", request.user))
    today = timezone.now().astimezone(dt.UTC).date()
    months = sorted({*known_months(ref)[:MONTHS], today.replace(day=1)}, reverse=True)
    month = asked_month(request) or months[0]
    choice = Choice(month, after_month(month) - ONE_DAY, (ref,))
    usage, with_money = usage_of(choice), money_is_shown()
    chart = charts.spend_by_model if with_money else charts.tokens_by_model
    begin, end = moments(choice.since, choice.until)
    context: dict[str, Any] = {
        "month": month,
        "months": months if month in months else [month, *months],
        "total": usage.total,
        "tokens_in": charts.count(usage.total.prompt_tokens),
        "tokens_out": charts.count(usage.total.completion_tokens),
        "chart": chart(usage, choice),
        "models": [(name, usage.by_model[name]) for name in usage.models(_first(with_money))],
        "pending": Call.objects.of(request.user)
        .pending()
        .filter(created_at__gte=begin, created_at__lt=end)
        .count(),
        "lines": [line for line in allowance_of(request.user).lines if line.limit.usd is not None],
        "with_money": with_money,
        "not_counted": PendingRollup.objects.exists(),
    }
    return render(request, "billing/usage.html", context)


def _first(with_money: bool) -> Any:  # noqa: FBT001 (its only argument, and named for it)
    return (lambda used: used.cost_usd) if with_money else (lambda used: used.tokens)


def asked_month(request: HttpRequest) -> dt.date | None:
    """`?month=2026-11`; None where nothing that is a month was asked for."""
    text = request.GET.get("month", "")
    days = days_of(text) if len(text) == len("2026-11") else None
    return days[0] if days else None
