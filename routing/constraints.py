"""What a model must be, before anything is weighed. Each constraint has a name. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from routing.candidates import Candidate
from routing.policies import Policy
from routing.prompts import Prompt

ASSUMED_CONTEXT_TOKENS = 8_192  # where none is published
LEAST_ROOM_TOKENS = 256  # an answer that is given less than this is no answer
BUDGET_MARGIN = 2  # a budget must hold the expected cost this often

# Names in the order they are checked; a message for a person about the one that bit.
MESSAGES: Mapping[str, str] = {
    "empty_catalogue": "No model is known yet. An administrator can run `manage.py sync_models`.",
    "not_in_catalogue": "The model you chose is not in the catalogue.",
    "unavailable": "The model is no longer offered by OpenRouter.",
    "batch": "The model answers only in batches, not in a chat.",
    "no_text_output": "The model does not answer in text.",
    "router": "Only models that choose other models are left; choose one yourself to use it.",
    "alias": "Only names that stand for other models are left; choose one yourself to use it.",
    "special_purpose": "Only models made for a special purpose are left; choose one yourself.",
    "unknown_price": "No price is published, so its cost cannot be kept within bounds.",
    "free_tier": "Only free models are left, and these are limited; choose one yourself.",
    "expired": "The model has been retired.",
    "not_allowed": "The policy in force does not allow the model.",
    "image": "No model that fits can read images.",
    "file": "No model that fits can read files.",
    "audio": "No model that fits can listen to audio.",
    "video": "No model that fits can watch video.",
    "tools": "No model that fits can use tools.",
    "schema": "No model that fits can keep to a JSON schema.",
    "picture": "No model that fits can make pictures.",
    "need": "No model that fits can read what is attached.",
    "context": "The conversation is too long: shorten it, or start a new one.",
    "answer_room": "The model cannot write an answer as long as this one needs to be.",
    "price_cap": "Every model that fits would cost more than one answer may cost.",
    "budget": "What is left of the budget does not pay for an answer.",
}
# How many were left out, and why: reads after a count.
WORDS: Mapping[str, str] = {
    "unavailable": "no longer offered",
    "batch": "for batches only",
    "no_text_output": "that do not write text",
    "router": "that choose a model themselves",
    "alias": "under a second name",
    "special_purpose": "made for a special purpose",
    "unknown_price": "without a published price",
    "free_tier": "free and limited",
    "expired": "retired",
    "not_allowed": "not allowed by the policy",
    "image": "that cannot read images",
    "file": "that cannot read files",
    "audio": "that cannot listen",
    "video": "that cannot watch video",
    "tools": "without tools",
    "schema": "that keep to no schema",
    "picture": "that make no pictures",
    "need": "that cannot read what is attached",
    "context": "too small for the conversation",
    "answer_room": "that write too little at once",
    "price_cap": "above the price cap",
    "quality_floor": "less likely to do well than the policy asks for",
    "budget": "beyond what is left of the budget",
}
# The same about one model that a person named.
ABOUT_ONE: Mapping[str, str] = {
    "image": "{name} cannot read images.",
    "file": "{name} cannot read files.",
    "audio": "{name} cannot listen to audio.",
    "video": "{name} cannot watch video.",
    "tools": "{name} cannot use tools.",
    "schema": "{name} cannot keep to a JSON schema: pick another, or Auto.",
    "picture": "{name} makes no pictures: pick another, or Auto.",
    "context": "The conversation is too long for {name}.",
    "price_cap": "{name} would cost more than one answer may cost.",
    "budget": "What is left of the budget does not pay for an answer of {name}.",
    "unknown_price": "{name} has no published price, so its cost cannot be kept within bounds.",
    "unavailable": "{name} is no longer offered by OpenRouter.",
    "expired": "{name} has been retired.",
    "not_allowed": "The policy in force does not allow {name}.",
}
ORDER: Mapping[str, int] = {name: rank for rank, name in enumerate(MESSAGES)}
# What only keeps a model from being chosen by itself: a person who names it may have it.
WAIVED_FOR_A_PIN = frozenset({"router", "alias", "special_purpose", "unknown_price", "free_tier"})


class NoCandidateFits(Exception):
    """No model can answer. `constraint` is the one to relax, `message` says so to a person."""

    def __init__(self, constraint: str, message: str = "") -> None:
        self.constraint = constraint
        self.message = message or MESSAGES.get(constraint, MESSAGES["need"])
        super().__init__(self.message)


def about_one(name: str, constraint: str) -> str:
    """Why a model that a person named cannot answer."""
    return ABOUT_ONE.get(constraint, MESSAGES.get(constraint, MESSAGES["need"])).format(name=name)


def painters(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Those that make pictures beside text: special, and free to be chosen where one is wanted."""
    return tuple(
        replace(each, bar=None)
        for each in candidates
        if each.bar == "special_purpose" and "picture" in each.offers
        if each.prices.known and not each.is_free
    )


def standing(candidate: Candidate, policy: Policy, today: dt.date) -> str | None:
    """The constraint that keeps the model out whatever the prompt, or None."""
    bar = candidate.bar
    if bar is not None and not (bar == "free_tier" and policy.allow_free):
        return bar
    if candidate.expires_on is not None and candidate.expires_on <= today:
        return "expired"
    return None if policy.admits(candidate.slug, candidate.author) else "not_allowed"


def capable(candidate: Candidate, prompt: Prompt) -> str | None:
    """The need of the message that the model does not serve, or None."""
    if prompt.needs <= candidate.offers:
        return None
    missing = min(prompt.needs - candidate.offers, key=lambda need: ORDER.get(need, 99))
    return missing if missing in ORDER else "need"


def room_needed(answer_tokens: int, requested: int) -> int:
    """Tokens that must be free for the answer: twice what is expected, as far as asked for."""
    return min(requested, max(LEAST_ROOM_TOKENS, 2 * answer_tokens))


def room(candidate: Candidate, prompt: Prompt, requested: int) -> int:
    """How long the answer may become at this model: may be 0 or less."""
    limit = (candidate.context_tokens or ASSUMED_CONTEXT_TOKENS) - prompt.ceiling_tokens
    return min(requested, limit, candidate.answer_tokens or requested)


def too_small(candidate: Candidate, prompt: Prompt, needed: int) -> str | None:
    """Whether context or answer limit are too small for the prompt and its answer."""
    if (candidate.context_tokens or ASSUMED_CONTEXT_TOKENS) < prompt.ceiling_tokens + needed:
        return "context"
    if candidate.answer_tokens is not None and candidate.answer_tokens < needed:
        return "answer_room"
    return None


def too_dear(
    expected_usd: Decimal | None, policy: Policy, budget_usd: Decimal | None
) -> str | None:
    """Whether the expected cost breaks the policy's cap or what is left of a budget.

    Both look at the expected cost, so that a lower cap can never lead to a dearer choice.
    The worst case is kept within the budget by the room the answer is given.
    """
    cap = policy.price_cap_usd
    if cap is None and budget_usd is None:
        return None
    if expected_usd is None:
        return "unknown_price"
    if cap is not None and expected_usd > cap:
        return "price_cap"
    if budget_usd is not None and expected_usd * BUDGET_MARGIN > budget_usd:
        return "budget"
    return None
