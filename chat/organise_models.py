"""How a person keeps their conversations: folders, links to show them, prompts to use again.

`chat/models.py` imports these, which is where Django looks for them.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

TOKEN_BYTES = 24  # 192 bits: nobody guesses one


Row = TypeVar("Row", bound=models.Model)


class OwnedQuerySet(models.QuerySet[Row]):
    """The one door to what belongs to a person."""

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()


class FolderQuerySet(OwnedQuerySet["Folder"]):
    pass


class SavedPromptQuerySet(OwnedQuerySet["SavedPrompt"]):
    pass


class TitledBy(models.TextChoices):
    """Whose words a title is: the next in this list may replace it, never one before."""

    PROMPT = "prompt"
    MODEL = "model"
    PERSON = "person"


class Folder(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="folders"
    )
    name = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=timezone.now)

    objects = FolderQuerySet.as_manager()

    class Meta:
        ordering = [Lower("name")]
        constraints = [
            models.UniqueConstraint("user", Lower("name"), name="one_folder_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Organised(models.Model):
    """Where a conversation is kept. One that is deleted can be brought back for a while."""

    folder = models.ForeignKey(
        Folder, on_delete=models.SET_NULL, null=True, blank=True, related_name="conversations"
    )
    is_pinned = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    titled_by = models.CharField(max_length=16, choices=TitledBy.choices, default=TitledBy.PROMPT)
    system_prompt = models.TextField("instructions", blank=True, default="")
    # What it was imported from: to import the same file again adds nothing.
    source_ref = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        abstract = True


class ShareQuerySet(OwnedQuerySet["Share"]):
    def open(self) -> Self:
        """Those that can be read now: not revoked, not expired, not of a deleted conversation,
        nor of a person who is deactivated."""
        lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        shown = self.filter(conversation__deleted_at=None, user__is_active=True)
        return shown.filter(lasting, revoked_at=None)


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


class Share(models.Model):
    """A copy of one branch as it was, for whoever has the link."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shares"
    )
    conversation = models.ForeignKey(
        "Conversation", on_delete=models.CASCADE, related_name="shares"
    )
    token = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    title = models.CharField(max_length=120)
    shown_name = models.CharField(max_length=80, blank=True, default="")  # none unless chosen
    messages = models.JSONField()  # [{"role", "text", "html"}], as they were
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ShareQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.title

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class SavedPrompt(models.Model):
    """A text that a person uses again: put into the message box, or given as instructions."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_prompts"
    )
    name = models.CharField(max_length=60)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    objects = SavedPromptQuerySet.as_manager()

    class Meta:
        ordering = [Lower("name")]
        constraints = [
            models.UniqueConstraint("user", Lower("name"), name="one_saved_prompt_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
