"""OAuth with PKCE: a page that grants, codes that are used once, and the exchange for a key.

Source: protocol.md section 9. The challenge is the SHA-256 of the verifier in base64url without
padding. A code lives for ten minutes.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import html
import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from openrouter.emulator.grants import Grant
from openrouter.emulator.web import Refusal, Reply, Request, ok
from openrouter.emulator.world import World

LIFETIME = dt.timedelta(minutes=10)
METHODS = ("S256", "plain")
GUEST_ID = "user_guest"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Authorize · OpenRouter emulator</title></head>
<body><h1>Let {host} use your credits?</h1>
<p>This is the local emulator: nothing is asked, nothing is charged.</p>
<p><a id="authorize" href="{back}">Authorize</a></p></body></html>
"""


def grant(world: World, wishes: Mapping[str, Any]) -> str:
    """A new code. Raises Refusal (400) for a method that is unknown."""
    challenge = wishes.get("code_challenge")
    method = wishes.get("code_challenge_method") or ("plain" if challenge else None)
    if method is not None and method not in METHODS:
        raise Refusal(400, "Invalid code_challenge_method")
    limit = wishes.get("limit")
    code = secrets.token_urlsafe(24)
    world.grants[code] = Grant(
        issued_at=world.clock.now(),
        challenge=challenge,
        method=method,
        label=str(wishes.get("key_label") or "OAuth key"),
        limit=None if limit is None else Decimal(str(limit)),
    )
    return code


def authorize(world: World, request: Request) -> Reply:
    """The page in the browser. With `auto=1`, for tests, it goes back without being asked."""
    callback = request.query.get("callback_url", "")
    parts = urlsplit(callback)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refusal(400, "Invalid callback_url")
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("code", grant(world, request.query))]
    back = urlunsplit(parts._replace(query=urlencode(query)))
    if request.query.get("auto") == "1":
        return Reply(b"", 302, "text/html; charset=utf-8", {"location": back})
    page = PAGE.format(host=html.escape(parts.netloc), back=html.escape(back, quote=True))
    return Reply(page.encode(), content_type="text/html; charset=utf-8")


def create_code(world: World, request: Request) -> Reply:
    """POST /auth/keys/code: a code without a browser."""
    body = request.json_object()
    if not isinstance(body.get("callback_url"), str):
        raise Refusal(400, "Invalid input: expected string at callback_url")
    code = grant(world, body)
    now = world.clock.now().isoformat()
    return ok({"data": {"id": code, "app_id": 1, "created_at": now}})


def exchange(world: World, request: Request) -> Reply:
    """POST /auth/keys: a code and its verifier for a key. A code works once."""
    body = request.json_object()
    method = body.get("code_challenge_method")
    if method is not None and method not in METHODS:
        raise Refusal(400, "Invalid code_challenge_method")
    found = world.grants.pop(str(body.get("code", "")), None)
    if found is None or world.clock.now() - found.issued_at > LIFETIME:
        raise Refusal(403, "Invalid code or code_verifier")
    verifier = str(body.get("code_verifier") or "")
    if found.challenge and challenge_of(verifier, found.method) != found.challenge:
        raise Refusal(403, "Invalid code or code_verifier")
    _, secret = world.accounts.issue(found.label, limit=found.limit, is_guest=True)
    return ok({"key": secret, "user_id": GUEST_ID})


def challenge_of(verifier: str, method: str | None) -> str:
    if method != "S256":
        return verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
