"""When to ask again, and after how long. Pure: chance is handed in.

Source: OpenRouter documentation, "Errors" and "Limits"; its own SDKs retry for an hour, which is
no use to a person who waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openrouter.errors import NotConnected, OpenRouterError, RateLimited, Unavailable


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter, so that a thousand clients do not come back at once."""

    max_attempts: int = 3
    base_s: float = 0.5
    longest_s: float = 8.0
    longest_retry_after_s: float = 20.0

    def delay_s(
        self, error: OpenRouterError, attempt: int, uniform: Callable[[float, float], float]
    ) -> float | None:
        """Seconds to wait before the next attempt, or None to give up. `attempt` counts from 1.

        A daily limit, an empty balance and what may already have cost money without an answer
        (a request that was never answered) are not tried again; nor is what wants us to wait
        longer than `longest_retry_after_s`.
        """
        if attempt >= self.max_attempts or not _is_worth_it(error):
            return None
        if error.retry_after_s is None:
            return uniform(0, min(self.longest_s, self.base_s * 2 ** (attempt - 1)))
        if error.retry_after_s > self.longest_retry_after_s:
            return None
        return error.retry_after_s + uniform(0, self.base_s)


def _is_worth_it(error: OpenRouterError) -> bool:
    if isinstance(error, NotConnected):
        return error.retryable and not error.may_have_cost
    return isinstance(error, RateLimited | Unavailable) and error.retryable
