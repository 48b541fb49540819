"""The upstream that this installation talks to: OpenRouter, or the emulator where no key is set."""

from functools import cache

import httpx
from django.conf import settings

from billing.keys import is_emulated, management_key
from openrouter.client import ClientConfig, OpenRouterClient
from openrouter.emulator.settings import DEMO_KEY, DEMO_MANAGEMENT_KEY, EmulatorSettings
from openrouter.emulator.transport import EmulatorTransport


@cache
def emulator() -> EmulatorTransport:
    """The process's own emulator: one bill, however many clients are made."""
    return EmulatorTransport(
        EmulatorSettings(
            tokens_per_s=settings.EMULATOR_TOKENS_PER_S,
            first_token_s=settings.EMULATOR_FIRST_TOKEN_S,
            known_keys_only=False,  # keys that it granted outlive it, in our database
        )
    )


def make_client() -> OpenRouterClient:
    """A client for the calling event loop; whoever makes it closes it.

    It asks with the key of the environment; a request may carry another one (billing/keys.py).
    """
    return _client(settings.OPENROUTER_API_KEY or (DEMO_KEY if is_emulated() else ""))


def make_management_client() -> OpenRouterClient:
    """The same with the key that may look at the account, and cannot ask models.

    It may be kept in the database, so not on an event loop.
    """
    return _client(management_key() or (DEMO_MANAGEMENT_KEY if is_emulated() else ""))


def _client(api_key: str) -> OpenRouterClient:
    transport: httpx.AsyncBaseTransport | None = emulator() if is_emulated() else None
    return OpenRouterClient(
        ClientConfig(
            api_key=api_key,
            base_url=settings.OPENROUTER_BASE_URL,
            app_url=settings.OPENROUTER_APP_URL,
            app_title=settings.OPENROUTER_APP_TITLE,
            connect_timeout_s=settings.OPENROUTER_CONNECT_TIMEOUT_S,
            first_byte_timeout_s=settings.OPENROUTER_FIRST_BYTE_TIMEOUT_S,
            idle_timeout_s=settings.OPENROUTER_IDLE_TIMEOUT_S,
            max_streams=settings.MAX_STREAMS,
        ),
        transport=transport,
    )
