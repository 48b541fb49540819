"""Invitations: a link that makes one account, once."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, now: dt.datetime | None = None) -> Self:
        """Those that still make an account: not used, not taken back, not too old."""
        return self.filter(used_at=None, ended_at=None, expires_at__gt=now or timezone.now())


class Invitation(models.Model):
    """Only the hash of its token is kept: who reads the database cannot use it."""

    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    email = models.EmailField(
        "e-mail", blank=True, default="", help_text="Empty: whoever has the link may use it."
    )
    was_mailed = models.BooleanField(default=False, editable=False)
    groups = models.ManyToManyField(
        Group, blank=True, related_name="+", help_text="Whoever uses it becomes their member."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    used_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)  # taken back

    objects = InvitationQuerySet.as_manager()

    class Meta:
        app_label = "accounts"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    @property
    def standing(self) -> str:
        """In a word, for a list."""
        if self.used_at:
            return "used"
        if self.ended_at:
            return "taken back"
        return "expired" if self.expires_at <= timezone.now() else "open"
