"""From the API's list to a row of the catalogue, and from a row to a Candidate.

Source: OpenRouter API reference, "List models".
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from openrouter.results import ModelInfo, PriceOverride, Pricing
from routing.abilities import Published, judge, pace
from routing.candidates import Candidate, Reasoning
from routing.families import ROUTERS, SPECIALISTS
from routing.models import LanguageModel
from routing.prices import Prices, Tier, price_or_none, tiers_to_json

# A row's field → the field of the published pricing.
PRICES: Mapping[str, str] = {
    "prompt_usd": "prompt_usd",
    "completion_usd": "completion_usd",
    "request_usd": "request_usd",
    "image_usd": "image_usd",
    "cache_read_usd": "input_cache_read_usd",
    "cache_write_usd": "input_cache_write_usd",
    "web_search_usd": "web_search_usd",
}
NEVER_YEAR = 2090
_SPECIAL = re.compile("|".join(fnmatch.translate(pattern) for pattern in SPECIALISTS))


def author_of(slug: str) -> str:
    """`anthropic` of `anthropic/claude-…` and of `~anthropic/…-latest`."""
    return slug.removeprefix("~").split("/", 1)[0]


def is_batch(slug: str) -> bool:
    return slug.endswith(":batch")


def is_alias(slug: str, target: str = "") -> bool:
    return slug.startswith("~") or bool(target)


def is_router(slug: str, prices: Prices) -> bool:
    """A pseudo-model that chooses a model itself; OpenRouter's own are those without a price."""
    return slug in ROUTERS or (author_of(slug) == "openrouter" and not prices.known)


def is_free(slug: str, prices: Prices) -> bool:
    """Free of charge, and so limited in number: by name, or because it costs nothing."""
    return slug.endswith(":free") or prices.free


def values_of(info: ModelInfo) -> dict[str, Any]:
    """The fields of a row.

    Raises ValueError for an entry that names no model.
    """
    slug = info.id.strip()
    if not slug or len(slug) > 200:
        raise ValueError(f"no model has the name {slug[:80]!r}")
    priced = {name: price_or_none(getattr(info.pricing, told)) for name, told in PRICES.items()}
    tiers = _tiers(info.pricing)
    prices = Prices(priced["prompt_usd"], priced["completion_usd"], priced["request_usd"], tiers)
    values = {
        "slug": slug,
        "canonical_slug": (info.canonical_slug or "")[:200],
        "alias_target": alias_target_of(info.alias_target),
        "name": (info.name or slug)[:200],
        "author": author_of(slug)[:100],
        "created": _day_of(info.created),
        "expires_on": _expiry_of(info.expiration_date),
        "context_length": _least(info.context_length, info.top_provider.context_length),
        "max_completion_tokens": _least(info.top_provider.max_completion_tokens),
        "input_modalities": sorted(info.architecture.input_modalities) or ["text"],
        "output_modalities": sorted(info.architecture.output_modalities) or ["text"],
        "supported_parameters": sorted(info.supported_parameters),
        "reasoning": _plain(info.reasoning or {}),
        "benchmarks": _plain(info.benchmarks or {}),
        "price_tiers": tiers_to_json(tiers),
        "is_available": True,
        "is_free": is_free(slug, prices),
        "is_batch": is_batch(slug),
        "is_router": is_router(slug, prices),
    }
    return values | priced


def _tiers(pricing: Pricing) -> tuple[Tier, ...]:
    """The dearer prices of long prompts. A price that holds for some hours counts for all."""
    return tuple(_tier(override, pricing) for override in pricing.overrides)


def _tier(override: PriceOverride, pricing: Pricing) -> Tier:
    prompt, completion = price_or_none(override.prompt_usd), price_or_none(override.completion_usd)
    if override.utc_start is not None or override.utc_end is not None:
        prompt = _dearer(prompt, pricing.prompt_usd)
        completion = _dearer(completion, pricing.completion_usd)
    threshold = override.min_prompt_tokens
    return Tier(-1 if threshold is None else int(threshold), prompt, completion)


