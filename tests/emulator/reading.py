"""What tests read out of an answer of the emulator, without the application's own decoder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from openrouter.emulator.app import Emulator

MODEL = "anthropic/claude-haiku-4.5"


def ask(prompt: str = "Tell me about bees", **more: Any) -> dict[str, Any]:
    """The body of a streaming request."""
    messages = [{"role": "user", "content": prompt}]
    return {"model": MODEL, "messages": messages, "stream": True, **more}


CALM = ask("Tell me about bees")


def faulty(fault: str, **more: Any) -> dict[str, Any]:
    """The same prompt with a fault ordered in it."""
    return ask(f"Tell me about bees [[fault: {fault}]]", **more)


class Read:
    """A stream that was read to its end, or to where it broke."""

    def __init__(self, raw: bytes, headers: Mapping[str, str]) -> None:
        self.raw, self.headers = raw, headers
        lines = [line.rstrip("\r") for line in raw.decode(errors="ignore").split("\n")]
        self.comments = sum(line.startswith(":") for line in lines)
        payloads = [line[5:].strip() for line in lines if line.startswith("data:")]
        self.is_done = "[DONE]" in payloads
        self.chunks: list[dict[str, Any]] = [
            json.loads(payload, parse_float=Decimal) for payload in payloads if payload[:1] == "{"
        ]

    @property
    def id(self) -> str:
        return self.headers["x-generation-id"]

    @property
    def deltas(self) -> list[dict[str, Any]]:
        return [chunk["choices"][0]["delta"] for chunk in self.chunks if chunk["choices"]]

    @property
    def text(self) -> str:
        return "".join(delta.get("content") or "" for delta in self.deltas)

    @property
    def finishes(self) -> list[str]:
        reasons = [
            chunk["choices"][0]["finish_reason"] for chunk in self.chunks if chunk["choices"]
        ]
        return [reason for reason in reasons if reason]

    @property
    def usages(self) -> list[dict[str, Any]]:
        return [chunk["usage"] for chunk in self.chunks if chunk.get("usage")]

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [chunk["error"] for chunk in self.chunks if chunk.get("error")]


async def read(client: httpx.AsyncClient, body: dict[str, Any], **more: Any) -> Read:
    """A stream to its end. Raises what httpx raises where the connection breaks."""
    async with client.stream("POST", "/chat/completions", json=body, **more) as response:
        raw = await response.aread()
    assert response.status_code == 200, raw
    return Read(raw, response.headers)


async def read_broken(client: httpx.AsyncClient, body: dict[str, Any]) -> Read:
    """What came of a stream before its connection broke. Fails where it does not break."""
    raw = b""
    async with client.stream("POST", "/chat/completions", json=body) as response:
        try:
            async for piece in response.aiter_bytes():
                raw += piece
        except httpx.RemoteProtocolError:
            return Read(raw, response.headers)
    raise AssertionError("the connection did not break")


async def whole(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    """An answer that is not streamed, with money as Decimal."""
    response = await client.post("/chat/completions", json={**body, "stream": False})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = json.loads(response.text, parse_float=Decimal)
    return found


def billed(emulator: Emulator, generation_id: str) -> Decimal:
    entry = emulator.bill.find(generation_id)
    assert entry is not None
    return entry.cost
