"""Calls on the key of a person's own OpenRouter account: booked apart, because we pay nothing.

Their entries have `cost_usd` 0, and what the person was charged as `upstream_cost_usd`, so that
no sum of what we paid can count it by mistake.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from billing.key_models import KeyKind
from billing.money import EXACT

if TYPE_CHECKING:
    from billing.models import Call, UsageQuerySet

NOTHING: Final = Decimal(0)


def is_on_own_account(call: Call) -> bool:
    return call.key_kind == KeyKind.OWN


def our_share(call: Call, cost_usd: Decimal) -> Decimal:
    """What we pay of a call that cost this much; what the person pays is noted on the call.

    Their account may itself use a provider's key of theirs: then it was charged a fee, and the
    provider's price besides; both are the person's, and this is the only place that adds the two.
    """
    if not is_on_own_account(call):
        return cost_usd
    theirs_usd = cost_usd
    if call.is_byok and call.upstream_cost_usd is not None:
        theirs_usd = EXACT.add(cost_usd, call.upstream_cost_usd)
    call.upstream_cost_usd, call.is_byok = theirs_usd, True
    call.save(update_fields=["upstream_cost_usd", "is_byok"])
    return NOTHING


def booked_usd(call: Call, entries: UsageQuerySet) -> Decimal:
    """What the books say that a call cost whoever pays for it."""
    return entries.own_key_usd() if is_on_own_account(call) else entries.total_usd()


def correction_of(call: Call, difference_usd: Decimal) -> dict[str, Decimal]:
    """The amounts of an entry that corrects a call's books by this difference."""
    if is_on_own_account(call):
        return {"cost_usd": NOTHING, "upstream_cost_usd": difference_usd}
    return {"cost_usd": difference_usd}
