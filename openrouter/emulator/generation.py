"""One generation from its start to its entry on the bill."""

from __future__ import annotations

import datetime as dt
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openrouter.emulator.answer import Answer
from openrouter.emulator.ask import Ask
from openrouter.emulator.bill import BillEntry, Charge, Count, charge, insured, usage
from openrouter.emulator.catalogue import Model
from openrouter.emulator.faults import Fault
from openrouter.emulator.providers import Provider
from openrouter.emulator.steps import Step

LETTERS = string.ascii_letters + string.digits


def new_generation_id(created: int) -> str:
    return f"gen-{created}-{''.join(secrets.choice(LETTERS) for _ in range(20))}"


@dataclass(slots=True)
class Sent:
    """What has gone out so far; `complete`: up to the end of the answer."""

    pieces: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    messages: Sequence[Mapping[str, Any]] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    complete: bool = False
    chunks: int = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def pack(self) -> None:
        """Keep less of what will not grow any more."""
        self.pieces, self.reasoning = [self.text], ["".join(self.reasoning)]


@dataclass
class Generation:
    """Who asked, who answers, what has been sent. It meters what goes out."""

    ask: Ask
    model: Model
    provider: Provider
    answer: Answer
    fault: Fault
    key_hash: str
    created_at: dt.datetime
    cached: tuple[int, int] = (0, 0)  # tokens read from the prompt cache, and written to it
    is_byok: bool = False
    router: str | None = None
    referer: str | None = None
    title: str | None = None
    id: str = ""
    sent: Sent = field(default_factory=Sent)
    tokens: int = 0
    reasoning_tokens: int = 0
    usage_sent: bool = False
    first_at: dt.datetime | None = None

    def __post_init__(self) -> None:
        self.id = self.id or new_generation_id(self.created)
        self.sent.messages = self.ask.messages
        self.sent.body = self.ask.body

    @property
    def created(self) -> int:
        return int(self.created_at.timestamp())

    def meter(self, step: Step, text: str | None = None) -> None:
        """Note a step that goes out; `text`, where it was made at the last moment."""
        text = step.text if text is None else text
        sent = self.sent
        sent.chunks += 1
        if step.tokens:
            self.tokens += step.tokens
            self.reasoning_tokens += step.reasoning_tokens
            if text:
                sent.pieces.append(text)
            elif step.reasoning:
                sent.reasoning.append(step.reasoning)
        if step.tells_usage:
            self.usage_sent = True
        if step.finishes:
            sent.complete = True

    def count(self, tokens: int, reasoning_tokens: int) -> Count:
        return Count(
            prompt=self.ask.prompt_tokens,
            completion=tokens,
            reasoning=reasoning_tokens,
            cached=self.cached[0],
            cache_written=self.cached[1],
            images=self.answer.images,
            searches=self.answer.searches,
            tools_run=self.answer.tools_run,
        )

    def usage(self, tokens: int, reasoning_tokens: int) -> Mapping[str, Any]:
        """The usage object after so many tokens."""
        count = self.count(tokens, reasoning_tokens)
        return usage(count, self.charge(count))

    def charge(self, count: Count) -> Charge:
        cost = charge(self.model, count, is_byok=self.is_byok)
        return insured(cost) if self.fault.is_insured else cost

    def whole_usage(self) -> Mapping[str, Any]:
        return self.usage(self.answer.tokens, self.answer.reasoning_tokens)

    def entry(self, now: dt.datetime, *, left: bool) -> BillEntry:
        """What is billed. `left`: the client went away before the end.

        Tokens count until the cut, or to the end of the answer where the provider does not stop
        for a client that leaves, or cannot, because nothing is streamed.
        """
        runs_on = left and not (self.provider.stops_on_cancel and self.ask.stream)
        done, thought = self.tokens, self.reasoning_tokens
        if runs_on or self.sent.complete:
            done, thought = self.answer.tokens, self.answer.reasoning_tokens
        count = self.count(done, thought)
        billed = left or self.fault.is_billed
        cost = self.charge(count)
        ends = self.sent.complete or runs_on
        first = self.first_at or now
        return BillEntry(
            generation_id=self.id,
            created_at=self.created_at,
            settled_at=now,
            key_hash=self.key_hash,
            requested_model=self.ask.requested,
            model=self.model,
            provider=self.provider,
            count=count,
            charge=cost if billed else Charge.nothing(is_byok=self.is_byok),
            finish_reason=self.answer.finish_reason if ends else None if left else "error",
            native_finish_reason=self.answer.native_finish_reason if ends else None,
            streamed=self.ask.stream,
            cancelled=left and not self.sent.complete,
            usage_sent=self.usage_sent,
            latency_ms=int((first - self.created_at) / dt.timedelta(milliseconds=1)),
            generation_ms=int((now - first) / dt.timedelta(milliseconds=1)),
            user=self.ask.body.get("user"),
            session_id=self.ask.session_id,
            router=self.router,
            referer=self.referer,
            title=self.title,
        )
