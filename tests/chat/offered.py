"""A send all the way: the page's own form, the writer, and the emulator that is asked.

`Desk.send` posts the composer's form, lets the reply be written to its end, and gives the reply
with the request's body as it came to the other side.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.pricebook import store_prices
from chat.feed import Feed
from chat.models import Conversation, Message
from chat.relay import LocalRelay
from chat.replies import ChatClient, Writer
from chat.services import Job
from openrouter.client import ClientConfig, OpenRouterClient
from openrouter.emulator.settings import DEMO_KEY, instant
from openrouter.emulator.transport import EmulatorTransport
from openrouter.results import ModelInfo
from routing.shelf import shelf
from routing.sync import store_catalogue
from tests.openrouter.test_request_bodies import check

HTMX = {"HX-Request": "true"}
CLAUDE = "anthropic/claude-haiku-4.5"
GEMINI = "google/gemini-2.5-flash"
PAINTER = "google/gemini-2.5-flash-image"
QWEN = "qwen/qwen3-max"
GPT = "openai/gpt-5-mini"
PLAIN = "meta-llama/llama-3.2-3b-instruct"  # neither sees nor hears, and uses no tools
MARKET = (CLAUDE, GEMINI, PAINTER, QWEN, GPT, PLAIN, "openrouter/auto")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj<</Type /Page>>endobj\n2 0 obj<</Type/Page>>endobj\n%%EOF"
MP3 = b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\0" + b"\0" * 4_000
RATE = (16_000).to_bytes(4, "little")
WAV = b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0" + RATE + b"\x02\0\x10\0data"
WAV += b"\0" * 32_000  # two seconds


@cache
def infos() -> dict[str, ModelInfo]:
    """What the emulator lists, by name."""

    async def ask() -> list[ModelInfo]:
        client = client_of(EmulatorTransport(instant()))
        try:
            return list(await client.models(output_modalities="all"))
        finally:
            await client.aclose()

    return {info.id: info for info in async_to_sync(ask)()}


def client_of(transport: httpx.AsyncBaseTransport) -> OpenRouterClient:
    return OpenRouterClient(
        ClientConfig(
            api_key=DEMO_KEY,
            base_url="https://emulator.test/api/v1",
            app_url="https://chat.example",
            app_title="Switchboard",
        ),
        transport,
    )


def stock(*slugs: str) -> None:
    """A catalogue of these, with their prices in the book."""
    wanted = [infos()[slug] for slug in slugs or MARKET]
    store_catalogue(wanted, now=timezone.now())
    store_prices(wanted, now=timezone.now())
    shelf.forget()


@dataclass
class Desk:
    """A person's browser, and the other side."""

    browser: Client
    jobs: list[Job] = field(default_factory=list)
    upstream: EmulatorTransport = field(default_factory=lambda: EmulatorTransport(instant()))
    conversation: Conversation | None = None
    frames: list[str] = field(default_factory=list)
    client: Callable[[], ChatClient] | None = None

    def wish(self, **fields: Any) -> None:
        """Fill the form "How to answer" in, for this conversation or the next new one."""
        here = self.conversation
        url = reverse("chat:wishes_of", args=[here.pk]) if here else reverse("chat:wishes")
        response = self.browser.post(url, {"model": "", **fields})
        assert response.status_code == 302, response.content.decode()

    def attach(self, name: str, content: bytes) -> str:
        """Send a file ahead: its key."""
        upload = SimpleUploadedFile(name, content)
        response = self.browser.post(reverse("chat:upload"), {"upload": upload})
        assert response.status_code == 200, response.content.decode()
        return response.content.decode().split('name="file" value="')[1].split('"')[0]

    def post(self, prompt: str, *, model: str = "", files: Sequence[str] = ()) -> Any:
        here = self.conversation
        url = reverse("chat:send_to", args=[here.pk]) if here else reverse("chat:send")
        nonce = f"n{Message.objects.count()}"
        fields = {"prompt": prompt, "model": model, "nonce": nonce, "file": list(files)}
        return self.browser.post(url, fields, headers=HTMX)

    def send(
        self, prompt: str, *, model: str = "", files: Sequence[str] = ()
    ) -> tuple[Message, dict[str, Any]]:
        """Ask, and have it answered: the reply, and the body that was sent."""
        response = self.post(prompt, model=model, files=files)
        assert response.status_code == 200, response.content.decode()
        return self.written()

    def written(self) -> tuple[Message, dict[str, Any]]:
        job = self.jobs.pop()
        async_to_sync(self._write)(job)
        reply = Message.objects.with_books().select_related("conversation").get(pk=job.reply)
        self.conversation = reply.conversation
        return reply, self.body(reply)

    def body(self, reply: Message) -> dict[str, Any]:
        """What came to the emulator; where another client was asked, what was to be sent."""
        assert reply.call is not None
        held = self.upstream.emulator.world.sent.get(reply.call.generation_id or "")
        return json.loads(json.dumps(held.body)) if held else {}

    async def _write(self, job: Job) -> None:
        client = self.client() if self.client else client_of(self.upstream)
        feed = Feed()
        follower = feed.follow(UUID(str(job.conversation)))
        writer = Writer(job, client, LocalRelay(feed))
        writer.task = asyncio.create_task(writer.write())
        await writer.task
        self.frames = list(follower.pending)
        await client.aclose()  # type: ignore[attr-defined]


def documented(body: dict[str, Any]) -> dict[str, Any]:
    """The same body, held against OpenRouter's own document. Raises ValidationError.

    That is in ../shared: a test that asks is marked so.
    """
    check(body, {"$ref": "#/components/schemas/ChatRequest"})
    return body


def last_parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What the last message of a documented body is made of."""
    parts: list[dict[str, Any]] = documented(body)["messages"][-1]["content"]
    return parts


def reserved(reply: Message) -> Decimal:
    """What was held for a reply, in USD."""
    assert reply.call is not None
    assert reply.call.reserved_usd is not None
    return reply.call.reserved_usd
