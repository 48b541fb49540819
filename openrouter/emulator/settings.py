"""How an emulator behaves. All of it is chosen when it is made; nothing is read from outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, TypeAlias

WireStyle: TypeAlias = Literal["2026", "2025", "empty"]

DEMO_KEY = "sk-or-v1-emulator-0000000000000000000000000000000000000000000000000000"
DEMO_MANAGEMENT_KEY = "sk-or-v1-emulator-manages-0000000000000000000000000000000000000000000"


@dataclass(frozen=True, slots=True)
class EmulatorSettings:
    """What can be chosen about an emulator.

    `seed`: answers depend on it, the prompt and the model alone.
    `tokens_per_s`, `first_token_s`: pacing; None and 0 for no waiting at all.
    `jitter`: 0 for a steady pace, 0.5 for gaps between half and one and a half of the mean.
    `keep_alive_s`: silence after which a comment (or padding, where nothing streams) is sent.
    `generation_delay_s`: how long GET /generation is 404 after an answer; the second figure is
    for one that was cut or cancelled.
    `wire_style`: the last chunk repeats the finish reason ("2026"), has null again ("2025"), or has
    no choices ("empty").
    `fault_rate`, `rate_faults`: the share of chat requests that fail by themselves, and how.
    `credits_usd`: bought credits; what is not covered in the worst case is refused with 402.
    `byok_providers`: names of providers whose answers are paid with a key of one's own.
    `known_keys_only`: False lets any well-formed key in, as an inference key of its own.
    """

    seed: int = 0
    tokens_per_s: float | None = 60.0
    first_token_s: float = 0.4
    jitter: float = 0.4
    keep_alive_s: float = 1.0
    generation_delay_s: float = 3.0
    cancelled_generation_delay_s: float = 20.0
    wire_style: WireStyle = "2026"
    fault_rate: float = 0.0
    rate_faults: tuple[str, ...] = (
        "429",
        "502",
        "503",
        "error after=20",
        "error after=20 usage=1",
        "cut after=30",
        "error-empty-choices",
    )
    credits_usd: Decimal = Decimal(1000)
    byok_providers: frozenset[str] = frozenset()
    api_key: str = DEMO_KEY
    management_key: str = DEMO_MANAGEMENT_KEY
    known_keys_only: bool = True

    def __post_init__(self) -> None:
        if self.tokens_per_s is not None and not 0 < self.tokens_per_s <= 1_000_000:
            raise ValueError("tokens_per_s must be above 0 and at most 1,000,000 (or None)")
        for name in ("first_token_s", "generation_delay_s", "cancelled_generation_delay_s"):
            if not 0 <= getattr(self, name) <= 3600:
                raise ValueError(f"{name} must be from 0 to 3600 seconds")
        for name in ("fault_rate", "jitter"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1")
        if self.keep_alive_s <= 0:
            raise ValueError("keep_alive_s must be above 0")
        if self.wire_style not in ("2026", "2025", "empty"):
            raise ValueError("wire_style must be 2026, 2025 or empty")

    @property
    def instant(self) -> bool:
        """True when nothing is waited for."""
        return self.tokens_per_s is None and self.first_token_s == 0


def instant(**changes: object) -> EmulatorSettings:
    """Settings for tests and benchmarks: no waiting, and GET /generation answers at once."""
    quick = EmulatorSettings(
        tokens_per_s=None,
        first_token_s=0.0,
        generation_delay_s=0.0,
        cancelled_generation_delay_s=0.0,
    )
    return replace(quick, **changes)  # type: ignore[arg-type]
