"""One browser tab watching one conversation: admit, follow, forward. It takes no commands."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import parse_qs

from autobahn.exception import Disconnected
from channels.generic.websocket import AsyncWebsocketConsumer

from chat.admission import Admission, admit
from chat.database import in_database
from chat.feed import Follower
from chat.live import live_region
from chat.models import Conversation
from chat.rights import Watched, rights
from chat.runner import runner

logger = logging.getLogger(__name__)

SIGNED_OUT = 4401
NOT_FOUND = 4404
NO_COMMANDS = 4400
# daphne refuses to send the standard codes for these (1011, 1012). The page connects again.
FAULT = 4011
TRY_ELSEWHERE = 4012


class ConversationConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Sends a snapshot, then all that is new since the last frame.

    Closing codes: 4012 come again (a restart, another role), 4011 a fault of ours, 4401 not signed
    in, 4404 no such conversation of this person's, 4400 for any frame of a client. A handshake
    is always accepted first: browsers retry a refused one for ever. Whoever loses the right to
    watch is told so within seconds, see rights.py.
    """

    follower: Follower | None = None
    forwarding: asyncio.Task[None] | None = None
    watched: Watched | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Leave nothing behind, whichever way it ends: daphne cancels who is slow to leave."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.leave()

    async def connect(self) -> None:
        await self.accept()
        pk = self.scope["url_route"]["kwargs"]["pk"]
        admission = await in_database(admit, self.scope["headers"], pk)
        conversation = admission.conversation
        if conversation is None:
            await self.lose(admission)
            return
        self.watched = rights.watch(self.scope["headers"], conversation, self.lose)
        self.follower = runner.feed.follow(conversation.pk)
        self.follower.dismissed = runner.is_draining and not runner.writes_in(conversation.pk)
        self.forwarding = asyncio.create_task(self.forward(conversation, self.follower))

    async def forward(self, conversation: Conversation, follower: Follower) -> None:
        """Send until the tab leaves; a fault of ours closes the socket, so that it comes again."""
        try:
            await self.forward_frames(conversation, follower)
        except (OSError, Disconnected):
            return  # the tab has left: ASGI's word, and daphne's, for sending to nobody
        except Exception:
            logger.exception("A tab's forwarding failed")
            await self.close(code=FAULT)

    async def forward_frames(self, conversation: Conversation, follower: Follower) -> None:
        after = _number(self.scope["query_string"])
        while not follower.dismissed:
            html, after = await live_region(conversation, follower, after=after)
            await self.push(html)
            async for frame in follower.frames():
                await self.push(frame)
        await self.close(code=TRY_ELSEWHERE)

    async def push(self, frame: str) -> None:
        """Send straight to the server: for each frame of each tab, Channels' layers add up."""
        await self.base_send({"type": "websocket.send", "text": frame})

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.close(code=NO_COMMANDS, reason="this socket takes no commands")

    async def lose(self, admission: Admission) -> None:
        """Not a character more; the code says what is missing, or to come again."""
        self.leave()
        missing = NOT_FOUND if admission.is_signed_in else SIGNED_OUT
        await self.close(code=TRY_ELSEWHERE if admission.conversation else missing)

    async def disconnect(self, code: int) -> None:
        self.leave()

    def leave(self) -> None:
        if self.watched:
            rights.forget(self.watched)
        if self.forwarding:
            self.forwarding.cancel()
        if self.follower:
            runner.feed.unfollow(self.follower)


def _number(query_string: bytes) -> int:
    """The `after` of the query: the last settled message that the page has; 0 where it is none."""
    value = parse_qs(query_string.decode("ascii", "replace")).get("after", ["0"])[0]
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0
