"""The cache that all processes share: what counts tries and requests, and codes that were used.

It holds no copies of anything else. While Redis is away each process counts for itself, so that
people can still sign in and guessing still ends.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Final

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

WAIT_S: Final = 0.5  # for Redis, on the way to a page
PAUSE_S: Final = 5.0  # before it is asked again


class Json:
    """How values are written: Django's own way, pickle, would run what is put into Redis."""

    def dumps(self, obj: Any) -> bytes:
        return json.dumps(obj).encode()

    def loads(self, data: Any) -> Any:
        return json.loads(data)


class SharedCache(RedisCache):
    """Redis, and this process's own memory while there is none."""

    _away_until: ClassVar[float] = 0.0

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._server = server
        self._alone = LocMemCache("while-redis-is-away", params)

    @property
    def _cache(self) -> RedisCacheClient:
        """Django makes a cache for each request; the connections are the process's."""
        return _client(self._server)

    def add(self, key: str, value: Any, *args: Any, **more: Any) -> Any:
        return self._either(super().add, self._alone.add, key, value, *args, **more)

    def get(self, key: str, *args: Any, **more: Any) -> Any:
        return self._either(super().get, self._alone.get, key, *args, **more)

    def set(self, key: str, value: Any, *args: Any, **more: Any) -> Any:
        return self._either(super().set, self._alone.set, key, value, *args, **more)

    def delete(self, key: str, *args: Any, **more: Any) -> Any:
        return self._either(super().delete, self._alone.delete, key, *args, **more)

    def incr(self, key: str, *args: Any, **more: Any) -> Any:
        return self._either(super().incr, self._alone.incr, key, *args, **more)

    def touch(self, key: str, *args: Any, **more: Any) -> Any:
        return self._either(super().touch, self._alone.touch, key, *args, **more)

    def _either(
        self, shared: Callable[..., Any], alone: Callable[..., Any], *args: Any, **more: Any
    ) -> Any:
        if time.monotonic() >= SharedCache._away_until:
            try:
                return shared(*args, **more)
            except RedisError:
                SharedCache._away_until = time.monotonic() + PAUSE_S
                logger.warning("Redis is away: this process counts tries and requests for itself")
        return alone(*args, **more)


@cache
def _client(server: str) -> RedisCacheClient:
    waits: dict[str, Any] = {
        "socket_timeout": WAIT_S,
        "socket_connect_timeout": WAIT_S,
        "retry": None,
    }
    return RedisCacheClient([server], serializer=Json(), **waits)