def _dearer(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return max((price for price in (one, price_or_none(other)) if price is not None), default=None)


def alias_target_of(published: object) -> str:
    """The slug an alias stands for: published as an object, or as plain text."""
    target = published.get("slug") if isinstance(published, Mapping) else published
    return target[:200] if isinstance(target, str) else ""


def _least(*limits: int | None) -> int | None:
    """The smallest of the limits that are known; a limit of 0 or less is none."""
    return min((limit for limit in limits if limit is not None and limit > 0), default=None)


def _day_of(unix_s: int | None) -> dt.date | None:
    if not unix_s or unix_s < 0:
        return None
    try:
        return dt.datetime.fromtimestamp(unix_s, tz=dt.UTC).date()
    except (ValueError, OverflowError, OSError):
        return None


def _expiry_of(published: str | None) -> dt.date | None:
    """The day a model is retired; a day far away means never."""
    try:
        day = dt.date.fromisoformat((published or "")[:10])
    except ValueError:
        return None
    return day if day.year < NEVER_YEAR else None


def _plain(value: Any) -> Any:
    """JSON values only: figures that are no money may be floats."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def candidate_of(row: LanguageModel, *, today: dt.date) -> Candidate:
    """A row made ready for the decision."""
    prices = row.prices
    reasoning = reasoning_of(row.reasoning, row.supported_parameters)
    published = Published(
        slug=row.alias_target or row.slug,
        prices=prices,
        created=row.created,
        reasons=reasoning.supported,
        benchmarks=row.benchmarks,
    )
    skills, basis = judge(published, today=today)
    return Candidate(
        slug=row.slug,
        name=row.name,
        author=row.author,
        prices=prices,
        skills=skills,
        basis=basis,
        bar=bar_of(row),
        context_tokens=row.context_length,
        answer_tokens=row.max_completion_tokens,
        inputs=frozenset(row.input_modalities),
        outputs=frozenset(row.output_modalities),
        tools="tools" in row.supported_parameters,
        schemas="structured_outputs" in row.supported_parameters,
        reasoning=reasoning,
        tokens_per_s=pace(row.slug),
        created=row.created,
        expires_on=row.expires_on,
        is_router=row.is_router,
        is_free=row.is_free,
        canonical_slug=row.canonical_slug,
        alias_target=row.alias_target,
        cache_read_usd=row.cache_read_usd,
        cache_write_usd=row.cache_write_usd,
    )


def bar_of(row: LanguageModel) -> str | None:
    """The constraint that keeps the model out of every automatic choice, or None."""
    checks = (
        ("unavailable", not row.is_available),
        ("batch", row.is_batch),
        ("no_text_output", "text" not in row.output_modalities),
        ("router", row.is_router),
        ("alias", is_alias(row.slug, row.alias_target)),
        ("special_purpose", is_special(row.slug, row.output_modalities)),
        ("unknown_price", not row.prices.known),
        ("free_tier", row.is_free),
    )
    return next((name for name, holds in checks if holds), None)


def is_special(slug: str, output_modalities: Sequence[str]) -> bool:
    """Made for one purpose, by name or because it answers in more than text."""
    return bool(_SPECIAL.match(slug)) or set(output_modalities) != {"text"}


def reasoning_of(published: Mapping[str, Any], parameters: Sequence[str]) -> Reasoning:
    """What is known of a model's thinking; older lists only name the parameter."""
    efforts = published.get("supported_efforts")
    enabled = published.get("default_enabled")
    return Reasoning(
        supported=bool(published) or "reasoning" in parameters,
        mandatory=published.get("mandatory") is True,
        default_enabled=enabled if isinstance(enabled, bool) else None,
        efforts=tuple(map(str, efforts)) if isinstance(efforts, list) else (),
    )
