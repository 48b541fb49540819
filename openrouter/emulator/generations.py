"""GET /generation: what is stored of an answer, a while after it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from openrouter.emulator.bill import BillEntry
from openrouter.emulator.keys import WORKSPACE_ID, Key
from openrouter.emulator.web import Refusal, Reply, Request, ok
from openrouter.emulator.world import World


def find_generation(world: World, request: Request, key: Key) -> BillEntry:
    """Raises Refusal: 400 without an id, 404 for one unknown, not yet stored, or of another
    account."""
    generation_id = request.query.get("id", "")
    if not generation_id:
        raise Refusal(400, "Invalid input: expected string, received undefined at id")
    entry = world.bill.find(generation_id)
    settings = world.settings
    if entry and world.accounts.is_guest(entry.key_hash) == key.is_guest:
        delay_s = (
            settings.cancelled_generation_delay_s
            if entry.cancelled
            else settings.generation_delay_s
        )
        if world.clock.now() - entry.settled_at >= dt.timedelta(seconds=delay_s):
            return entry
    raise Refusal(404, f"Generation {generation_id} not found")


def private(data: object) -> Reply:
    return replace(ok(data), headers={"cache-control": "private, no-store"})


def generation(world: World, request: Request, key: Key) -> Reply:
    return private({"data": stored(find_generation(world, request, key))})


def generation_content(world: World, request: Request, key: Key) -> Reply:
    entry = find_generation(world, request, key)
    sent = world.sent.get(entry.generation_id)
    messages = list(sent.messages) if sent else []
    output = {
        "completion": sent.text if sent else None,
        "reasoning": ("".join(sent.reasoning) or None) if sent else None,
    }
    return private({"data": {"error": None, "input": {"messages": messages}, "output": output}})


def stored(entry: BillEntry) -> dict[str, Any]:
    """Every field that was recorded or that the SDKs demand. `latency` and the like are in ms."""
    count, charge = entry.count, entry.charge
    return {
        "id": entry.generation_id,
        "upstream_id": f"chatcmpl-{entry.generation_id[-20:]}",
        "model": entry.model.served_slug,
        "provider_name": entry.provider.name,
        "created_at": entry.created_at.isoformat(),
        "streamed": True,
        "cancelled": entry.cancelled,
        "finish_reason": entry.finish_reason,
        "native_finish_reason": entry.native_finish_reason,
        "latency": entry.latency_ms,
        "generation_time": entry.generation_ms,
        "moderation_latency": None,
        "tokens_prompt": count.prompt * 9 // 10,
        "tokens_completion": count.completion,
        "native_tokens_prompt": count.prompt,
        "native_tokens_completion": count.completion,
        "native_tokens_completion_images": count.images or None,
        "native_tokens_reasoning": count.reasoning,
        "native_tokens_cached": count.cached,
        "num_media_prompt": None,
        "num_input_audio_prompt": None,
        "num_media_completion": count.images,
        "num_search_results": count.searches * 3 or None,
        "num_fetches": None,
        "web_search_engine": "exa" if count.searches else None,
        "usage": charge.total,
        "total_cost": charge.total,
        "upstream_inference_cost": charge.upstream if charge.is_byok else 0,
        "cache_discount": charge.cache_discount or None,
        "is_byok": charge.is_byok,
        "app_id": 1 if entry.referer else None,
        "origin": entry.referer or "",
        "http_referer": entry.referer,
        "external_user": entry.user,
        "session_id": entry.session_id,
        "router": entry.router,
        "service_tier": None,
        "api_type": "completions",
        "data_region": "global",
        "workspace_id": WORKSPACE_ID,
        "preset_id": None,
        "provider_responses": None,
        "request_id": f"req-{entry.generation_id[4:]}",
        "user_agent": None,
    }
