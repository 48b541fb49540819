"""Fixtures and rules that hold for every test."""

import inspect
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from asgiref.sync import async_to_sync
from redis import Redis
from redis.exceptions import RedisError

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
POSTGRES_URL = os.environ.get(
    "SWITCHBOARD_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres"
)
REDIS_URL = os.environ.get("SWITCHBOARD_REDIS_URL", "redis://127.0.0.1:6379/9")
DEMANDED = set(filter(None, os.environ.get("SWITCHBOARD_DEMAND", "").split(",")))


def postgres_answers() -> bool:
    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


def redis_answers() -> bool:
    try:
        return bool(Redis.from_url(REDIS_URL, socket_connect_timeout=2).ping())
    except RedisError:
        return False


# What a test may need of the machine: how to see it, and what to say where it is missing.
NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "browser": (lambda: shutil.which("chromium") is not None, "no chromium on this machine"),
    "nginx": (lambda: shutil.which("nginx") is not None, "no nginx on this machine"),
    "node": (lambda: shutil.which("node") is not None, "no Node.js on this machine"),
    "postgres": (postgres_answers, f"no PostgreSQL at {POSTGRES_URL}"),
    "redis": (redis_answers, f"no Redis at {REDIS_URL}"),
    "shared": (SHARED.is_dir, "this clone stands alone: there is no ../shared"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with its reason, what this machine cannot run, unless it is demanded."""
    used = {name for name in NEEDS if any(item.get_closest_marker(name) for item in items)}
    missing = {name for name in used if not NEEDS[name][0]()}
    if refused := missing & DEMANDED:
        pytest.exit(f"demanded, but missing: {[NEEDS[name][1] for name in refused]}", returncode=2)
    for item in items:
        for name in missing:
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=NEEDS[name][1]))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run async tests so that the ORM stays on the test's own connection."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    async_to_sync(pyfuncitem.obj)(**{name: pyfuncitem.funcargs[name] for name in wanted})
    return True
