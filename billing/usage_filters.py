"""By what the ledger and the calls are narrowed in the admin. What they offer, the rollup knows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Q
from django.utils import timezone

from billing.usage import EVER, known_months, known_values, who_spent_most
from billing.usage_links import days_of
from billing.usage_people import members_of, names_of

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

MOST_OFFERED: Final = 25  # people in the list at the side; the search finds the others
MONTHS_OFFERED: Final = 12
LATELY: Final = dt.timedelta(days=92)


class ValueFilter(admin.SimpleListFilter):
    """By one of the values that a column of the ledger holds."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in known_values(str(self.parameter_name)) if value]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(**{str(self.parameter_name): chosen}) if chosen else queryset


class ModelFilter(ValueFilter):
    title = "served model"
    parameter_name = "served_model"


class ProviderFilter(ValueFilter):
    title = parameter_name = "provider"


class AskedModelFilter(admin.SimpleListFilter):
    """Calls by what answered, or, where nobody has told, by what was asked for."""

    title = parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        values = {*known_values("served_model"), self.used_parameters.get("model", "")}
        return [(value, value) for value in sorted(values) if value]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(of_model(chosen)) if chosen else queryset


def of_model(model: str) -> Q:
    """Calls that a model served, or was asked for when nobody has told which one served."""
    return Q(served_model=model) | Q(served_model="", requested_model=model)


class UserFilter(admin.SimpleListFilter):
    """By person; an erased account is there under its id. Of many, those who spent most lately."""

    title = "user"
    parameter_name = "user_ref"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        today = timezone.now().astimezone(dt.UTC).date()
        refs = who_spent_most(today - LATELY, MOST_OFFERED)
        chosen = self.used_parameters.get("user_ref")
        names = names_of({*refs, chosen} if chosen else refs)
        return sorted(names.items(), key=lambda person: person[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(user_ref=chosen) if chosen else queryset


class GroupFilter(admin.SimpleListFilter):
    """By the people who are in a group today."""

    title = parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        groups = Group.objects.order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in groups]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(user_ref__in=refs_of_group(chosen)) if chosen else queryset


def refs_of_group(pk: str) -> tuple[str, ...]:
    """The members of a group by its number; nobody where there is no such group."""
    group = Group.objects.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 10 else None
    return members_of(group) if group else ()


class DayFilter(admin.SimpleListFilter):
    """By a day, a month, or the first and the last day, in UTC: see usage_links.days_of.

    It takes the place of Django's date hierarchy, which reads the whole ledger.
    """

    title = parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        months = known_months()[:MONTHS_OFFERED]
        offered = [(f"{month:%Y-%m}", f"{month:%B %Y}") for month in months]
        chosen = self.used_parameters.get("day", "")
        if chosen and chosen not in dict(offered):
            offered.insert(0, (chosen, chosen.replace("..", " to ")))
        return offered

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if not chosen:
            return queryset
        days = days_of(chosen)
        if days is None:
            return queryset.none()
        begin, end = moments(*days)
        return queryset.filter(created_at__gte=begin, created_at__lt=end)


def moments(since: dt.date, until: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of `since` and the first after `until`, in UTC."""
    begin = dt.datetime.combine(max(since, EVER.since), dt.time(), dt.UTC)
    last = dt.datetime.combine(min(until, EVER.until), dt.time(), dt.UTC)
    return begin, last + dt.timedelta(days=1)
