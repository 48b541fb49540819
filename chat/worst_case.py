"""The most that a reply may cost, of what is known before it is asked for.

The decision knows the listed prices of prompt and answer. What comes on top: a search, a picture,
a recording where hearing is dearer than reading, what is written into a provider's cache, thoughts
that are sent back, and a faster provider, who may charge a multiple that the request limits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from billing.pricebook_models import PriceEntry
from billing.pricebook_prices import price_of
from chat.attachment_models import Kind
from chat.caching import is_marked
from chat.reasoning import written_in
from chat.tokens import tokens_of
from chat.wishes import PICTURE_USD, Wishes
from openrouter.types import ChatRequest
from routing.decision import Decision
from routing.prices import ZERO
from routing.services import models_by_slug

CEILING = Decimal("1.5")  # as the decision reckons: what an estimate of tokens may be off


def worst_case_usd(
    decision: Decision,
    request: ChatRequest,
    *,
    files: Sequence[Mapping[str, Any]],
    wishes: Wishes,
) -> Decimal | None:
    """None: no price is known, so nothing can be held."""
    listed_usd = decision.worst_case_usd
    if listed_usd is None:
        return None
    return (
        wishes.dearest * (listed_usd + _tokens_on_top_usd(decision, request))
        + _hearing_usd(request.model, files)
        + wishes.fees_usd
        + (PICTURE_USD if request.modalities else ZERO)
    )


def _tokens_on_top_usd(decision: Decision, request: ChatRequest) -> Decimal:
    model = models_by_slug().get(decision.slug)
    if model is None:
        return ZERO
    price = model.prices.highest_usd("prompt")
    thoughts = [message.get("reasoning_details", ()) for message in request.messages]
    details = [item for items in thoughts for item in items]
    usd = tokens_of(*written_in(details)) * price if details else ZERO
    if model.cache_write_usd is not None and is_marked(request.messages):
        dearer = max(ZERO, model.cache_write_usd - price)
        usd += decision.prompt_tokens * CEILING * dearer
    return usd


def _hearing_usd(model: str, files: Sequence[Mapping[str, Any]]) -> Decimal:
    """What recordings cost more than the text that they were counted as."""
    tokens = sum(int(file["tokens"]) for file in files if file["kind"] == Kind.AUDIO)
    if not tokens:
        return ZERO
    slug = model.partition(":")[0]
    entry = PriceEntry.objects.filter(model=slug).order_by("-pk").first()
    prices = entry.prices if entry else {}
    heard, read = (price_of(prices, name) or ZERO for name in ("audio", "prompt"))
    return tokens * CEILING * max(ZERO, heard - read)
