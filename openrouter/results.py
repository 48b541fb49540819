"""What the endpoints beside chat answer: frozen values, no I/O.

Money is Decimal USD, None where OpenRouter names no amount; the Python name tells the unit and the
wire's name stands beside it. Fields that OpenRouter may leave out have a default. Source:
OpenRouter's OpenAPI document of August 2026, and recorded bodies.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct, field
from msgspec.structs import force_setattr

from openrouter.money import known_usd


class _Prices(Struct, frozen=True, kw_only=True):
    """Drops the prices that are none: -1 on a router means that it depends."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            price = getattr(self, name)
            if isinstance(price, Decimal) and known_usd(price) is None:
                force_setattr(self, name, None)


class PriceOverride(_Prices, frozen=True, kw_only=True):
    """Prices that replace the base ones when its conditions hold; later entries win.

    `min_prompt_tokens`: the prompt has strictly more tokens. `utc_start` and `utc_end`: clock
    numbers (1030 is 10:30), a half-open daily window that may wrap past midnight.
    """

    min_prompt_tokens: int | float | None = None
    utc_start: int | float | None = None
    utc_end: int | float | None = None
    prompt_usd: Decimal | None = field(default=None, name="prompt")
    completion_usd: Decimal | None = field(default=None, name="completion")
    input_cache_read_usd: Decimal | None = field(default=None, name="input_cache_read")
    input_cache_write_usd: Decimal | None = field(default=None, name="input_cache_write")


class Pricing(_Prices, frozen=True, kw_only=True):
    """USD per token, request, image or search. None: unknown, or "it depends" (-1 on the wire)."""

    prompt_usd: Decimal | None = field(default=None, name="prompt")
    completion_usd: Decimal | None = field(default=None, name="completion")
    request_usd: Decimal | None = field(default=None, name="request")
    image_usd: Decimal | None = field(default=None, name="image")
    audio_usd: Decimal | None = field(default=None, name="audio")
    web_search_usd: Decimal | None = field(default=None, name="web_search")
    internal_reasoning_usd: Decimal | None = field(default=None, name="internal_reasoning")
    input_cache_read_usd: Decimal | None = field(default=None, name="input_cache_read")
    input_cache_write_usd: Decimal | None = field(default=None, name="input_cache_write")
    input_cache_write_1h_usd: Decimal | None = field(default=None, name="input_cache_write_1h")
    overrides: tuple[PriceOverride, ...] = ()


class Architecture(Struct, frozen=True, kw_only=True):
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    modality: str | None = None
    tokenizer: str | None = None
    instruct_type: str | None = None


class TopProvider(Struct, frozen=True, kw_only=True):
    context_length: int | None = None
    max_completion_tokens: int | None = None
    is_moderated: bool | None = None


class ModelInfo(Struct, frozen=True, kw_only=True):
    """A model of the catalogue. `id` is its key; several ids may share one `canonical_slug`."""

    id: str
    name: str = ""
    canonical_slug: str | None = None
    created: int | None = None  # Unix seconds
    description: str = ""
    context_length: int | None = None  # tokens
    architecture: Architecture = Architecture()
    pricing: Pricing = Pricing()
    top_provider: TopProvider = TopProvider()
    supported_parameters: tuple[str, ...] = ()
    expiration_date: str | None = None  # ISO date; 2098-12-31 means never
    knowledge_cutoff: str | None = None
    alias_target: Any = None  # of `~author/family-latest`: the model it stands for today
    reasoning: dict[str, Any] | None = None
    benchmarks: dict[str, Any] | None = None
    default_parameters: dict[str, Any] | None = None
    per_request_limits: dict[str, Any] | None = None


class Endpoint(Struct, frozen=True, kw_only=True):
    """One provider's offer of a model. Latency (s) and throughput (tokens/s) need a key."""

    provider_name: str = ""
    name: str = ""
    tag: str | None = None
    model_id: str | None = None
    context_length: int | None = None
    max_completion_tokens: int | None = None
    max_prompt_tokens: int | None = None
    pricing: Pricing = Pricing()
    quantization: str | None = None
    status: int | str | None = None
    supported_parameters: tuple[str, ...] = ()
    supports_implicit_caching: bool | None = None
    uptime_last_30m: float | None = None  # percent
    latency_last_30m: dict[str, float] | None = None
    throughput_last_30m: dict[str, float] | None = None


class Provider(Struct, frozen=True, kw_only=True):
    slug: str
    name: str = ""
    headquarters: str | None = None
    datacenters: tuple[str, ...] | None = None
    privacy_policy_url: str | None = None
    terms_of_service_url: str | None = None
    status_page_url: str | None = None


class _Key(Struct, frozen=True, kw_only=True):
    """What every look at a key tells. Days and months are UTC; times are ISO 8601."""

    label: str = ""  # first and last letters of the key
    limit_usd: Decimal | None = field(default=None, name="limit")
    limit_remaining_usd: Decimal | None = field(default=None, name="limit_remaining")
    limit_reset: str | None = None  # daily, weekly, monthly
    usage_usd: Decimal | None = field(default=None, name="usage")
    usage_daily_usd: Decimal | None = field(default=None, name="usage_daily")
    usage_weekly_usd: Decimal | None = field(default=None, name="usage_weekly")
    usage_monthly_usd: Decimal | None = field(default=None, name="usage_monthly")
    byok_usage_usd: Decimal | None = field(default=None, name="byok_usage")
    include_byok_in_limit: bool | None = None
    expires_at: str | None = None


