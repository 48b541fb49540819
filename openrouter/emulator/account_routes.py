"""GET /key, /credits and /activity, and the keys under /keys."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

from openrouter.emulator.bill import BillEntry
from openrouter.emulator.keys import RESETS, WORKSPACE_ID, Key
from openrouter.emulator.listing import endpoint_id
from openrouter.emulator.web import Refusal, Reply, Request, ok
from openrouter.emulator.world import World

KEYS_PER_PAGE = 100
ACTIVITY_DAYS = 30
PERIODS = {"": None, "_daily": "daily", "_weekly": "weekly", "_monthly": "monthly"}
FREE_PER_DAY = 1000


def spending(world: World, key: Key) -> dict[str, Decimal]:
    """`usage` and `byok_usage`, ever and in the running day, week and month, in USD."""
    accounts = world.accounts
    own = {f"usage{suffix}": accounts.spent(key, period) for suffix, period in PERIODS.items()}
    byok = {
        f"byok_usage{suffix}": accounts.spent_byok(key, period)
        for suffix, period in PERIODS.items()
    }
    return own | byok


def current_key(world: World, key: Key) -> Reply:
    """GET /key: the key that is calling, without its hash and its name."""
    free_today = sum(1 for entry in world.accounts.entries_today(key) if entry.model.is_free)
    return ok(
        {
            "data": {
                "label": key.label,
                "is_management_key": key.is_management,
                "is_provisioning_key": key.is_management,
                "limit": key.limit,
                "limit_reset": key.limit_reset,
                "limit_remaining": world.accounts.remaining(key),
                "include_byok_in_limit": key.include_byok_in_limit,
                **spending(world, key),
                "is_free_tier": world.accounts.credits == 0,
                "expires_at": moment(key.expires_at),
                "creator_user_id": key.creator_user_id,
                "organization_id": None,
                "workspace_id": key.workspace_id,
                "allowed_data_regions": ["global"],
                "budgets": [],
                "effective_budget": None,
                "free_model_daily_requests": {
                    "limit": FREE_PER_DAY,
                    "used": free_today,
                    "remaining": max(FREE_PER_DAY - free_today, 0),
                },
                "rate_limit": {
                    "requests": -1,
                    "interval": "10s",
                    "note": "This field is deprecated and safe to ignore.",
                },
            }
        }
    )


def moment(when: dt.datetime | None) -> str | None:
    return when.isoformat() if when else None


def key_entry(world: World, key: Key) -> dict[str, Any]:
    used = list(world.accounts.entries(key, None))
    return {
        "hash": key.hash,
        "name": key.name,
        "label": key.label,
        "disabled": key.disabled,
        "limit": key.limit,
        "limit_remaining": world.accounts.remaining(key),
        "limit_reset": key.limit_reset,
        "include_byok_in_limit": key.include_byok_in_limit,
        **spending(world, key),
        "created_at": moment(key.created_at),
        "updated_at": moment(key.updated_at),
        "last_used_at": moment(used[-1].created_at) if used else None,
        "expires_at": moment(key.expires_at),
        "creator_user_id": key.creator_user_id,
        "external_user": None,
        "workspace_id": key.workspace_id,
    }


def list_keys(world: World, request: Request) -> Reply:
    """A page of keys, newest first. Disabled ones only where asked for."""
    text = request.query.get("offset", "0")
    if not text.isdigit():
        raise Refusal(400, "Invalid input: expected number at offset")
    wants_disabled = request.query.get("include_disabled", "false") == "true"
    found = world.accounts.listed(disabled=wants_disabled)[int(text) :][:KEYS_PER_PAGE]
    return ok({"data": [key_entry(world, key) for key in found]})


def create_key(world: World, request: Request) -> Reply:
    """201, and the secret, once."""
    body = request.json_object(exact=True)
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise Refusal(400, "Invalid input: expected string at name")
    expires_at = expiry(body.get("expires_at"))
    key, secret = world.accounts.issue(name, expires_at=expires_at, **changes(body))
    return ok({"data": key_entry(world, key), "key": secret}, 201)


def update_key(world: World, request: Request, key_hash: str) -> Reply:
    key = world.accounts.find(key_hash)
    body = request.json_object(exact=True)
    wanted = changes(body)
    if "name" in body:
        if not isinstance(body["name"], str) or not body["name"]:
            raise Refusal(400, "Invalid input: expected string at name")
        wanted["name"] = body["name"]
    if "disabled" in body:
        wanted["disabled"] = flag(body, "disabled")
    for field, value in wanted.items():
        setattr(key, field, value)
    key.updated_at = world.clock.now()
    return ok({"data": key_entry(world, key)})


def one_key(world: World, key_hash: str) -> Reply:
    return ok({"data": key_entry(world, world.accounts.find(key_hash))})


def delete_key(world: World, key_hash: str) -> Reply:
    world.accounts.delete(key_hash)
    return ok({"deleted": True})


def changes(body: dict[str, Any]) -> dict[str, Any]:
    """The fields that creating and changing a key have in common. Raises Refusal (400)."""
    found: dict[str, Any] = {}
    if "limit" in body:
        limit = body["limit"]
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | Decimal)):
            raise Refusal(400, "Invalid input: expected number at limit")
        if limit is not None and limit < 0:
            raise Refusal(400, "Expected limit to be at least 0")
        found["limit"] = None if limit is None else Decimal(limit)
    if "limit_reset" in body:
        if body["limit_reset"] not in (*RESETS, None):
            raise Refusal(
                400, "Invalid input: expected one of daily, weekly, monthly at limit_reset"
            )
        found["limit_reset"] = body["limit_reset"]
    if "include_byok_in_limit" in body:
        found["include_byok_in_limit"] = flag(body, "include_byok_in_limit")
    return found


def flag(body: dict[str, Any], name: str) -> bool:
    if not isinstance(body[name], bool):
        raise Refusal(400, f"Invalid input: expected boolean at {name}")
    return bool(body[name])


def expiry(text: object) -> dt.datetime | None:
    """A time in UTC, or None for never. Raises Refusal (400) for anything else."""
    if text is None:
        return None
    try:
        when = dt.datetime.fromisoformat(str(text))
    except ValueError as error:
        raise Refusal(400, "Invalid input: expected an ISO 8601 time at expires_at") from error
    if when.utcoffset() != dt.timedelta(0):
        raise Refusal(400, "expires_at must be in UTC")
    return when


def credits_left(world: World, key: Key) -> Reply:
    used = world.accounts.total(guest=key.is_guest)
    return ok({"data": {"total_credits": world.accounts.credits, "total_usage": used}})


def activity(world: World, request: Request) -> Reply:
    """Rows per day, model and provider. Only days that are over, and only the last thirty."""
    today = world.clock.now().date()
    first = today - dt.timedelta(days=ACTIVITY_DAYS)
    wanted = request.query.get("date")
    if wanted is not None:
        check_day(wanted, first, today)
    rows: dict[tuple[str, str, str], list[BillEntry]] = defaultdict(list)
    for entry in world.bill:
        day = entry.created_at.date()
        hidden = not first <= day < today or (wanted and day.isoformat() != wanted)
        hidden = hidden or world.accounts.is_guest(entry.key_hash)
        if hidden or entry.key_hash != request.query.get("api_key_hash", entry.key_hash):
            continue
        rows[day.isoformat(), entry.model.id, entry.provider.name].append(entry)
    newest_first = sorted(rows.items(), key=lambda row: row[0], reverse=True)
    return ok({"data": [activity_row(key[0], entries) for key, entries in newest_first]})


def check_day(text: str, first: dt.date, today: dt.date) -> None:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "Invalid date format. Use YYYY-MM-DD") from error
    if not first <= day < today:
        raise Refusal(400, "Date must be within the last 30 (completed) UTC days")


def activity_row(day: str, entries: list[BillEntry]) -> dict[str, Any]:
    model, provider = entries[0].model, entries[0].provider
    byok = [entry for entry in entries if entry.charge.is_byok]
    return {
        "date": day,
        "model": model.id,
        "model_permaslug": model.permaslug,
        "endpoint_id": endpoint_id(model, provider),
        "provider_name": provider.name,
        "usage": sum((entry.cost for entry in entries), Decimal(0)),
        "byok_usage_inference": sum((entry.charge.upstream for entry in byok), Decimal(0)),
        "requests": len(entries),
        "byok_requests": len(byok),
        "prompt_tokens": sum(entry.count.prompt for entry in entries),
        "completion_tokens": sum(entry.count.completion for entry in entries),
        "reasoning_tokens": sum(entry.count.reasoning for entry in entries),
        "cached_tokens": sum(entry.count.cached for entry in entries),
        "workspace_id": WORKSPACE_ID,
    }
