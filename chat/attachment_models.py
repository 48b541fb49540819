"""A file that somebody attached: what it is, and where its bytes lie."""

from __future__ import annotations

import uuid
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.dispatch import receiver
from django.utils import timezone


class Kind(models.TextChoices):
    """What is sent of it: a picture, a recording, a document, or the text itself."""

    IMAGE = "image"
    AUDIO = "audio"
    PDF = "pdf"
    TEXT = "text"


class Attachment(models.Model):
    """Its bytes lie under its random id, outside of everything that is served."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="attachments"
    )
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    media_type = models.CharField(max_length=80)
    size_bytes = models.PositiveIntegerField()
    tokens = models.PositiveIntegerField()  # about how much it adds to a prompt
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(default=timezone.now)  # last put with a message

    class Meta:
        app_label = "chat"
        ordering = ["created_at"]
        indexes = [models.Index(fields=["used_at"], name="attachments_by_use")]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return path_of(str(self.pk))

    def as_json(self) -> dict[str, Any]:
        """As messages keep it."""
        return {
            "id": str(self.pk),
            "name": self.name,
            "kind": self.kind,
            "media_type": self.media_type,
            "size_bytes": self.size_bytes,
            "tokens": self.tokens,
        }


@receiver(models.signals.post_delete, sender=Attachment)
def remove_bytes(instance: Attachment, **_: Any) -> None:
    """Its bytes go with it, also where the person goes; not before that is certain."""
    transaction.on_commit(partial(instance.path.unlink, missing_ok=True))


def path_of(pk: str) -> Path:
    """Where the bytes of an attachment lie. Raises ValueError for what is no id."""
    name = uuid.UUID(pk).hex
    return Path(settings.ATTACHMENT_DIR) / name[:2] / name
