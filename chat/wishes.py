"""How a conversation wishes to be answered: the dial, effort, providers, a schema. Pure.

Kept with the conversation as JSON, and put into each of its requests by `wished`.
Source: OpenRouter API reference, "Provider routing", "Reasoning tokens", "Structured outputs".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from openrouter.types import ChatRequest
from routing.candidates import Candidate
from routing.policies import BEST, THRIFTY, Policy
from routing.prices import PER_MTOK

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
SORTS = ("price", "throughput", "latency")
VARIANTS = ("nitro", "floor", "free")  # the suffix of an id: a way to be served, not a model
QUANTIZATIONS = ("fp32", "bf16", "fp16", "fp8", "fp6", "int8", "fp4", "int4")
SCHEMA_NAME = "answer"
SEARCHES, RESULTS, RESULT_TOKENS = 3, 5, 1_000  # of one answer; tokens of one result, about
SEARCH_USD = Decimal("0.007")  # of the dearest engine
PICTURE_USD = Decimal("0.25")  # of the dearest kind: pictures have no price on the list
# Who is served fast may be served by a dearer provider, or in a dearer tier: at most so many
# times the listed price, which is demanded of OpenRouter and held in advance.
FAST, DEAREST = ("nitro", "throughput", "latency"), 3

SEARCH: Mapping[str, Any] = {
    "type": "openrouter:web_search",
    "parameters": {"max_results": RESULTS, "max_uses": SEARCHES},
}
# For models that use no tools: it searches once, for whatever was asked.
SEARCH_PLUGIN: Mapping[str, Any] = {"id": "web", "max_results": RESULTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person set for a conversation; whatever is empty is left to OpenRouter.

    `prefer`: one of SORTS or VARIANTS. `order`, `only`, `ignore`: slugs of providers.
    `max_prompt_usd`, `max_completion_usd`: for a million tokens, as text. `schema`: the JSON
    schema that answers keep to. `search`: the model may search the web. `picture`: it makes one.
    """

    dial: int | None = None
    effort: str = ""
    prefer: str = ""
    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    max_prompt_usd: str = ""
    max_completion_usd: str = ""
    quantizations: tuple[str, ...] = ()
    zero_retention: bool = False
    no_training: bool = False
    search: bool = False
    picture: bool = False
    schema: Mapping[str, Any] | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Wishes:
        """What `to_json` wrote; names it does not know (of a later version) are left out."""
        known = {field.name for field in fields(cls)}
        told = {name: value for name, value in data.items() if name in known}
        lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
        return cls(**(told | lists))

    def to_json(self) -> dict[str, Any]:
        """Only what was set."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in told.items()
            if value is not None and value is not False and value not in ("", ())
        }

    @property
    def count(self) -> int:
        """How many are set, besides the dial, which has a place of its own."""
        return len(self.to_json().keys() - {"dial"})

    @property
    def needs(self) -> frozenset[str]:
        """What a model must be able to do, as routing names it.

        "tools" is for a search, which a plugin does where no model of the others uses tools.
        """
        told = {"schema": bool(self.schema), "tools": self.search, "picture": self.picture}
        return frozenset(need for need, is_needed in told.items() if is_needed)

    @property
    def more_tokens(self) -> int:
        """What searches may add to the prompt, at the most."""
        return SEARCHES * RESULTS * RESULT_TOKENS if self.search else 0

    @property
    def fees_usd(self) -> Decimal:
        """What may be charged besides tokens, at the most."""
        return SEARCHES * SEARCH_USD if self.search else Decimal(0)

    @property
    def dearest(self) -> int:
        """How many times the listed price may be charged, at the most."""
        return DEAREST if self.prefer in FAST else 1

    @property
    def provider(self) -> dict[str, Any]:
        """The request's `provider`, as far as it is wished for."""
        prices = {"prompt": self.max_prompt_usd, "completion": self.max_completion_usd}
        told: dict[str, Any] = {
            "order": list(self.order),
            "only": list(self.only),
            "ignore": list(self.ignore),
            "sort": self.prefer if self.prefer in SORTS else "",
            "max_price": {name: usd for name, usd in prices.items() if usd},
            "quantizations": list(self.quantizations),
            "zdr": self.zero_retention,
            "data_collection": "deny" if self.no_training else "",
            "require_parameters": bool(self.schema),
        }
        return {name: value for name, value in told.items() if value}