class KeyInfo(_Key, frozen=True, kw_only=True):
    """The key that asks (`GET /key`): no hash and no name in it."""

    is_free_tier: bool | None = None  # has never bought credits
    is_management_key: bool | None = None


class ManagedKey(_Key, frozen=True, kw_only=True):
    """A key as a management key sees it. `hash` is its id in every path, never the key itself."""

    hash: str
    name: str = ""
    disabled: bool = False
    created_at: str | None = None  # with "Z" or "+00:00"
    updated_at: str | None = None
    creator_user_id: str | None = None
    workspace_id: str | None = None


class NewKey(Struct, frozen=True, kw_only=True):
    """A key just made. `key` is the secret, shown this once; it stays out of the repr."""

    info: ManagedKey
    key: str

    def __repr__(self) -> str:
        return f"NewKey(info={self.info!r}, key=…)"


class Credits(Struct, frozen=True, kw_only=True):
    """What was bought and what was spent; the balance can be negative, and may lag."""

    total_credits_usd: Decimal = field(name="total_credits")
    total_usage_usd: Decimal = field(name="total_usage")

    @property
    def balance_usd(self) -> Decimal:
        return self.total_credits_usd - self.total_usage_usd


class ActivityRow(Struct, frozen=True, kw_only=True):
    """One completed UTC day of one model at one endpoint. Today is never there."""

    date: str  # YYYY-MM-DD, sometimes with a time after it
    model: str = ""
    model_permaslug: str = ""
    endpoint_id: str = ""
    provider_name: str = ""
    requests: int = 0
    usage_usd: Decimal = field(default=Decimal(0), name="usage")
    byok_usage_inference_usd: Decimal | None = field(default=None, name="byok_usage_inference")
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    workspace_id: str | None = None


class Generation(Struct, frozen=True, kw_only=True):
    """The stored bill of one generation. `native_tokens_*` are what is paid for; times are in ms.

    `usage_usd` is what the account paid. `upstream_cost_usd` is the provider's price, told for
    own-key calls only (else 0), and never added to it.
    """

    id: str
    model: str | None = None  # the permaslug
    provider_name: str | None = None
    upstream_id: str | None = None
    created_at: str | None = None  # ISO 8601
    streamed: bool | None = None  # also true for what was not
    cancelled: bool | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    usage_usd: Decimal | None = field(default=None, name="usage")
    total_cost_usd: Decimal | None = field(default=None, name="total_cost")
    upstream_cost_usd: Decimal | None = field(default=None, name="upstream_inference_cost")
    cache_discount_usd: Decimal | None = field(default=None, name="cache_discount")
    is_byok: bool | None = None
    prompt_tokens: int | None = field(default=None, name="native_tokens_prompt")
    completion_tokens: int | None = field(default=None, name="native_tokens_completion")
    reasoning_tokens: int | None = field(default=None, name="native_tokens_reasoning")
    cached_tokens: int | None = field(default=None, name="native_tokens_cached")
    latency_ms: float | None = field(default=None, name="latency")
    generation_time_ms: float | None = field(default=None, name="generation_time")
    external_user: str | None = None  # the `user` that was sent
    session_id: str | None = None
    service_tier: str | None = None


class Benchmark(Struct, frozen=True, kw_only=True):
    """One published figure set of one model; which figures are there depends on `source`."""

    source: str
    model_permaslug: str = ""
    display_name: str = ""
    benchmark_type: str | None = None
    intelligence_index: float | None = None
    coding_index: float | None = None
    agentic_index: float | None = None
    accuracy: float | None = None  # 0 to 1
    elo: float | None = None
    avg_cost_per_task_usd: Decimal | None = field(default=None, name="avg_cost_per_task")
    pricing: Pricing = Pricing()


class TaskModel(Struct, frozen=True, kw_only=True):
    id: str
    usage_share: float = field(default=0.0, name="tag_usage_share")
    token_share: float = field(default=0.0, name="tag_token_share")


class TaskClass(Struct, frozen=True, kw_only=True):
    """One kind of task, its share (0 to 1) of OpenRouter's traffic, and the models used for it."""

    tag: str  # code:general_impl, say
    display_name: str = ""
    macro_category: str = ""
    usage_share: float = 0.0
    token_share: float = 0.0
    models: tuple[TaskModel, ...] = ()


class TaskClassifications(Struct, frozen=True, kw_only=True):
    as_of: str = ""  # YYYY-MM-DD
    window_days: int | None = None
    classifications: tuple[TaskClass, ...] = ()


class ExchangedKey(Struct, frozen=True, kw_only=True):
    """The key that a person granted us; it stays out of the repr."""

    key: str
    user_id: str | None = None

    def __repr__(self) -> str:
        return f"ExchangedKey(key=…, user_id={self.user_id!r})"
