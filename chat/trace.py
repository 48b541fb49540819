"""Which request and which reply the running code works for: two words for every line of the log.

A context variable goes with a task and into the threads it calls, so nobody hands these on.
"""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
reply_id: ContextVar[int] = ContextVar("reply_id", default=0)
