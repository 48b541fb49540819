"""An upstream of our own emulator, and keys in it, for the tests of keys and of reconciliation."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import StringIO

import httpx
from asgiref.sync import async_to_sync
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import User
from billing.key_models import KeyKind, UpstreamKey
from billing.keys import connect_own, keep
from billing.models import Call, UsageRecord
from openrouter.client import ClientConfig, OpenRouterClient
from openrouter.emulator.app import Emulator
from openrouter.emulator.keys import Key
from openrouter.emulator.settings import DEMO_KEY, DEMO_MANAGEMENT_KEY, instant
from openrouter.emulator.transport import EmulatorTransport
from openrouter.types import ChatRequest, Completion

MODEL = "openai/gpt-5-mini"


class World:
    """The upstream of a test: an emulator, or whatever `transport` is; and the keys in use."""

    transport: httpx.AsyncBaseTransport
    emulator: Emulator
    key = DEMO_KEY
    management_key = DEMO_MANAGEMENT_KEY

    def reset(self, settings: Settings, **more: object) -> None:
        """A new emulator, at once and without faults; `more` is of its settings."""
        settings.OPENROUTER_CLIENT = f"{__name__}.make_client"
        settings.OPENROUTER_MANAGEMENT_CLIENT = f"{__name__}.make_management_client"
        self.emulator = Emulator(instant(**more))
        self.transport = EmulatorTransport(self.emulator)
        self.key, self.management_key = DEMO_KEY, DEMO_MANAGEMENT_KEY

    def remote(self, name: str = "") -> list[Key]:
        """The account's keys at the emulator whose name holds `name`, the oldest first."""
        listed = self.emulator.world.accounts.listed(disabled=True)[::-1]
        return [key for key in listed if name in key.name]

    def grant(self) -> str:
        """A key of another account, as a person grants it through OAuth."""
        return self.emulator.world.accounts.issue("granted", is_guest=True)[1]


world = World()


def client(key: str) -> OpenRouterClient:
    config = ClientConfig(api_key=key, base_url="http://upstream/api/v1", max_attempts=1)
    return OpenRouterClient(config, world.transport)


def make_client() -> OpenRouterClient:
    return client(world.key)


def make_management_client() -> OpenRouterClient:
    return client(world.management_key)


def run(*words: str) -> str:
    """What a command says. Raises CommandError."""
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def key_of(user: User) -> UpstreamKey:
    """The personal key of a person, as it is kept."""
    return UpstreamKey.objects.live().get(user=user, kind=KeyKind.PERSONAL)


def enter(kind: KeyKind, secret: str) -> UpstreamKey:
    """What an administrator does in the admin."""
    return keep(UpstreamKey(kind=kind, label=f"the {kind} one"), secret)


def connected(user: User) -> str:
    """The secret of an account that this person has connected."""
    secret = world.grant()
    connect_own(user=user, secret=secret)
    return secret


def ask(secret: str, text: str = "Why is the sky blue?", model: str = MODEL) -> Completion:
    request = ChatRequest(
        model=model,
        messages=[{"role": "user", "content": text}],
        max_completion_tokens=200,
        api_key=secret,
    )
    return async_to_sync(_complete)(request)


async def _complete(request: ChatRequest) -> Completion:
    asking = make_client()
    try:
        return await asking.complete_chat(request)
    finally:
        await asking.aclose()


def made_yesterday(entry: UsageRecord) -> dt.date:
    """The day before the entry's, to which its call is moved."""
    day = entry.created_at.date() - dt.timedelta(days=1)
    Call.objects.filter(pk=entry.call_id).update(
        created_at=dt.datetime.combine(day, dt.time(12), dt.UTC)
    )
    return day


def usd(text: str) -> Decimal:
    return Decimal(text)
