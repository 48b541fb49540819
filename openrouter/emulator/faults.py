"""Failures on demand: `[[fault: NAME key=value]]` in the prompt, `X-Emulator-Fault: NAME key=value`
as a header, or `metadata: {"emulator_fault": "NAME key=value"}`; or by rate, see settings.

Every fault takes `times=K` (only the first K requests with this prompt fail, so that a retry
succeeds) and `on=MODEL` (only when this model is tried, or `on=first` for the first of several; a
fault that refuses then moves on to the next fallback).

Refused before anything is said, as HTTP status and envelope:
    400 401 402 403 404 408 413 422 429 500 502 503 504 529
    403-guardrail, 429-minute (Retry-After), 429-day, 402-key, 400-raw
    502-html 520-html 524-html 200-html (a page of the edge), 200-error (status 200, error in JSON)
Before the first byte:
    reset (no answer at all), slow-headers s=5
In the stream; `after=N` is the number of chunks before it (10 where not given, 0 allowed):
    error (usage=1: with usage; code=502), string-code, error-empty-choices, length-then-error
    cut (connection closed), eof (ends in order, without finish, usage and [DONE]), stall (nothing
    more, nor a comment), keepalives (only comments), bad-json
Otherwise odd, and still a whole answer:
    no-done, no-usage, duplicate-finish, usage-empty-choices, usage-null-finish, crlf, no-space,
    split-utf8 (slices in the middle of characters), data-comments, no-role,
    finish-error (finish_reason error, no error object; tokens are free, as the usage says, unless
    billed=1), megabyte after=N mb=2, one-chunk,
    slow-first-token s=5
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from openrouter.emulator.ask import Ask
from openrouter.emulator.catalogue import Model
from openrouter.emulator.settings import EmulatorSettings
from openrouter.emulator.web import Refusal

HEADER = "x-emulator-fault"
METADATA_KEY = "emulator_fault"
ENDS_EARLY = frozenset(
    {"error", "string-code", "error-empty-choices", "length-then-error", "cut", "eof", "stall",
     "keepalives", "bad-json"}
)  # fmt: skip
ODD = frozenset(
    {"finish-error", "no-done", "no-usage", "duplicate-finish", "usage-empty-choices",
     "usage-null-finish", "crlf", "no-space", "split-utf8", "data-comments", "no-role", "megabyte",
     "one-chunk", "slow-first-token"}
)  # fmt: skip
UNCHARGED = frozenset({"error", "string-code", "error-empty-choices", "bad-json"})
BEFORE = frozenset({"reset", "slow-headers"})
REFUSING = frozenset(
    {"400", "400-raw", "401", "402", "402-key", "403", "403-guardrail", "404", "408", "413", "422",
     "429", "429-minute", "429-day", "500", "502", "503", "504", "529", "200-error", "502-html",
     "520-html", "524-html", "200-html"}
)  # fmt: skip
KNOWN = ENDS_EARLY | ODD | BEFORE | REFUSING | {"none"}


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    options: Mapping[str, str] = field(default_factory=dict)

    def number(self, key: str, usual: float) -> float:
        try:
            return float(self.options.get(key, usual))
        except ValueError:
            return usual

    @property
    def after(self) -> int:
        """Chunks that come before it."""
        usual = 0 if self.name in ("keepalives", "error-empty-choices") else 10
        return int(self.number("after", usual))

    @property
    def tells_usage(self) -> bool:
        return self.name == "length-then-error" or self.options.get("usage") == "1"

    @property
    def is_billed(self) -> bool:
        """An error is not charged for (the real one calls it zero completion insurance), unless the
        usage was told, or the fault says `billed=1`."""
        return self.tells_usage or self.options.get("billed") == "1" or self.name not in UNCHARGED

    @property
    def is_insured(self) -> bool:
        """The answer comes to its end, and its usage says that its tokens cost nothing."""
        return self.name == "finish-error" and self.options.get("billed") != "1"

    def applies_to(self, model: Model, *, first: bool) -> bool:
        on = self.options.get("on", "all")
        return on == "all" or (on == "first" and first) or on in (model.id, model.permaslug)


NO_FAULT = Fault("none")


def check_fault(fault: Fault) -> Fault:
    """The fault itself. Raises Refusal (400) for a name that is unknown here."""
    if fault.name in KNOWN:
        return fault
    raise Refusal(
        400, f"The emulator knows no fault {fault.name!r}; it knows {', '.join(sorted(KNOWN))}"
    )


def parse_fault(text: str) -> Fault:
    """`cut after=20` → a fault. Text without a name is no fault."""
    words = text.split()
    options = dict(word.split("=", 1) for word in words if "=" in word)
    names = [word for word in words if "=" not in word]
    return Fault(names[0], options) if names else NO_FAULT


class FaultBox:
    """Decides whether a request fails. Remembers how often a prompt has failed already."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self._settings = settings
        self._seen: Counter[str] = Counter()
        self._chance = random.Random(f"faults {settings.seed}")  # noqa: S311

    def choose(self, ask: Ask, headers: Mapping[str, str]) -> Fault:
        """The fault that this request will suffer; NO_FAULT for most."""
        ordered = (
            headers.get(HEADER)
            or ask.directives.orders.get("fault")
            or (ask.body.get("metadata") or {}).get(METADATA_KEY)
        )
        if not ordered:
            return self._by_rate()
        fault = parse_fault(str(ordered))
        if "times" not in fault.options:
            return fault
        seen = f"{ordered} {ask.digest}"
        self._seen[seen] += 1
        return fault if self._seen[seen] <= fault.number("times", 1) else NO_FAULT

    def _by_rate(self) -> Fault:
        if not self._settings.fault_rate or self._chance.random() >= self._settings.fault_rate:
            return NO_FAULT
        return parse_fault(self._chance.choice(self._settings.rate_faults))

    def clear(self) -> None:
        self._seen.clear()
