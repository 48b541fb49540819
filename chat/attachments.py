"""Taking files in: judged by their content, kept under random names, and found again.

What a browser or a name says of a file counts for nothing. Only pictures and recordings that
models take, PDF and plain text are taken; everything else is refused with words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import filetype
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from chat.attachment_models import Attachment, Kind
from chat.errors import CannotAttach
from chat.tokens import tokens_of

IMAGES = {"image/png", "image/jpeg", "image/webp", "image/gif"}
# What `filetype` finds → as the API names it. Of these the listening models take some each.
AUDIO_FORMATS = {
    "audio/mpeg": "mp3",
    "audio/x-wav": "wav",
    "audio/ogg": "ogg",
    "audio/x-flac": "flac",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/x-aiff": "aiff",
}
AUDIO_TOKENS_PER_S = 32  # of the models that count the most
LEAST_BYTES_PER_S = {"ogg": 2_000, "flac": 30_000, "aiff": 16_000}  # of speech, as small as it gets
USUAL_BYTES_PER_S = 4_000
PDF = "application/pdf"
IMAGE_TOKENS = 1_600
PAGE_TOKENS = 1_500  # of a PDF: its text, about
PAGE = re.compile(rb"/Type\s*/Page[^s]")
NAME_CHARS = 120
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069/\\]+")


class Upload(Protocol):
    """A file on its way in, as Django has it."""

    @property
    def name(self) -> str | None: ...

    @property
    def size(self) -> int | None: ...

    def read(self) -> bytes: ...


def attach(*, user: AbstractBaseUser, upload: Upload) -> Attachment:
    """Keep a file.

    Raises CannotAttach where it is too large, of no kind that is taken, or one too many.
    """
    name = clean_name(upload.name or "")
    if (upload.size or 0) > settings.MAX_ATTACHMENT_MB * 1_000_000:
        raise CannotAttach(f"“{name}” is too large: at most {settings.MAX_ATTACHMENT_MB} MB.")
    content = upload.read()
    kind, media_type, tokens = _judge(name, content)
    attachment = Attachment(
        user_id=user.pk,
        name=name,
        kind=kind,
        media_type=media_type,
        size_bytes=len(content),
        tokens=tokens,
    )
    with transaction.atomic():
        _require_place(user, name, len(content))
        store(attachment, content)
    return attachment


def store(attachment: Attachment, content: bytes) -> None:
    """The bytes first: what has a row can be read."""
    attachment.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    attachment.path.write_bytes(content)
    attachment.save()


def _require_place(user: AbstractBaseUser, name: str, size_bytes: int) -> None:
    """All files of a person stay within their bound, also where many come at once."""
    most_mb = settings.MAX_ATTACHMENTS_MB_PER_USER
    get_user_model().objects.select_for_update().filter(pk=user.pk).first()
    theirs = Attachment.objects.filter(user_id=user.pk)
    held = theirs.aggregate(total=Sum("size_bytes"))["total"] or 0
    if held + size_bytes > most_mb * 1_000_000:
        raise CannotAttach(
            f"There is no place for “{name}”: your files may have {most_mb:,} MB in all. Those of "
            "conversations that you delete go a day or so later."
        )


def _judge(name: str, content: bytes) -> tuple[Kind, str, int]:
    """What a file is by its content, and about how many tokens it will be."""
    if not content:
        raise CannotAttach(f"“{name}” is empty.")
    found = filetype.guess(content[:8192])
    media_type = found.mime if found else ""
    if media_type in IMAGES:
        return Kind.IMAGE, media_type, IMAGE_TOKENS
    if audio := AUDIO_FORMATS.get(media_type):
        return Kind.AUDIO, media_type, _audio_tokens(audio, content)
    if media_type == PDF:
        return Kind.PDF, PDF, PAGE_TOKENS * max(1, len(PAGE.findall(content)))
    text = _text(content) if found is None else None
    if text is None:
        raise CannotAttach(
            f"“{name}” is of no kind that can be read: pictures (PNG, JPEG, WebP, GIF), recordings "
            "(MP3, WAV, OGG, FLAC, M4A, AAC, AIFF), PDF and plain text can."
        )
    if len(text) > settings.MAX_PROMPT_CHARS:
        raise CannotAttach(
            f"“{name}” has {len(text):,} characters; at most {settings.MAX_PROMPT_CHARS:,} can be "
            "attached."
        )
    return Kind.TEXT, "text/plain", tokens_of(text)


def _audio_tokens(audio: str, content: bytes) -> int:
    """Rather too many: a recording is as long as its bytes can make it."""
    per_s = LEAST_BYTES_PER_S.get(audio, USUAL_BYTES_PER_S)
    if audio == "wav":  # its head says how many bytes a second takes
        per_s = int.from_bytes(content[28:32], "little") or per_s
    return -(-len(content) * AUDIO_TOKENS_PER_S // per_s)


def _text(content: bytes) -> str | None:
    """The text that a file is, or None where it is none."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def clean_name(name: str) -> str:
    """A name to show: no path, nothing invisible, not endless."""
    last = re.split(r"[/\\]", name)[-1].encode("utf-8", "replace").decode()
    return UNSAFE.sub("", last).strip()[:NAME_CHARS] or "file"


def require_few(count: int) -> None:
    """Asked before any of them is kept. Raises CannotAttach."""
    if count > settings.MAX_ATTACHMENTS:
        raise CannotAttach(f"At most {settings.MAX_ATTACHMENTS} files can go with one message.")


def named(*, user: AbstractBaseUser, ids: Sequence[str]) -> list[Attachment]:
    """A person's own attachments, in the order in which they are named.

    Raises CannotAttach for too many, and for what is not theirs (or not there: it is the same).
    """
    require_few(len(ids))
    try:
        keys = [UUID(each) for each in dict.fromkeys(ids)]
    except ValueError:
        raise CannotAttach("A file is not there any more: attach it again.") from None
    known = Attachment.objects.filter(user_id=user.pk).in_bulk(keys)
    if len(known) < len(keys):
        raise CannotAttach("A file is not there any more: attach it again.")
    return [known[key] for key in keys]


def taken(*, user: AbstractBaseUser, ids: Sequence[str]) -> list[Attachment]:
    """The same, about to be sent: they are marked first, so that no clean-up takes them away."""
    found = named(user=user, ids=ids)
    keys = [attachment.pk for attachment in found]
    if Attachment.objects.filter(pk__in=keys).update(used_at=timezone.now()) < len(keys):
        raise CannotAttach("A file is not there any more: attach it again.")
    return found


def as_json(attachments: Sequence[Attachment]) -> list[dict[str, Any]]:
    return [attachment.as_json() for attachment in attachments]
