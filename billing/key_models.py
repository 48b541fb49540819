"""Keys of OpenRouter that this installation holds: whose they are, and how they stand.

The secret is stored encrypted (key_crypto.py) and read in keys.py alone. What is shown of a key
is its label, its last four letters and its hash, by which OpenRouter itself calls it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.money import UsdField

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

TEXT_CHARS = 200


class KeyKind(models.TextChoices):
    """What a key is for, and whose account pays what is asked with it.

    MANAGEMENT looks after the account and asks no model. SHARED and PERSONAL spend from the
    account of this installation: PERSONAL keys are made by us, one for each person. OWN keys
    people bring from an account of theirs.
    """

    MANAGEMENT = "management"
    SHARED = "shared"
    PERSONAL = "personal", "per user"
    OWN = "own", "own account"


ENTERED = (KeyKind.MANAGEMENT, KeyKind.SHARED)  # by an administrator


def hash_of(secret: str) -> str:
    """What OpenRouter calls a key: the SHA-256 of it, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def erase(
    collector: Any, field: models.Field[Any, Any], rows: models.QuerySet[UpstreamKey], using: str
) -> None:
    """A person is deleted: the key of their own account goes with them; the one that we made for
    them stays without a name, so that `sync_keys` still finds and disables it."""
    models.CASCADE(collector, field, rows.filter(kind=KeyKind.OWN), using)
    models.SET_NULL(collector, field, rows.exclude(kind=KeyKind.OWN), using)


class UpstreamKeyQuerySet(models.QuerySet["UpstreamKey"]):
    def live(self) -> Self:
        """Not given up: neither disconnected, nor replaced, nor gone at OpenRouter."""
        return self.filter(ended_at=None)

    def of(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(user_id=user.pk) if user.pk else self.none()

    def usable(self) -> Self:
        """Live, and with a secret to ask with."""
        return self.live().exclude(token="")

    def on_our_account(self) -> Self:
        """Keys whose spending this installation pays."""
        return self.filter(kind__in=(KeyKind.SHARED, KeyKind.PERSONAL))


class UpstreamKey(models.Model):
    """One key. Without a token it is wanted still, or given up; its hash outlives its secret."""

    kind = models.CharField(max_length=16, choices=KeyKind.choices)
    label = models.CharField(max_length=TEXT_CHARS)  # of a personal key: its name at OpenRouter
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=erase, null=True, blank=True, related_name="+"
    )
    token = models.TextField(blank=True, default="", editable=False)  # the secret, encrypted
    last_four = models.CharField(max_length=4, blank=True, default="")
    hash = models.CharField(max_length=64, blank=True, default="")
    # How it stands at OpenRouter, as far as we were told last.
    is_disabled = models.BooleanField("disabled at OpenRouter", default=False)
    is_paused = models.BooleanField("disabled by us", default=False)  # its person is inactive
    limit_usd = UsdField("limit in USD", null=True, blank=True)
    limit_reset = models.CharField(max_length=16, blank=True, default="")
    usage_usd = UsdField("used in USD", null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    synced_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)  # somebody is just making it
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = UpstreamKeyQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "-created_at"]
        verbose_name = "key"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "user"], condition=Q(ended_at=None), name="one_live_key_of_a_kind"
            ),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(ended_at=None, kind__in=["management", "shared"]),
                name="one_live_key_for_all",
                violation_error_message="There is a key of this kind already: replace its secret.",
            ),
            models.UniqueConstraint(
                fields=["hash"],
                condition=Q(ended_at=None) & ~Q(hash=""),
                name="one_live_key_per_hash",
                violation_error_message="This key is here already.",
            ),
        ]
        indexes = [models.Index(fields=["hash"], name="keys_by_hash")]

    def __str__(self) -> str:
        return f"{self.label} (…{self.last_four})" if self.last_four else self.label

    def __repr__(self) -> str:
        return f"<UpstreamKey {self.pk}: {self.kind}>"
