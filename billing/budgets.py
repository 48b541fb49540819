"""Budgets that hold: the worst case of a call is reserved before it, in one transaction with it.

`require_allowance` locks the accounts that a call will count to, so that of many sends at once
each sees what the others hold, in however many processes. What is left goes to routing, which
looks for something cheaper before anybody is refused.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.emptiness import Emptiness
from billing.limits import Account, Budget, Hold, Period, window_of
from billing.models import (
    BEFORE_THE_BILL,
    BooksError,
    Call,
    UsageRecord,
    user_ref,
)
from billing.money import EXACT, UsdTotal, format_usd
from billing.visibility import money_is_shown, without_money

logger = logging.getLogger(__name__)
no_budgets = Emptiness(Budget)

WARN_AT: Final = (50, 80, 100)  # percent of a limit
NOTHING: Final = Decimal(0)
# How long counts of requests are kept.
KEEP_MINUTES: Final = dt.timedelta(hours=1)


class AllowanceSpent(BooksError):
    """A budget does not pay for this. `for_person` says what is left and when it renews."""

    status = 402

    def __init__(self, for_person: str) -> None:
        self.for_person = for_person
        super().__init__(for_person)


class TooFast(AllowanceSpent):
    """More requests in this minute than the budget allows."""

    status = 429


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one budget: in USD (`usd`), or in requests (`requests`)."""

    owner_ref: str
    whose: str  # "Your", or the group's name
    period: Period
    usd: Decimal | None = None
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A limit, and what has been used of it. `held_usd` may still be spent by running calls."""

    limit: Limit
    account_id: int  # 0: there is none yet
    spent_usd: Decimal
    held_usd: Decimal
    requests: int
    renews_at: dt.datetime

    @property
    def left_usd(self) -> Decimal | None:
        """None where money is not limited; never below 0."""
        if self.limit.usd is None:
            return None
        used = EXACT.add(self.spent_usd, self.held_usd)
        return max(NOTHING, EXACT.subtract(self.limit.usd, used))

    @property
    def percent(self) -> int:
        """How much of the money is spent, in whole percent; 100 for a limit of 0."""
        if self.limit.usd is None:
            return 0
        return int(self.spent_usd * 100 / self.limit.usd) if self.limit.usd else 100

    @property
    def warning(self) -> int:
        """The highest of WARN_AT that is reached; 0 for none."""
        return max((level for level in WARN_AT if self.percent >= level), default=0)

    @property
    def sentence(self) -> str:
        """What is left of it and when it renews, for a person."""
        left = f"{format_usd(self.left_usd)} of {format_usd(self.limit.usd)}"
        if not money_is_shown():
            left = f"{max(0, 100 - self.percent)} %"
        when = f"{self.renews_at:%d %B, %H:%M} UTC".lstrip("0")
        return (
            f"{self.limit.whose} budget for this {self.limit.period} has {left} left. "
            f"It renews on {when}."
        )


@dataclass(frozen=True, slots=True)
class Allowance:
    """All that limits a person just now; no line: nothing does."""

    lines: Sequence[Line] = ()

    @property
    def tightest(self) -> Line | None:
        """The line with the least money left."""
        limited = [line for line in self.lines if line.left_usd is not None]
        return min(limited, key=lambda line: line.left_usd or NOTHING, default=None)

    @property
    def left_usd(self) -> Decimal | None:
        """What may be reserved at most; None: no budget limits it."""
        return self.tightest.left_usd if self.tightest else None

    @property
    def warnings(self) -> list[Line]:
        return [line for line in self.lines if line.warning]

    def refusal(self, reason: str = "This answer may cost more than is left.") -> AllowanceSpent:
        """The error for what the tightest line does not pay for."""
        sentence = self.tightest.sentence if self.tightest else ""
        return AllowanceSpent(f"{without_money(reason)} {sentence}".strip())


def allowance_of(user: AbstractBaseUser | AnonymousUser) -> Allowance:
    """What limits a person, to be shown: nothing is locked, nothing is written."""
    now = timezone.now()
    return Allowance([_line(limit, _find(limit, now), now) for limit in limits_of(user)])


def allowance_of_budget(budget: Budget) -> Allowance:
    """What was spent of one budget; of the one for everybody, which is each one's own, nothing."""
    if not budget.user_id and not budget.group_id:
        return Allowance()
    now = timezone.now()
    limits = _limits_of_budget(budget, _owner_ref(budget, budget.user))
    return Allowance([_line(limit, _find(limit, now), now) for limit in limits])


