"""What GET /models, /model, /endpoints and /providers say of the models in the table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from openrouter.emulator.catalogue import Model
from openrouter.emulator.providers import Provider, serving

TOOL_CHOICES = ("auto", "none", "required", "function")


def model_entry(model: Model) -> dict[str, Any]:
    """One model of the list, with every field that the official SDKs demand."""
    entry: dict[str, Any] = {
        "id": model.id,
        "canonical_slug": model.permaslug,
        "hugging_face_id": None,
        "name": model.name,
        "created": model.created,
        "description": description(model),
        "context_length": model.context_length,
        "architecture": architecture(model),
        "pricing": pricing(model),
        "top_provider": {
            "context_length": None if model.is_router else model.context_length,
            "max_completion_tokens": model.max_completion_tokens,
            "is_moderated": model.is_moderated,
        },
        "per_request_limits": None,
        "supported_parameters": list(model.supported_parameters),
        "default_parameters": dict(model.default_parameters),
        "supported_voices": None,
        "knowledge_cutoff": model.knowledge_cutoff,
        "expiration_date": model.expiration_date,
        "links": {"details": f"/api/v1/models/{model.permaslug}/endpoints"},
    }
    if model.alias_target:
        entry["alias_target"] = dict(model.alias_target)
    if abilities := reasoning_abilities(model):
        entry["reasoning"] = dict(abilities)
    return entry


def description(model: Model) -> str:
    skills = ", ".join(kind for kind in model.input_modalities if kind != "text")
    reads = f" It also reads {skills}." if skills else ""
    return f"{model.name}, as the local emulator plays it.{reads}"


def architecture(model: Model) -> dict[str, Any]:
    read, written = "+".join(model.input_modalities), "+".join(model.output_modalities)
    return {
        "modality": f"{read}->{written}",
        "input_modalities": list(model.input_modalities),
        "output_modalities": list(model.output_modalities),
        "tokenizer": model.tokenizer,
        "instruct_type": model.instruct_type,
    }


def pricing(model: Model) -> dict[str, Any]:
    overrides = [dict(one) for one in model.overrides]
    return {**model.prices, **({"overrides": overrides} if overrides else {})}


def reasoning_abilities(model: Model) -> Mapping[str, Any] | None:
    """What the table says; where it says nothing of a model that reasons, the usual abilities."""
    if model.reasoning or "reasoning" not in model.supported_parameters:
        return model.reasoning
    return {
        "mandatory": False,
        "default_enabled": False,
        "supported_efforts": ["high", "medium", "low"],
        "default_effort": "medium",
    }


def endpoint_entry(model: Model, provider: Provider, *, authenticated: bool) -> dict[str, Any]:
    """One endpoint; figures of the last half hour are only for who shows a key."""
    takes_tools = "tool_choice" in model.supported_parameters
    latency = {"p50": 420, "p75": 610, "p90": 980, "p99": 2400} if authenticated else None
    throughput = {"p50": 62, "p75": 55, "p90": 41, "p99": 18} if authenticated else None
    return {
        "name": f"{provider.name} | {model.permaslug}",
        "model_id": model.id,
        "model_name": model.name,
        "context_length": model.context_length or 0,
        "pricing": {**pricing(model), "discount": 0},
        "provider_name": provider.name,
        "tag": provider.slug,
        "quantization": "unknown",
        "max_completion_tokens": model.max_completion_tokens,
        "max_prompt_tokens": None,
        "supported_parameters": list(model.supported_parameters),
        "status": 0,
        "uptime_last_5m": 100,
        "uptime_last_30m": 99.8,
        "uptime_last_1d": 99.6,
        "native_tools": {},
        "service_tier": None,
        "supports_diarization": False,
        "supports_tool_choice": dict.fromkeys(TOOL_CHOICES, takes_tools),
        "supports_implicit_caching": "input_cache_read" in model.prices,
        "supports_voice_cloning": False,
        "latency_last_30m": latency,
        "throughput_last_30m": throughput,
    }


def endpoints_of(model: Model, *, authenticated: bool) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "created": model.created,
        "description": description(model),
        "architecture": architecture(model),
        "endpoints": [
            endpoint_entry(model, provider, authenticated=authenticated)
            for provider in ([] if model.is_router else serving(model.id))
        ],
    }


def endpoint_id(model: Model, provider: Provider) -> str:
    """A stable id in the shape of those in GET /activity."""
    return str(uuid5(NAMESPACE_URL, f"{model.permaslug} {provider.slug}"))


def provider_entry(provider: Provider) -> dict[str, Any]:
    site = f"https://{provider.slug}.example"
    return {
        "name": provider.name,
        "slug": provider.slug,
        "privacy_policy_url": f"{site}/privacy",
        "terms_of_service_url": f"{site}/terms",
        "status_page_url": f"{site}/status",
        "headquarters": provider.headquarters,
        "datacenters": [provider.headquarters],
    }


def is_expired(model: Model, today: dt.date) -> bool:
    return bool(model.expiration_date) and str(model.expiration_date) <= today.isoformat()