def turned(policy: Policy, wishes: Wishes) -> Policy:
    """The policy with its dial where the conversation has it."""
    if wishes.dial is None:
        return policy
    return policy.turned_to(min(max(wishes.dial, THRIFTY), BEST))


def wished(request: ChatRequest, wishes: Wishes, models: Mapping[str, Candidate]) -> ChatRequest:
    """The request as the conversation wishes it. `models`: the catalogue, by slug.

    What a policy demands of providers stays. An effort goes only to models that reason, and
    `none` only to those that may do without.
    """
    provider = wishes.provider | _capped(request, wishes, models) | dict(request.provider or {})
    model = models.get(request.model)
    reasoning = _reasoning(wishes.effort, model) or request.reasoning
    if wishes.search and model is not None and model.tools:
        # a server tool with fallbacks is refused with 400
        request = replace(request, tools=[SEARCH], fallbacks=())
    elif wishes.search:
        request = replace(request, plugins=[*(request.plugins or ()), SEARCH_PLUGIN])
    return replace(
        request,
        model=_served(request.model, wishes.prefer, models),
        fallbacks=tuple(_served(slug, wishes.prefer, models) for slug in request.fallbacks),
        provider=provider or None,
        reasoning=reasoning,
        response_format=_format(wishes.schema) if wishes.schema else request.response_format,
    )


def _capped(
    request: ChatRequest, wishes: Wishes, models: Mapping[str, Candidate]
) -> dict[str, Any]:
    """What may be charged for a million tokens, where a faster way may cost more than is listed."""
    asked = [models[slug] for slug in (request.model, *request.fallbacks) if slug in models]
    if wishes.dearest == 1 or not asked or not all(each.prices.known for each in asked):
        return {}
    caps: dict[str, str] = {}
    for name in ("prompt", "completion"):
        listed = max(each.prices.highest_usd(name) for each in asked)
        cap = listed * PER_MTOK * wishes.dearest
        own = wishes.provider.get("max_price", {}).get(name)
        caps[name] = f"{(min(cap, Decimal(own)) if own else cap).normalize():f}"
    return {"max_price": caps}


def _reasoning(effort: str, model: Candidate | None) -> dict[str, str] | None:
    if not effort or model is None or not model.reasoning.supported:
        return None
    if effort == "none" and model.reasoning.mandatory:
        return None
    offered = model.reasoning.efforts
    return {"effort": effort if not offered or effort in offered else _nearest(effort, offered)}


def _nearest(effort: str, offered: tuple[str, ...]) -> str:
    """Of the efforts that a model takes, the one next to what is wished for; of two, the lower."""
    known = [each for each in offered if each in EFFORTS] or [effort]
    wanted = EFFORTS.index(effort)
    return min(known, key=lambda each: (abs(EFFORTS.index(each) - wanted), EFFORTS.index(each)))


def _served(slug: str, prefer: str, models: Mapping[str, Candidate]) -> str:
    """The id with the variant that is wished for; routers, and ids that have one, keep theirs."""
    model = models.get(slug)
    if prefer not in VARIANTS or ":" in slug or (model is not None and model.is_router):
        return slug
    variant = f"{slug}:{prefer}"
    return slug if prefer == "free" and variant not in models else variant


def _format(schema: Mapping[str, Any]) -> dict[str, Any]:
    named = {"name": SCHEMA_NAME, "strict": True, "schema": dict(schema)}
    return {"type": "json_schema", "json_schema": named}