def require_allowance(*, user: AbstractBaseUser, pays_itself: bool = False) -> Allowance:
    """What a person may reserve now; until the transaction ends nobody else reserves of it.

    Raises TooFast where the requests of this minute are used up, and TransactionManagementError
    outside a transaction. Where no money is left, what is free may still be asked for.
    `pays_itself`: with a key of their own account; then only requests are counted.
    """
    limits, now = limits_of(user), timezone.now()
    if pays_itself:
        limits = [limit for limit in limits if limit.usd is None]
    if not limits:
        return Allowance()
    for limit in limits:
        if _find(limit, now) is None:
            _open_account(limit, now)
    wanted = Q()
    for limit in limits:
        wanted |= _key(limit, now)
    locked = Account.objects.filter(wanted).select_for_update().order_by("pk")
    accounts = {(account.owner_ref, account.period): account for account in locked}
    allowance = Allowance(
        [_line(limit, accounts[limit.owner_ref, limit.period], now) for limit in limits]
    )
    _warn(allowance, accounts.values())
    for line in allowance.lines:
        if line.limit.requests is not None and line.requests >= line.limit.requests:
            raise TooFast(_too_fast(line, now))
    return allowance


def hold(call: Call, allowance: Allowance) -> None:
    """Reserve a call's worst case in every account it counts to, and count the request.

    Raises AllowanceSpent where that is more than is left, or where no worst case is known: a
    price that nobody names never frees anybody.
    """
    left_usd = allowance.left_usd
    if left_usd is not None and call.reserved_usd is None:
        raise allowance.refusal(
            "This model has no price of its own, so no budget can hold its cost: choose another."
        )
    if left_usd is not None and call.reserved_usd is not None and call.reserved_usd > left_usd:
        raise allowance.refusal()
    for line in allowance.lines:
        if line.limit.usd is None:
            Account.objects.filter(pk=line.account_id).update(requests=line.requests + 1)
        else:
            Hold.objects.create(account_id=line.account_id, call=call, amount_usd=call.reserved_usd)


def hold_again(call: Call, following: Call) -> None:
    """A request is made once more: the next call may cost as much as the one before it."""
    Hold.objects.bulk_create(
        Hold(account_id=each.account_id, call=following, amount_usd=each.amount_usd)
        for each in Hold.objects.filter(call=call)
    )


def release(call_ids: Iterable[int]) -> None:
    """These calls will spend no more."""
    Hold.objects.filter(call_id__in=call_ids, is_open=True).update(is_open=False)


def charge(call: Call, cost_usd: Decimal) -> None:
    """An entry was written: count it in the accounts that held its reservation."""
    holders = Hold.objects.filter(call=call).values("account")
    for account in Account.objects.filter(pk__in=holders).select_for_update().order_by("pk"):
        account.spent_usd = EXACT.add(account.spent_usd or NOTHING, cost_usd)
        account.save(update_fields=["spent_usd"])


@transaction.atomic
def forget_accounts(budget: Budget) -> None:
    """A budget was changed: what was spent is taken from the ledger anew at its next use."""
    if budget.user_id or budget.group_id:
        accounts = Account.objects.filter(owner_ref=_owner_ref(budget, budget.user))
    else:
        accounts = Account.objects.filter(owner_ref__startswith="user-")
    accounts.delete()


# --- Limits and accounts ---


def limits_of(user: AbstractBaseUser | AnonymousUser) -> list[Limit]:
    """Every limit that a person's calls count to."""
    if no_budgets:
        return []
    theirs = Q(user_id=user.pk) | Q(group__user=user.pk)
    found = list(Budget.objects.filter(theirs | Q(user=None, group=None)).select_related("group"))
    if not found:
        no_budgets.look()
    has_own = any(budget.user_id for budget in found)
    limits: list[Limit] = []
    for budget in found:
        if has_own and not budget.user_id and not budget.group_id:
            continue
        limits += _limits_of_budget(budget, _owner_ref(budget, user))
    return limits


