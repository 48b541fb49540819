"""Conversations: a tree of messages, and the checkpoints of replies being written."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from billing.cache_saving import savings
from billing.turn_costs import TurnCost, turn_costs
from chat.attachment_models import Attachment
from chat.organise_models import Folder, Organised, SavedPrompt, Share, TitledBy
from chat.search_lookup import Matching
from chat.search_text import read_terms
from routing.receipts import Receipt, receipt

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

__all__ = [
    "Attachment",
    "Folder",
    "Matching",
    "SavedPrompt",
    "Share",
    "TitledBy",
]  # Django looks for models here

SECOND = "second-to-"  # with a reply's key: the nonce of the answer after it (chat.cascade)
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
        """The only door: what is another's, or deleted, does not exist."""
        mine = user.is_authenticated
        return self.filter(user_id=user.pk, deleted_at=None) if mine else self.none()

    def deleted_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """What a person deleted, as long as it can be brought back."""
        mine = user.is_authenticated
        return self.filter(user_id=user.pk, deleted_at__isnull=False) if mine else self.none()


class Conversation(Organised):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=120)
    choice = models.CharField(max_length=200, blank=True, default=AUTO)  # "" or a model's slug
    head = models.ForeignKey(  # the last message of the branch on show
        "Message", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    rival = models.ForeignKey(  # a second answer on show beside the head, until one is chosen
        "Message", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    wishes = models.JSONField(default=dict, blank=True)  # chat.wishes: how it is to be answered
    # What a copy was asked for with: the same nonce, the same copy.
    nonce = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at"]
        permissions = [("read_conversation", "Can read other people's conversations")]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "nonce"],
                condition=~models.Q(nonce=""),
                name="one_conversation_per_nonce",
            )
        ]
        indexes = [
            models.Index(fields=["user", "-updated_at"], name="conversation_by_user"),
            models.Index(
                fields=["deleted_at"],
                condition=models.Q(deleted_at__isnull=False),
                name="deleted_conversations",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("chat:conversation", args=[self.pk])


class MessageQuerySet(models.QuerySet["Message"]):
    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The only door, as for conversations."""
        mine = user.is_authenticated
        if not mine:
            return self.none()
        return self.filter(conversation__user_id=user.pk, conversation__deleted_at=None)

    def running(self) -> Self:
        """Replies being written. Only they have a lease, which is what SQLite finds them by."""
        return self.filter(state__in=RUNNING, lease_until__isnull=False)

    def matching(self, text: str) -> Self:
        """Those that hold the words of a search; none where it asks for nothing."""
        terms = read_terms(text)
        return self.filter(text__matching=terms) if terms else self.none()

    def with_books(self) -> Self:
        return self.select_related("call", "usage")


class Place(NamedTuple):
    """The n-th of `total` branches, and the keys of its neighbours."""

    number: int
    total: int
    previous: int | None
    next: int | None


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
    files = models.JSONField(null=True, blank=True)  # Attachment.as_json of what hangs on it
    html = models.TextField(blank=True, default="")  # the canonical drawing, sanitised
    reasoning = models.TextField(blank=True, default="")
    reasoning_details = models.JSONField(null=True, blank=True)  # sent back unchanged
    reasoning_ms = models.PositiveIntegerField(null=True, blank=True)  # until its text began
    annotations = models.JSONField(null=True, blank=True)
    error_text = models.CharField(max_length=300, blank=True, default="")  # for the person
    error_detail = models.TextField(blank=True, default="")  # what the provider said
    served_model = models.CharField(max_length=200, blank=True, default="")
    decision = models.JSONField(null=True, blank=True)  # routing's Decision, as it was taken
    schema = models.JSONField(null=True, blank=True)  # the JSON schema its text was to keep to
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
    thumb = models.SmallIntegerField(null=True, blank=True)  # 1 up, -1 down, None: no vote
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
            ),
            models.Index(  # what hangs on messages, for chat.attachment_cleanup
                fields=["conversation"],
                condition=models.Q(files__isnull=False),
                name="messages_with_files",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    def get_absolute_url(self) -> str:
        """Where it stands: a page that begins with it, if not earlier."""
        page = reverse("chat:conversation", args=[self.conversation_id])
        return f"{page}?from={self.pk}#m{self.pk}"

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
    def turn_ref(self) -> str:
        """What the books know its turn by: a second answer belongs to the turn of the first."""
        return self.nonce.removeprefix(SECOND) if self.nonce.startswith(SECOND) else str(self.pk)

    @cached_property
    def turn_cost(self) -> TurnCost | None:
        """What all calls for this reply cost. None: they are another conversation's, or none."""
        if self.role != Role.ASSISTANT:
            return None
        ref = self.turn_ref
        conversation = str(self.conversation_id)
        return turn_costs(conversation_ref=conversation, message_refs=[ref]).get(ref)

    @cached_property
    def saved_usd(self) -> Decimal | None:
        """What the provider's cache saved on its call. None: it used none, or that is unknown."""
        return savings([self.usage]).get(self.usage_id or 0)

    side: Literal["", "left", "right"] = ""  # of a comparison that is on show

    @cached_property
    def siblings(self) -> list[int]:
        """The keys of this message and of those it is a branch beside, oldest first."""
        beside = Message.objects.filter(
            conversation_id=self.conversation_id, parent_id=self.parent_id, role=self.role
        )
        return list(beside.order_by("pk").values_list("pk", flat=True))

    def stand_alone(self) -> None:
        """It is new, and there is none beside it: nobody needs to ask."""
        self.__dict__["siblings"] = [self.pk]

    @property
    def place(self) -> Place:
        """Which of its siblings it is."""
        keys = [None, *self.siblings, None]
        at = keys.index(self.pk)
        return Place(at, len(self.siblings), keys[at - 1], keys[at + 1])

    @property
    def is_cut(self) -> bool:
        """It ended because it had become as long as it may be."""
        usage = self.usage
        return self.state == State.DONE and usage is not None and usage.finish_reason == "length"

    @property
    def can_go_on(self) -> bool:
        """Whether its model may be asked to write the rest."""
        ended_early = self.state in (State.STOPPED, State.INTERRUPTED) or self.is_cut
        return bool(self.text.strip()) and ended_early and not self.schema

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


class Favourite(models.Model):
    """A model that a person wants at the top of the list."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="favourites"
    )
    slug = models.CharField(max_length=200)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(fields=["user", "slug"], name="a_model_is_a_favourite_once")
        ]

    def __str__(self) -> str:
        return self.slug
