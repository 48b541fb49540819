"""Pictures that a model drew: read from its answer, judged, and kept like what a person attached.

They come as data in the answer itself. An address elsewhere is never fetched: it stays a link.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import filetype
from django.conf import settings
from django.db import transaction

from chat.attachment_models import Attachment, Kind
from chat.attachments import IMAGE_TOKENS, IMAGES, store
from chat.models import Message
from chat.picture_size import picture_size

MOST = 16  # of one answer
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
LINK_CHARS = 2_000


class NoPicture(Exception):
    """What came is not kept; `instead` says so in the answer, as Markdown."""

    def __init__(self, instead: str) -> None:
        super().__init__(instead)
        self.instead = instead


@dataclass(slots=True)
class Album:
    """The pictures of one answer; some providers send each of them twice."""

    seen: set[bytes] = field(default_factory=set)

    def keep(self, reply: int, url: str) -> bool:
        """Keep a picture with its answer. False: it is there already. Raises NoPicture.

        Off the event loop. May be repeated where a commit was not confirmed.
        """
        digest = sha256(url.encode(errors="replace")).digest()
        if digest in self.seen:
            return False
        if len(self.seen) >= MOST:
            raise NoPicture(f"[A picture was left out: {MOST} are the most of one answer.]")
        content, media_type = read_picture(url)
        is_new = _keep(reply, content, media_type)
        self.seen.add(digest)
        return is_new


def read_picture(url: str) -> tuple[bytes, str]:
    """The bytes of a picture, and what it is by its content. Raises NoPicture."""
    if not url.startswith("data:"):
        is_link = url.startswith(("https://", "http://")) and len(url) <= LINK_CHARS
        safe = url.replace("<", "%3C").replace(">", "%3E").split()
        raise NoPicture(f"[A picture](<{safe[0]}>)" if is_link else "[What came was no picture.]")
    most = settings.MAX_ATTACHMENT_MB * 1_000_000
    head, _, data = url.partition(",")
    if len(data) > most * 4 // 3 + 4:
        raise NoPicture(f"[A picture was too large to be kept: {settings.MAX_ATTACHMENT_MB} MB.]")
    try:
        content = base64.b64decode(data, validate=True) if head.endswith(";base64") else b""
    except (binascii.Error, ValueError):
        content = b""
    found = filetype.guess(content[:8192]) if content else None
    if found is None or found.mime not in IMAGES:
        raise NoPicture("[A picture of a kind that is not shown was left out.]")
    return content, found.mime


def _keep(reply: int, content: bytes, media_type: str) -> bool:
    """It belongs to whoever asked. It is paid for, so no bound of theirs refuses it."""
    with transaction.atomic():
        message = Message.objects.select_for_update().filter(pk=reply).first()
        if message is None or message.requested_by_id is None:
            return False
        files: list[dict[str, Any]] = message.files or []
        picture = Attachment(
            user_id=message.requested_by_id,
            name=f"picture-{len(files) + 1}.{EXTENSIONS[media_type]}",
            kind=Kind.IMAGE,
            media_type=media_type,
            size_bytes=len(content),
            tokens=IMAGE_TOKENS,
        )
        store(picture, content)
        told = picture.as_json() | {"made": True}
        if sides := picture_size(content):
            told["width"], told["height"] = sides
        message.files = [*files, told]
        message.save(update_fields=["files"])
    return True