def _limits_of_budget(budget: Budget, owner_ref: str) -> list[Limit]:
    whose = _whose(budget)
    limits = [Limit(owner_ref, whose, period, usd=usd) for period, usd in budget.money()]
    if budget.requests_per_minute is not None:
        requests = budget.requests_per_minute
        limits.append(Limit(owner_ref, whose, Period.MINUTE, requests=requests))
    return limits


def _owner_ref(budget: Budget, user: AbstractBaseUser | AnonymousUser | None) -> str:
    if budget.group_id or user is None:
        return f"group-{budget.group_id}"
    return user_ref(user)


def _whose(budget: Budget) -> str:
    return f"The group {budget.group}'s" if budget.group else "Your"


def _key(limit: Limit, now: dt.datetime) -> Q:
    starts_at, _ = window_of(limit.period, now)
    return Q(owner_ref=limit.owner_ref, period=limit.period, starts_at=starts_at)


def _find(limit: Limit, now: dt.datetime) -> Account | None:
    return Account.objects.filter(_key(limit, now)).first()


def _open_account(limit: Limit, now: dt.datetime) -> None:
    """Begin an account with what the ledger says, and with the calls that are under way.

    Their rows are locked before the ledger is read, so that none is settled in between.
    """
    starts_at, _ = window_of(limit.period, now)
    account, is_new = Account.objects.get_or_create(
        owner_ref=limit.owner_ref, period=limit.period, starts_at=starts_at
    )
    if is_new and limit.period == Period.MINUTE:
        accounts = Account.objects.filter(owner_ref=limit.owner_ref, period=Period.MINUTE)
        accounts.filter(starts_at__lt=now - KEEP_MINUTES).delete()
    if not is_new or limit.usd is None:
        return
    refs = _members(limit.owner_ref)
    under_way = (
        Call.objects.on_our_account()
        .filter(user_ref__in=refs, state__in=BEFORE_THE_BILL, created_at__gte=starts_at)
        .select_for_update()
    )
    Hold.objects.bulk_create(
        Hold(account=account, call=call, amount_usd=call.reserved_usd or NOTHING)
        for call in under_way
    )
    account.spent_usd = _spent(refs, starts_at)
    account.save(update_fields=["spent_usd"])


def _members(owner_ref: str) -> list[str]:
    """The ids under which the ledger knows the owner: a user, or today's members of a group."""
    kind, _, number = owner_ref.partition("-")
    if kind == "user":
        return [owner_ref]
    return [user_ref(user) for user in get_user_model().objects.filter(groups=int(number))]


def _spent(refs: Sequence[str], since: dt.datetime) -> Decimal:
    return UsageRecord.objects.filter(user_ref__in=refs, created_at__gte=since).total_usd()


def _line(limit: Limit, account: Account | None, now: dt.datetime) -> Line:
    starts_at, renews_at = window_of(limit.period, now)
    held = spent = NOTHING
    if limit.usd is not None and account:
        spent, open_holds = account.spent_usd or NOTHING, account.holds.filter(is_open=True)
        held = open_holds.aggregate(total=UsdTotal("amount_usd"))["total"]
    elif limit.usd is not None:
        spent = _spent(_members(limit.owner_ref), starts_at)
    return Line(
        limit=limit,
        account_id=account.pk if account else 0,
        spent_usd=spent,
        held_usd=held,
        requests=account.requests if account else 0,
        renews_at=renews_at,
    )


def _warn(allowance: Allowance, accounts: Iterable[Account]) -> None:
    """Tell the administrator, once for each window, that a level was reached."""
    by_pk = {account.pk: account for account in accounts}
    for line in allowance.warnings:
        account = by_pk[line.account_id]
        if account.warned_percent < line.warning:
            logger.warning("Budget of %s: %d %% is spent", account, line.percent)
            account.warned_percent = line.warning
            account.save(update_fields=["warned_percent"])


def _too_fast(line: Line, now: dt.datetime) -> str:
    seconds = max(1, round((line.renews_at - now).total_seconds()))
    count = line.limit.requests
    return (
        f"{line.limit.whose} limit is {count} request{'' if count == 1 else 's'} a minute. "
        f"Try again in {seconds} s."
    )
