"""Conversations: a tree of messages, and the checkpoints of replies being written."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from routing.receipts import Receipt, receipt

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

AUTO = ""  # the choice of a conversation that leaves the model to the router


class Role(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"


class State(models.TextChoices):
    """Where a reply stands. A prompt is always done."""

    QUEUED = "queued"
    STREAMING = "streaming"
    DONE = "done"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


LEASE = dt.timedelta(seconds=20)  # a writer that is silent for longer is taken for dead
RUNNING = (State.QUEUED, State.STREAMING)
RETRYABLE = (State.STOPPED, State.INTERRUPTED, State.FAILED)


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The only door: what is another's does not exist."""
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()


class Conversation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=120)
    choice = models.CharField(max_length=200, blank=True, default=AUTO)  # "" or a model's slug
    head = models.ForeignKey(  # the last message of the branch on show
        "Message", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at"]
        indexes = [models.Index(fields=["user", "-updated_at"], name="conversation_by_user")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("chat:conversation", args=[self.pk])


class MessageQuerySet(models.QuerySet["Message"]):
    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The only door, as for conversations."""
        mine = user.is_authenticated
        return self.filter(conversation__user_id=user.pk) if mine else self.none()

    def running(self) -> Self:
        """Replies being written. Only they have a lease, which is what SQLite finds them by."""
        return self.filter(state__in=RUNNING, lease_until__isnull=False)

    def with_books(self) -> Self:
        return self.select_related("call", "usage")


class Message(models.Model):
    """A prompt or a reply. `parent` makes the tree: siblings are branches."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children"
    )
    role = models.CharField(max_length=16, choices=Role.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.DONE)
    text = models.TextField(blank=True, default="")
    html = models.TextField(blank=True, default="")  # the canonical drawing, sanitised
    reasoning = models.TextField(blank=True, default="")
    reasoning_details = models.JSONField(null=True, blank=True)  # sent back unchanged
    annotations = models.JSONField(null=True, blank=True)
    error_text = models.CharField(max_length=300, blank=True, default="")  # for the person
    error_detail = models.TextField(blank=True, default="")  # what the provider said
    served_model = models.CharField(max_length=200, blank=True, default="")
    decision = models.JSONField(null=True, blank=True)  # routing's Decision, as it was taken
    call = models.ForeignKey(
        "billing.Call", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    usage = models.ForeignKey(
        "billing.UsageRecord", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Who asked for this reply, and the nonce it was asked with: the same nonce, the same rows.
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    nonce = models.CharField(max_length=64, blank=True, default="")
    # Which process writes this reply, and until when it may be silent.
    owner = models.CharField(max_length=120, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    stop_asked = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "nonce"],
                condition=~models.Q(nonce=""),
                name="one_reply_per_nonce",
            )
        ]
        indexes = [
            models.Index(
                fields=["state", "requested_by"],
                # SQLite uses a partial index only where the query says the same in constants
                condition=models.Q(lease_until__isnull=False),
                name="running_replies",
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @cached_property
    def receipt(self) -> Receipt | None:
        """Why this model, and what the others would have cost for this answer's tokens."""
        if self.role != Role.ASSISTANT:
            return None
        usage = self.usage
        return receipt(
            self.decision,
            served_model=self.served_model,
            prompt_tokens=usage.prompt_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
        )

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING

    @property
    def is_retryable(self) -> bool:
        return self.state in RETRYABLE


class Part(models.TextChoices):
    """What a piece of a growing reply is."""

    TEXT = "text"
    REASONING = "reasoning"


class Chunk(models.Model):
    """A checkpoint: text that a running reply had gained, so that a crash cannot take it back."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="chunks")
    part = models.CharField(max_length=16, choices=Part.choices)
    offset = models.PositiveIntegerField()  # of its first character, in code points
    text = models.TextField()

    class Meta:
        ordering = ["part", "offset"]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "part", "offset"], name="one_chunk_per_offset"
            )
        ]

    def __str__(self) -> str:
        return f"{self.part} of {self.message_id} from {self.offset}"
