"""What would answer the text in the composer, and at what price: asked while a person types.

The same choice as a send makes, of the same inputs; nothing is stored, reserved or counted.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Func, IntegerField
from django.utils import timezone

from billing.budgets import allowance_of
from chat.attachments import as_json, named
from chat.models import Conversation, Message
from chat.services import path_to
from chat.tokens import BYTES_PER_TOKEN, bytes_of
from chat.warmth import warm_of
from chat.wire import files_in, needs_of
from chat.wishes import Wishes, turned
from routing.decision import Contender, Decision
from routing.policy_shelf import policy_for
from routing.reasons import usd_text
from routing.services import NoCandidateFits, choose_model

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

SHORTER, LONGER = 0.5, 2  # an answer may be half as long as expected, or twice
LONG_THREAD = 1_000  # tokens; more are worth a word
RATE_PER_S, BURST = 2.0, 6.0
PEOPLE = 5_000


class Bytes(Func):
    """The length of a text in UTF-8."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "LENGTH(CAST(%(expressions)s AS BLOB))"
        return self.as_sql(compiler, connection, template=template, **context)


@dataclass(frozen=True, slots=True)
class Preview:
    """The likely model, its price in words, and why."""

    slug: str
    name: str
    price_text: str
    reason: str
    thread_text: str = ""


def preview(
    *,
    user: AbstractBaseUser,
    conversation: Conversation | None,
    text: str,
    left_out: int,
    wishes: Mapping[str, Any],
    attached: Sequence[str] = (),
) -> Preview:
    """Choose as a send would. `left_out`: characters of the text that the browser did not send.

    `attached`: the keys of files that go with it. Raises NoCandidateFits or CannotAttach.
    """
    history = _history(conversation) if conversation else []
    sizes = [int(message.size) for message in history]  # type: ignore[attr-defined]
    files = [*files_in(history), *as_json(named(user=user, ids=attached) if attached else [])]
    told = bytes_of([conversation.system_prompt]) if conversation else 0
    thread_tokens = (told + sum(sizes)) // BYTES_PER_TOKEN + sum(file["tokens"] for file in files)
    wished = Wishes.from_json(wishes)
    choose = partial(
        choose_model,
        text=text,
        history_tokens=thread_tokens + left_out // BYTES_PER_TOKEN,
        policy=turned(policy_for(user.pk), wished),
        max_completion_tokens=settings.MAX_COMPLETION_TOKENS,
        budget_usd=allowance_of(user).left_usd,
        user_id=user.pk,
        warm=warm_of(history, sizes, now=timezone.now()),
        is_checked=settings.CASCADE,
    )
    needs = wished.needs | needs_of(files)
    try:
        decision = choose(needs=needs)
    except NoCandidateFits as error:
        if error.constraint != "tools":
            raise
        decision = choose(needs=needs - {"tools"})  # as a send does
    chosen = next(each for each in decision.candidates if each.slug == decision.slug)
    return Preview(
        slug=decision.slug,
        name=decision.name,
        price_text=_range(decision, chosen),
        reason=decision.reason,
        thread_text=_thread(chosen, thread_tokens),
    )


def _history(conversation: Conversation) -> list[Message]:
    """The messages on show without their text, which may be long: only its bytes."""
    shown = conversation.messages.annotate(size=Bytes("text"))
    rows = shown.only("conversation", "parent", "role", "served_model", "ended_at", "files")
    return path_to({message.pk: message for message in rows}, conversation.head_id)


def _range(decision: Decision, chosen: Contender) -> str:
    """From a short answer out of a warm cache to a long one without; the room is the end."""
    lengths = (
        round(decision.answer_tokens * SHORTER),
        min(decision.answer_tokens * LONGER, decision.max_completion_tokens),
    )
    least, most = (chosen.prices.cost_usd(decision.prompt_tokens, length) for length in lengths)
    warm = decision.live.get("warm") or {}
    if least is not None and warm.get("stayed"):  # the cache may hold, or not
        least = max(Decimal(0), least - Decimal(str(warm["saved_cents"])) / 100)
    low, high = usd_text(least), usd_text(most)
    return low if low == high else f"{low} to {high}"


def _thread(chosen: Contender, tokens: int) -> str:
    """What it costs to send the conversation along, where that is much."""
    if tokens < LONG_THREAD:
        return ""
    cost: Decimal | None = chosen.prices.cost_usd(tokens, 0)
    what = "tokens of this conversation and its files"
    return f"{usd_text(cost)} of it for the {tokens:,} {what}, sent along."


class Limiter:
    """So many a second of each person, and a few at once; nobody waits, too many are refused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def admits(self, user_id: int) -> bool:
        with self._lock:
            now = self._clock()
            left, seen = self._left.pop(user_id, (BURST, now))
            left = min(BURST, left + RATE_PER_S * (now - seen))
            admitted = left >= 1
            self._left[user_id] = (left - admitted, now)
            while len(self._left) > PEOPLE:
                self._left.popitem(last=False)
        return admitted

    def forget(self) -> None:
        with self._lock:
            self._left.clear()


limiter = Limiter()
