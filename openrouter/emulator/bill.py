"""What every generation cost: prices times tokens, in Decimal, and the book that keeps it.

The book is the truth that an application's own books are audited against. It also holds what was
never told to the client: answers that were cut, cancelled or failed.

Sources: protocol.md section 5 (usage and cost), section 12 (cancelling).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from openrouter.emulator.catalogue import Model
from openrouter.emulator.providers import Provider

WEB_SEARCH_USD = Decimal("0.007")  # an Exa search of ten results


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens of one generation, as they are billed. Cached and written ones are part of prompt."""

    prompt: int
    completion: int
    reasoning: int = 0
    cached: int = 0
    cache_written: int = 0
    images: int = 0
    searches: int = 0
    tools_run: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """USD. `upstream` is the provider's price; `total` what the account pays."""

    total: Decimal
    upstream: Decimal
    upstream_prompt: Decimal
    upstream_completion: Decimal
    cache_discount: Decimal
    is_byok: bool

    @classmethod
    def nothing(cls, *, is_byok: bool) -> Charge:
        zero = Decimal(0)
        return cls(zero, zero, zero, zero, zero, is_byok)


def charge(model: Model, count: Count, *, is_byok: bool) -> Charge:
    """Prices of the model times the tokens that were counted."""

    def price(name: str) -> Decimal:
        return model.price(name, count.prompt)

    both = count.cached + count.cache_written
    fresh = count.prompt - (
        both if both <= count.prompt else max(count.cached, count.cache_written)
    )
    read = price("input_cache_read") if "input_cache_read" in model.prices else price("prompt")
    write = price("input_cache_write") if "input_cache_write" in model.prices else price("prompt")
    prompt = fresh * price("prompt") + count.cached * read + count.cache_written * write
    completion = count.completion * price("completion") + count.images * price("image")
    upstream = prompt + completion + price("request")
    search = count.searches * (price("web_search") or WEB_SEARCH_USD)
    return Charge(
        total=search if is_byok else upstream + search,
        upstream=upstream,
        upstream_prompt=prompt,
        upstream_completion=completion,
        cache_discount=count.prompt * price("prompt") - prompt,
        is_byok=is_byok,
    )


def insured(cost: Charge) -> Charge:
    """What is left of a charge when the model failed: its tokens are free, a search is not."""
    fees = cost.total if cost.is_byok else cost.total - cost.upstream
    return replace(Charge.nothing(is_byok=cost.is_byok), total=fees)


def usage(count: Count, cost: Charge) -> dict[str, Any]:
    """The `usage` object of an answer, in the key order of the recordings of 2026."""
    report: dict[str, Any] = {
        "prompt_tokens": count.prompt,
        "completion_tokens": count.completion,
        "total_tokens": count.prompt + count.completion,
        "cost": cost.total,
        "is_byok": cost.is_byok,
        "prompt_tokens_details": {
            "cached_tokens": count.cached,
            "cache_write_tokens": count.cache_written,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": cost.upstream,
            "upstream_inference_prompt_cost": cost.upstream_prompt,
            "upstream_inference_completions_cost": cost.upstream_completion,
        },
        "completion_tokens_details": {
            "reasoning_tokens": count.reasoning,
            "image_tokens": count.images,
            "audio_tokens": 0,
        },
    }
    if count.tools_run:
        del report["is_byok"]  # the real one leaves it out with server tools
        report["server_tool_use_details"] = {
            "web_search_requests": count.searches,
            "tool_calls_requested": count.tools_run,
            "tool_calls_executed": count.tools_run,
        }
    return report


@dataclass(frozen=True, slots=True)
class BillEntry:
    """One generation. Times in UTC; `usage_sent`: the client was told the cost on the wire."""

    generation_id: str
    created_at: dt.datetime
    settled_at: dt.datetime
    key_hash: str
    requested_model: str
    model: Model
    provider: Provider
    count: Count
    charge: Charge
    finish_reason: str | None
    native_finish_reason: str | None
    streamed: bool
    cancelled: bool
    usage_sent: bool
    latency_ms: int
    generation_ms: int
    user: str | None
    session_id: str | None
    router: str | None
    referer: str | None
    title: str | None

    @property
    def cost(self) -> Decimal:
        """USD that the account pays."""
        return self.charge.total

    def as_json(self) -> dict[str, Any]:
        """For tests over HTTP: money as strings."""
        return {
            "generation_id": self.generation_id,
            "created_at": self.created_at.isoformat(),
            "key_hash": self.key_hash,
            "requested_model": self.requested_model,
            "model": self.model.served_slug,
            "provider": self.provider.name,
            "prompt_tokens": self.count.prompt,
            "completion_tokens": self.count.completion,
            "reasoning_tokens": self.count.reasoning,
            "cached_tokens": self.count.cached,
            "cache_write_tokens": self.count.cache_written,
            "cost": str(self.cost),
            "upstream_cost": str(self.charge.upstream),
            "is_byok": self.charge.is_byok,
            "finish_reason": self.finish_reason,
            "streamed": self.streamed,
            "cancelled": self.cancelled,
            "usage_sent": self.usage_sent,
            "user": self.user,
            "session_id": self.session_id,
        }


class Bill:
    """All entries, oldest first."""

    def __init__(self) -> None:
        self._entries: dict[str, BillEntry] = {}
        self._total = Decimal(0)

    def __iter__(self) -> Iterator[BillEntry]:
        return iter(tuple(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: BillEntry) -> None:
        self._entries[entry.generation_id] = entry
        self._total += entry.cost

    def find(self, generation_id: str) -> BillEntry | None:
        return self._entries.get(generation_id)

    def total(self) -> Decimal:
        """USD of all entries."""
        return self._total

    def clear(self) -> None:
        self._entries.clear()
        self._total = Decimal(0)
