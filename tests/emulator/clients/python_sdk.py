"""The official Python SDK against an address, in a process of its own: it is named as we are.

    python -P python_sdk.py BASE_URL KEY MANAGEMENT_KEY

Prints what it saw as JSON. An answer that the SDK finds invalid ends it with a traceback.
"""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openrouter.utils import BackoffStrategy, RetryConfig

from openrouter import OpenRouter  # type: ignore[attr-defined]  # theirs, not ours

ONCE = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), retry_connection_errors=False)
BASE_URL, KEY, MANAGEMENT_KEY = sys.argv[1:]
DAY_S = 86_400
ASK: dict[str, Any] = {
    "model": "anthropic/claude-haiku-4.5",
    "messages": [{"role": "user", "content": "Tell me about bees"}],
    "max_completion_tokens": 2000,
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "tools": {"tools": [WEATHER], "tool_choice": "required"},
    "reasoning": {"reasoning": {"effort": "high"}, "model": "openai/gpt-5-mini"},
    "search": {"plugins": [{"id": "web"}]},
    "fallbacks": {"models": ["openai/gpt-5-mini"]},
    "auto": {"model": "openrouter/auto"},
    "old": {"messages": [{"role": "user", "content": "Bees? [[wire: 2025]]"}]},
    "empty": {"messages": [{"role": "user", "content": "Bees? [[wire: empty]]"}]},
    "failing": {"messages": [{"role": "user", "content": "Bees? [[fault: error usage=1]]"}]},
}


def sdk(key: str) -> OpenRouter:
    return OpenRouter(api_key=key, server_url=BASE_URL, retry_config=ONCE)


def chats(client: OpenRouter) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for name, more in SHAPES.items():
        whole = client.chat.send(**{**ASK, **more})
        seen[f"{name} whole"] = {"text": whole.choices[0].message.content, "cost": whole.usage.cost}
        chunks = list(client.chat.send(**{**ASK, **more}, stream=True))
        deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
        usages = [chunk.usage for chunk in chunks if chunk.usage]
        seen[f"{name} stream"] = {
            "text": "".join(delta.content or "" for delta in deltas),
            "cost": usages[-1].cost,
            "tools": sum(len(delta.tool_calls or ()) for delta in deltas),
            "reasoning": "".join(delta.reasoning or "" for delta in deltas),
            "errors": sum(chunk.error is not None for chunk in chunks),
            "id": chunks[0].id,
        }
    return seen


def catalogue(client: OpenRouter) -> dict[str, Any]:
    listed = client.models.list()
    page = listed.result if hasattr(listed, "result") else listed
    endpoints = client.endpoints.list(author="openai", slug="gpt-5-mini").data
    return {
        "models": len(page.data),
        "count": client.models.count().data.count,
        "one": client.models.get(author="openai", slug="gpt-5-mini").data.id,
        "mine": len(client.models.list_for_user(security={"bearer": KEY}).result.data),
        "endpoints": [endpoint.provider_name for endpoint in endpoints.endpoints],
        "zdr": len(client.endpoints.list_zdr_endpoints().data),
        "providers": len(client.providers.list().data),
        "benchmarks": len(client.benchmarks.get_benchmarks().data),
        "tasks": len(client.classifications.get_task_classifications().data.classifications),
    }


@contextmanager
def tomorrow() -> Iterator[None]:
    """Today is over for the emulator: /activity has rows of completed days only."""
    clock = f"{BASE_URL.removesuffix('/api/v1')}/_emulator/clock"

    def advance(seconds: int) -> None:
        body = json.dumps({"advance_s": seconds}).encode()
        urllib.request.urlopen(urllib.request.Request(clock, body), timeout=10).close()

    advance(DAY_S)
    try:
        yield
    finally:
        advance(-DAY_S)


def managed(manager: OpenRouter) -> dict[str, Any]:
    """What `manage.py sync_keys` reads and writes: pages of keys, with and without limits."""
    made = [
        manager.api_keys.create(name=f"Person {number}", limit=limit, limit_reset=reset).data.hash
        for number, (limit, reset) in enumerate([(None, None), (0.5, "daily"), (0, "monthly")])
    ]
    manager.api_keys.update(hash=made[0], limit=7.25, limit_reset="weekly")
    manager.api_keys.update(hash=made[1], limit=None, limit_reset=None, disabled=True)
    pages = [manager.api_keys.list(offset=n, include_disabled=True).data for n in (0, 2, 100)]
    limits = {key.name: (key.limit, key.limit_reset, key.disabled) for key in pages[0]}
    for digest in made:
        manager.api_keys.delete(hash=digest)
    return {"pages": [len(page) for page in pages], "limits": limits}


def spent(manager: OpenRouter) -> dict[str, Any]:
    with tomorrow():
        rows = manager.analytics.get_user_activity().data
    return {
        "models": sorted({row.model for row in rows}),
        "usage": sum(row.usage for row in rows),
        "requests": sum(row.requests for row in rows),
    }


def books(client: OpenRouter, manager: OpenRouter, generation_id: str) -> dict[str, Any]:
    made = manager.api_keys.create(name="From the SDK", limit=5, limit_reset="monthly")
    digest = made.data.hash
    manager.api_keys.update(hash=digest, disabled=True, name="Renamed")
    seen = {
        "key": client.api_keys.get_current_key_metadata().data.usage,
        "manager": manager.api_keys.get_current_key_metadata().data.is_management_key,
        "made": made.key[:9],
        "renamed": manager.api_keys.get(hash=digest).data.name,
        "listed": [key.name for key in manager.api_keys.list().data],
        "disabled": [key.name for key in manager.api_keys.list(include_disabled=True).data],
        "deleted": manager.api_keys.delete(hash=digest).DELETED,
        "credits": manager.credits.get_credits().data.total_credits,
        "used": manager.credits.get_credits().data.total_usage,
        "activity": spent(manager),
        "managed": managed(manager),
        "generation": client.generations.get_generation(id=generation_id).data.total_cost,
    }
    content = client.generations.list_generation_content(id=generation_id).data
    return {**seen, "content": content.output.completion}


def oauth(client: OpenRouter) -> dict[str, Any]:
    code = client.o_auth.create_auth_code(callback_url="https://example.org/back").data.id
    return {"exchanged": client.o_auth.exchange_auth_code_for_api_key(code=code).key[:9]}


def main() -> None:
    client, manager = sdk(KEY), sdk(MANAGEMENT_KEY)
    seen = {"chats": chats(client), "catalogue": catalogue(client), "oauth": oauth(client)}
    generation_id = seen["chats"]["plain stream"]["id"]
    seen["books"] = books(client, manager, generation_id)
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
