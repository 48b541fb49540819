"""Redis, where many processes share their replies through it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from config.doctor.database import CLOCK_S, first_line
from config.doctor.findings import Finding, fault, fine, warning
from config.doctor.machine import servers_of_this_installation

OLDEST = (6, 2)
FULL = 0.9
PATIENCE_S = 3


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """`max_bytes`: 0 for no limit. `clock_s`: its clock minus ours."""

    version: tuple[int, ...]
    policy: str
    max_bytes: int
    used_bytes: int
    clock_s: float


def check() -> Iterator[Finding]:
    if not settings.REDIS_URL:
        yield _alone(servers_of_this_installation())
        return
    try:
        facts = _facts(settings.REDIS_URL)
    except (RedisError, OSError, ValueError) as error:
        yield fault(
            f"Redis cannot be used: {first_line(error)}.",
            "Look at REDIS_URL and whether the server runs. Until it does, a tab sees what another"
            " process writes only once a second.",
        )
    else:
        yield from judge(facts)


def _alone(servers: int) -> Finding:
    if servers > 1:
        return fault(
            f"{servers} servers of this installation run on this machine without REDIS_URL: a tab"
            " sees only what its own process writes.",
            "Set REDIS_URL for all of them, or run one.",
        )
    return fine("One process, without Redis.")


def _facts(url: str) -> RedisFacts:
    with Redis.from_url(
        url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S, decode_responses=True
    ) as redis:
        seconds, micros = redis.time()
        skew_s = seconds + micros / 1e6 - time.time()
        info = redis.info()
    return RedisFacts(
        version=tuple(int(part) for part in str(info["redis_version"]).split(".")[:2]),
        policy=str(info.get("maxmemory_policy", "noeviction")),
        max_bytes=int(info.get("maxmemory", 0)),
        used_bytes=int(info.get("used_memory", 0)),
        clock_s=skew_s,
    )


def judge(facts: RedisFacts) -> Iterator[Finding]:
    name = ".".join(map(str, facts.version))
    if facts.version < OLDEST:
        yield fault(f"Redis {name} is too old.", "Switchboard wants 6.2 or later, or Valkey.")
    else:
        yield fine(f"Redis {name}.")
    if facts.max_bytes and facts.policy != "noeviction":
        yield warning(
            f"Redis may throw out replies in mid-stream (maxmemory-policy {facts.policy}).",
            "Set maxmemory-policy noeviction; all of Switchboard's keys expire by themselves.",
        )
    if facts.max_bytes and facts.used_bytes > FULL * facts.max_bytes:
        yield warning(
            f"Redis is {facts.used_bytes / facts.max_bytes:.0%} full.",
            "Raise maxmemory. A running reply takes about 100 kB.",
        )
    if abs(facts.clock_s) > CLOCK_S:
        yield warning(
            f"The clocks of this machine and of Redis differ by {abs(facts.clock_s):.0f} s.",
            "Let NTP keep both.",
        )
