"""The one way from the event loop to the database.

asgiref's default runs all of a process's ORM calls on one thread, where one slow query froze
every socket for its length (measured: 901 ms instead of 0.3). Ours is a small pool of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """`await in_database(function, ...)`. Until it is open: on Django's own sync thread."""

    def __init__(self, threads: int = 8, name: str = "database") -> None:
        self.executor: ThreadPoolExecutor | None = None
        self._threads, self._name = threads, name

    @property
    def queue_length(self) -> int:
        """Calls that wait for a thread."""
        return self.executor._work_queue.qsize() if self.executor else 0  # noqa: SLF001

    def open(self) -> None:
        self.executor = self.executor or ThreadPoolExecutor(self._threads, self._name)

    def __call__(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        if self.executor is None:
            return sync_to_async(function)(*args, **kwargs)
        work = partial(self._on_own_thread, function, *args, **kwargs)
        return sync_to_async(work, thread_sensitive=False, executor=self.executor)()

    @staticmethod
    def _on_own_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it, and give a pooled connection back. A SQLite file is cheaper kept open."""
        try:
            return function(*args, **kwargs)
        finally:
            if connection.vendor != "sqlite":
                close_old_connections()


in_database = Database()
