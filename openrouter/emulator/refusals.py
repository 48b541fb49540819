"""What the real service says when it refuses, and the faults that say so on demand.

Sources: the recorded errors, `recordings/reported.json`, protocol.md section 12.
"""

from __future__ import annotations

import datetime as dt
import json

from openrouter.emulator.ask import Ask
from openrouter.emulator.catalogue import Model
from openrouter.emulator.faults import REFUSING, Fault
from openrouter.emulator.money import encode
from openrouter.emulator.providers import Provider
from openrouter.emulator.web import USER_ID, Refusal, Reply

CREDITS_PAGE = "https://openrouter.ai/settings/credits"
KEYS_PAGE = "https://openrouter.ai/settings/keys"
EDGE_PAGES = {"502-html": 502, "520-html": 520, "524-html": 524, "200-html": 200}
EDGE_HTML = (
    '<!DOCTYPE html>\n<html lang="en-US"><head><title>{status} | {title}</title></head>'
    "<body><h1>{title}</h1><p>Error code {status}. This page is written by the edge, "
    "not by the service behind it.</p></body></html>\n"
)


def too_dear(asked: int, affordable: int, *, by_key: bool) -> Refusal:
    """402: the worst case is not covered by the credits, or by the limit of the key."""
    way = (
        f"To increase, visit {KEYS_PAGE} and create a key with a higher monthly limit"
        if by_key
        else f"To increase, visit {CREDITS_PAGE} and upgrade to a paid account"
    )
    return Refusal(
        402,
        f"This request requires more credits, or fewer max_tokens. You requested up to {asked} "
        f"tokens, but can only afford {max(affordable, 0)}. {way}",
        metadata={"provider_name": None},
        with_user=True,
    )


def overdrawn() -> Refusal:
    return Refusal(402, f"Insufficient credits. Add more using {CREDITS_PAGE}")


def too_long(model: Model, tokens: int, wanted: int) -> Refusal:
    output = f", {wanted} in the output" if wanted else ""
    return Refusal(
        400,
        f"This endpoint's maximum context length is {model.context_length} tokens. However, you "
        f"requested about {tokens + wanted} tokens ({tokens} of text input{output}). Please reduce "
        "the length of either one, or use the context-compression plugin to compress your prompt "
        "automatically.",
        metadata={"provider_name": None},
        with_user=True,
    )


def cannot(what: str) -> Refusal:
    """404: no endpoint is left, which is not an unknown model."""
    return Refusal(404, f"No endpoints found that support {what}.")


def fault_refusal(fault: Fault, ask: Ask, model: Model, provider: Provider) -> Refusal | None:
    """The refusal of a fault, or None for a fault that is no refusal."""
    if fault.name not in REFUSING:
        return None
    if fault.name in EDGE_PAGES:
        return edge_page(EDGE_PAGES[fault.name])
    if fault.name == "200-error":
        inner = {"message": "Provider returned error", "code": 502}
        return Refusal(502, "", reply=Reply(encode({"error": inner, "user_id": USER_ID}), 200))
    maker = {"429": throttled, "429-minute": per_minute, "429-day": per_day}.get(fault.name)
    if maker:
        return maker(fault, model, provider)
    return plain(fault, ask, model, provider)


def edge_page(status: int) -> Refusal:
    title = {524: "A timeout occurred", 200: "Please sign in to this network"}.get(
        status, "Bad gateway"
    )
    page = EDGE_HTML.format(status=status, title=title).encode()
    return Refusal(status, title, reply=Reply(page, status, "text/html; charset=UTF-8"))


def throttled(_fault: Fault, model: Model, provider: Provider) -> Refusal:
    raw = (
        f"{model.id} is temporarily rate-limited upstream. Please retry shortly, or add your own "
        "key to accumulate your rate limits: https://openrouter.ai/settings/integrations"
    )
    return Refusal(
        429,
        "Provider returned error",
        metadata={
            "raw": raw,
            "provider_name": provider.name,
            "limit_source": "upstream_provider_shared_pool",
            "remedy_hint": "Retry shortly, add your own provider key, or route to another provider",
        },
        with_user=True,
    )


def per_minute(fault: Fault, _model: Model, _provider: Provider) -> Refusal:
    wait_s = int(fault.number("retry_after", 2))
    return Refusal(
        429,
        "Rate limit exceeded: free-models-per-min.",
        metadata={
            "error_type": "rate_limit_exceeded",
            "headers": {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0"},
        },
        headers={
            "Retry-After": str(wait_s),
            "X-RateLimit-Limit": "20",
            "X-RateLimit-Remaining": "0",
        },
    )


def per_day(_fault: Fault, _model: Model, _provider: Provider) -> Refusal:
    tomorrow = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    reset_ms = int((tomorrow + dt.timedelta(days=1)).timestamp() * 1000)
    limits = {
        "X-RateLimit-Limit": "50",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(reset_ms),
    }
    return Refusal(
        429,
        "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model "
        "requests per day",
        metadata={"headers": limits, "limit_source": "openrouter_free_tier_daily"},
        headers=limits,
    )


def plain(fault: Fault, ask: Ask, model: Model, provider: Provider) -> Refusal:
    provided = {"provider_name": provider.name}
    raw_json = json.dumps(
        {"error": {"message": "Bad request upstream.", "type": "invalid_request_error"}}
    )
    match fault.name:
        case "400":
            return Refusal(400, "Invalid input", with_user=True)
        case "400-raw":
            return Refusal(
                400,
                "Provider returned error",
                metadata={"raw": raw_json, **provided},
                with_user=True,
            )
        case "401":
            return Refusal(401, "User not found.")
        case "402" | "402-key":
            return too_dear(ask.max_tokens or 32000, 17, by_key=fault.name == "402-key")
        case "403":
            flagged = ask.directives.text[:50]
            told = {
                "reasons": ["violence"],
                "flagged_input": flagged,
                **provided,
                "model_slug": model.permaslug,
            }
            return Refusal(403, "Your input was flagged", metadata=told)
        case "403-guardrail":
            told = {"patterns": ["ignore all previous instructions"]}
            return Refusal(
                403, "Request blocked: prompt injection patterns detected", metadata=told
            )
        case "404":
            funnel = {"failed_routing_step": "Filter by Parameters"}
            return Refusal(
                404, "No endpoints found that can handle the requested parameters.", metadata=funnel
            )
        case _:
            return by_status(int(fault.name), provided)


def by_status(status: int, provided: dict[str, str]) -> Refusal:
    words = {
        408: "Request timed out",
        413: "Request Entity Too Large",
        422: "Unprocessable Entity",
        500: "Internal Server Error",
        502: "Provider returned error",
        503: "No instances available",
        504: "Gateway Timeout",
        529: "Provider is overloaded",
    }
    headers = {"Retry-After": "1"} if status == 503 else {}
    return Refusal(
        status, words[status], metadata=provided if status >= 502 else None, headers=headers
    )
