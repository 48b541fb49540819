"""The emulator as an ASGI application."""

from __future__ import annotations

from openrouter.emulator.bill import Bill
from openrouter.emulator.completions import chat
from openrouter.emulator.controls import control
from openrouter.emulator.routes import answer
from openrouter.emulator.settings import EmulatorSettings
from openrouter.emulator.web import Receive, Refusal, Scope, Send, read_request, send_reply
from openrouter.emulator.world import World

API = "/api/v1"


class Emulator:
    """A local OpenRouter under /api/v1; what only tests may know is under /_emulator."""

    def __init__(self, settings: EmulatorSettings | None = None) -> None:
        self.world = World(settings or EmulatorSettings())

    @property
    def settings(self) -> EmulatorSettings:
        return self.world.settings

    @property
    def bill(self) -> Bill:
        """Every generation and its cost: the truth."""
        return self.world.bill

    def text_sent(self, generation_id: str) -> str:
        """The text that went out under an id. Raises KeyError for an id that is unknown."""
        return self.world.sent[generation_id].text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _live(receive, send)
        if scope["type"] != "http":
            return None
        try:
            request = await read_request(scope, receive)
            if request.path == f"{API}/chat/completions" and request.method == "POST":
                key = self.world.accounts.for_inference(request.headers.get("authorization"))
                return await chat(self.world, request, key, receive, send)
            handler = control if request.path.startswith("/_emulator/") else answer
            reply = handler(self.world, request)
        except Refusal as refusal:
            reply = refusal.reply()
        return await send_reply(send, reply)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def create_app(settings: EmulatorSettings | None = None) -> Emulator:
    """An emulator with a world of its own."""
    return Emulator(settings)
