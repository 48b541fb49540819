"""What can go wrong between us and OpenRouter, as one small tree.

OpenRouterError
├── ProtocolError            what came is not what the protocol allows
├── NotConnected             no connection, or it broke before an answer began
├── StreamInterrupted        the stream ended, stalled or was cut before its end
└── Refused                  an answer with an error in it (HTTP status or error object); used
    │                        itself where that is about none of these (a region not served, say)
    ├── InvalidRequest       400, 404, 413, 422: the same request will fail again
    ├── KeyRejected          401, or 403 for the kind of key
    ├── PaymentRequired      402: the balance or the key's limit cannot pay the worst case
    ├── ContentRefused       403: moderation or a guardrail
    ├── RateLimited          429: `per_day` tells whether waiting a minute helps
    └── Unavailable          408, 5xx: the provider, the edge or OpenRouter is in trouble
"""

from __future__ import annotations

import re

_SECRETS = re.compile(r"(sk-)[\w-]{8,}|(Bearer )\S+", re.IGNORECASE)
_DETAIL_MAX = 1_000


def without_secrets(text: str) -> str:
    """The text with anything that looks like a key or a bearer token taken out."""
    return _SECRETS.sub(lambda found: f"{found[1] or found[2]}…", text)


class OpenRouterError(Exception):
    """A failure upstream.

    `for_person`: one sentence that may be shown on the page, without secrets.
    `retryable`: the same request may succeed within a minute.
    `may_have_cost`: money may have been spent although no figure came with it.
    `status`: HTTP status or error code, where there was one.
    `detail`: what the provider said, for the details of the error card and the log:
        at most 1,000 characters, with every key taken out.
    `retry_after_s`: seconds to wait, where the answer named them.
    `generation_id`: opaque id, where it was known by then.
    """

    for_person = "The answer could not be completed."
    retryable = False
    may_have_cost = False

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        generation_id: str | None = None,
        may_have_cost: bool | None = None,
    ) -> None:
        self.detail = without_secrets(detail[:_DETAIL_MAX])
        super().__init__(self.detail or self.for_person)
        self.status = status
        self.retry_after_s = retry_after_s
        self.generation_id = generation_id
        if may_have_cost is not None:
            self.may_have_cost = may_have_cost


class ProtocolError(OpenRouterError):
    """What came is not what the protocol allows: HTML from a proxy, JSON that is no chunk."""

    for_person = "The model service answered with something that is not an answer."
    may_have_cost = True


class NotConnected(OpenRouterError):
    """No connection, or no answer began in time."""

    for_person = "The model service could not be reached."
    retryable = True


class StreamInterrupted(OpenRouterError):
    """The stream ended, stalled or was cut before its end; what came before is kept."""

    for_person = "The answer was cut off before its end."
    retryable = True
    may_have_cost = True


class Refused(OpenRouterError):
    """OpenRouter or a provider answered with an error that is none of the kinds below."""


class InvalidRequest(Refused):
    """400, 404, 413, 422: the same request will fail again."""

    for_person = "The model service did not accept this request."


class KeyRejected(Refused):
    """401, or 403 for the kind of key."""

    for_person = "The key of this installation was rejected; an administrator must look at it."


class PaymentRequired(Refused):
    """402: the balance or the key's limit cannot pay the worst case of this request."""

    for_person = "The credits of this installation do not cover this request."


class ContentRefused(Refused):
    """403: moderation or a guardrail refused the prompt."""

    for_person = "The provider's moderation refused this prompt."


class RateLimited(Refused):
    """429. `per_day`: waiting a minute will not help."""

    for_person = "The model is receiving too many requests just now."
    retryable = True

    def __init__(
        self,
        detail: str = "",
        *,
        per_day: bool = False,
        status: int | None = None,
        retry_after_s: float | None = None,
        generation_id: str | None = None,
        may_have_cost: bool | None = None,
    ) -> None:
        super().__init__(
            detail,
            status=status,
            retry_after_s=retry_after_s,
            generation_id=generation_id,
            may_have_cost=may_have_cost,
        )
        self.per_day = per_day
        if per_day:
            self.retryable = False
            self.for_person = "The daily limit for this model is used up."


class Unavailable(Refused):
    """408, 5xx: the provider, the edge or OpenRouter is in trouble."""

    for_person = "The provider of this model has a problem just now."
    retryable = True
