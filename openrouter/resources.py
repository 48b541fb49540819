"""The endpoints beside chat: catalogue, generations, keys, credits, activity, PKCE.

Source: OpenRouter API reference and its OpenAPI document. Each method raises OpenRouterError;
what failed for a passing reason is asked again first, unless that could do a thing twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from openrouter.errors import OpenRouterError
from openrouter.reading import read, read_data, read_list
from openrouter.results import (
    ActivityRow,
    Benchmark,
    Credits,
    Endpoint,
    ExchangedKey,
    Generation,
    KeyInfo,
    ManagedKey,
    ModelInfo,
    NewKey,
    Provider,
    TaskClassifications,
)
from openrouter.retries import RetryPolicy
from openrouter.transport import Wire

_Row = TypeVar("_Row", bound=msgspec.Struct)
_Answer = TypeVar("_Answer")
_MOST_PAGES: Final = 200  # a server that pages for ever ends here


class _EndpointsOfModel(msgspec.Struct):
    endpoints: list[msgspec.Raw]


class _CreatedKey(msgspec.Struct):
    data: ManagedKey
    key: str


class Resources:
    """What `OpenRouterClient` offers beside chat."""

    def __init__(
        self,
        wire: Wire,
        retries: RetryPolicy,
        *,
        sleep: Callable[[float], Awaitable[object]],
        uniform: Callable[[float, float], float],
    ) -> None:
        self._wire = wire
        self._retries = retries
        self._sleep = sleep
        self._uniform = uniform

    # --- The catalogue ---

    async def models(self, *, of_account: bool = False, **query: str | int) -> list[ModelInfo]:
        """The models, in OpenRouter's order, each id once.

        Without `output_modalities="all"` only those that write text. `of_account` leaves out what
        the account's preferences exclude. For other filters see `GET /models` in the reference.
        """
        path = "/models/user" if of_account else "/models"
        found: dict[str, ModelInfo] = {}
        params: Mapping[str, Any] = query
        for _ in range(_MOST_PAGES):
            models, next_page = read_list(ModelInfo, await self._fetch("GET", path, params=params))
            fresh = {model.id: model for model in models if model.id not in found}
            found |= fresh
            if not (next_page and fresh):
                break
            # only the query is taken: an address of theirs must not lead our key elsewhere
            params = {**query, **dict(parse_qsl(urlsplit(next_page).query))}
        return list(found.values())

    async def endpoints(self, model_id: str) -> list[Endpoint]:
        """The providers that offer this model, with their prices."""
        path = f"/models/{quote(model_id, safe='/:~')}/endpoints"
        listed = read_data(_EndpointsOfModel, await self._fetch("GET", path))
        return [read(Endpoint, raw) for raw in listed.endpoints]

    async def providers(self) -> list[Provider]:
        return await self._list(Provider, "/providers")

    async def benchmarks(self, **query: str | int) -> list[Benchmark]:
        """Published figures of models; `source`, `task_type` and `max_results` narrow them."""
        return await self._list(Benchmark, "/benchmarks", query)

    async def task_classifications(self) -> TaskClassifications:
        """What the traffic of the last seven days was about, and which models served it."""
        return read_data(TaskClassifications, await self._fetch("GET", "/classifications/task"))

    # --- Bills ---

    async def generation(self, generation_id: str, *, api_key: str = "") -> Generation:
        """The stored bill of one generation. `api_key`: the one it was made with, if another.

        Raises InvalidRequest with status 404 for seconds after an answer, and for minutes after a
        cancelled one: ask again later, from a background job.
        """
        query = {"id": generation_id}
        body = await self._fetch("GET", "/generation", params=query, api_key=api_key)
        return read_data(Generation, body)

    async def credits(self) -> Credits:
        return read_data(Credits, await self._fetch("GET", "/credits"))

    async def activity(
        self, *, day: date | None = None, key_hash: str | None = None, user_id: str | None = None
    ) -> list[ActivityRow]:
        """Spending by model and endpoint on one, or all, of the last 30 completed UTC days."""
        query = {
            "date": day.isoformat() if day else None,
            "api_key_hash": key_hash,
            "user_id": user_id,
        }
        return await self._list(ActivityRow, "/activity", query)

    # --- Keys ---

    async def key(self, *, api_key: str = "") -> KeyInfo:
        """The key that this client asks with, or `api_key`."""
        return read_data(KeyInfo, await self._fetch("GET", "/key", api_key=api_key))

    async def keys(
        self, *, include_disabled: bool = False, workspace_id: str | None = None
    ) -> list[ManagedKey]:
        """Every key of the account, newest first. Needs a management key, as do the next three."""
        found: dict[str, ManagedKey] = {}
        query: dict[str, Any] = {"workspace_id": workspace_id}
        if include_disabled:
            query["include_disabled"] = "true"
        for _ in range(_MOST_PAGES):
            page = await self._list(ManagedKey, "/keys", {**query, "offset": len(found)})
            fresh = {key.hash: key for key in page if key.hash not in found}
            if not fresh:  # the size of a page is nowhere promised, so an empty one ends the list
                break
            found |= fresh
        return list(found.values())

    async def create_key(
        self,
        *,
        name: str,
        limit_usd: Decimal | None = None,
        limit_reset: str | None = None,
        include_byok_in_limit: bool | None = None,
        expires_at: datetime | None = None,
        workspace_id: str | None = None,
    ) -> NewKey:
        """Make a key. `limit_reset`: daily, weekly, monthly. Asked once: twice makes two keys."""
        wanted = {
            "name": name,
            "limit": limit_usd,
            "limit_reset": limit_reset,
            "include_byok_in_limit": include_byok_in_limit,
            "expires_at": expires_at,
            "workspace_id": workspace_id,
        }
        body = {name: value for name, value in wanted.items() if value is not None}
        made = read(_CreatedKey, await self._fetch("POST", "/keys", body=body, once=True))
        return NewKey(info=made.data, key=made.key)

    async def update_key(
        self,
        key_hash: str,
        *,
        name: str | UnsetType = UNSET,
        disabled: bool | UnsetType = UNSET,
        limit_usd: Decimal | UnsetType | None = UNSET,
        limit_reset: str | UnsetType | None = UNSET,
        include_byok_in_limit: bool | UnsetType = UNSET,
    ) -> ManagedKey:
        """Change what is given; None takes a limit or its reset away."""
        wanted = {
            "name": name,
            "disabled": disabled,
            "limit": limit_usd,
            "limit_reset": limit_reset,
            "include_byok_in_limit": include_byok_in_limit,
        }
        body = {name: value for name, value in wanted.items() if value is not UNSET}
        path = f"/keys/{quote(key_hash, safe='')}"
        return read_data(ManagedKey, await self._fetch("PATCH", path, body=body))

    async def delete_key(self, key_hash: str) -> None:
        await self._fetch("DELETE", f"/keys/{quote(key_hash, safe='')}")

    async def exchange_code(self, *, code: str, verifier: str) -> ExchangedKey:
        """The key a person granted, for the code their browser came back with; works once."""
        body = {"code": code, "code_verifier": verifier, "code_challenge_method": "S256"}
        return read(ExchangedKey, await self._fetch("POST", "/auth/keys", body=body, once=True))

    # --- The way there ---

    async def _list(
        self, kind: type[_Row], path: str, params: Mapping[str, Any] | None = None
    ) -> list[_Row]:
        return read_list(kind, await self._fetch("GET", path, params=params))[0]

    async def _fetch(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: object = None,
        once: bool = False,
        api_key: str = "",
    ) -> bytes:
        """The body of a good answer. `once`: never ask a second time."""

        async def ask() -> bytes:
            asking = self._wire.answer(method, path, params=params, body=body, api_key=api_key)
            async with asking as response:
                return await self._wire.good_body(response)

        return await (ask() if once else self._retrying(ask))

    async def _retrying(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """What `ask` returns, asked again for as long as the policy thinks it worth it."""
        attempt = 1
        while True:
            try:
                return await ask()
            except OpenRouterError as error:
                delay_s = self._retries.delay_s(error, attempt, self._uniform)
                if delay_s is None:
                    raise
            await self._sleep(delay_s)
            attempt += 1
