"""What happened, who did it and to whom: the audit log. Only ever added to.

`accounts/models.py` imports these, which is where Django looks for them.
"""

from __future__ import annotations

from typing import Any, Never

from django.db import models
from django.utils import timezone

REF_CHARS = 120
SERVER = "server"  # who acts where nobody is signed in: a command, a task of the server


class AuditIsAppendOnly(Exception):
    """Somebody tried to change or delete an entry of the audit log."""


class Action(models.TextChoices):
    """What is written down. The values are stored: they are added to, never renamed."""

    SIGNED_IN = "signed-in", "Signed in"
    SIGN_IN_FAILED = "sign-in-failed", "Sign in failed"
    SIGNED_OUT = "signed-out", "Signed out"
    SIGNED_UP = "signed-up", "Signed up"
    SESSION_ENDED = "session-ended", "Session ended"
    PASSWORD_CHANGED = "password-changed", "Password changed"
    PASSWORD_RESET = "password-reset", "Password reset"
    EMAIL_CHANGED = "email-changed", "E-mail changed"
    FACTOR_ADDED = "factor-added", "Second factor added"
    FACTOR_REMOVED = "factor-removed", "Second factor removed"
    FACTOR_RENEWED = "factor-renewed", "Recovery codes renewed"
    FACTOR_FAILED = "factor-failed", "Second factor failed"
    ACCOUNT_MADE = "account-made", "Account made"
    RIGHTS_CHANGED = "rights-changed", "Rights changed"
    GROUP_CHANGED = "group-changed", "Group changed"
    BUDGET_CHANGED = "budget-changed", "Budget changed"
    KEY_KEPT = "key-kept", "Key stored"
    KEY_GIVEN_UP = "key-given-up", "Key given up"
    POLICY_MOVED = "policy-moved", "Policy put to work or retired"
    CHAT_READ = "chat-read", "Chat read by an administrator"
    EXPORTED = "exported", "Data exported"
    CHAT_DELETED = "chat-deleted", "Chat deleted"
    ERASED = "erased", "Person erased"
    SHARE_MADE = "share-made", "Share made"
    SHARE_ENDED = "share-ended", "Share ended"
    INVITED = "invited", "Invited"
    INVITATION_USED = "invitation-used", "Invitation used"
    INVITATION_ENDED = "invitation-ended", "Invitation ended"
    RETENTION_APPLIED = "retention-applied", "Retention applied"


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Reads of the log. The words that change rows are refused."""

    def update(self, **_: Any) -> Never:
        raise AuditIsAppendOnly

    def delete(self) -> Never:
        raise AuditIsAppendOnly

    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_update(self, *_: Any, **__: Any) -> Never:
        raise AuditIsAppendOnly

    def update_or_create(self, *_: Any, **__: Any) -> Never:
        raise AuditIsAppendOnly


class AuditEntry(models.Model):
    """One thing that happened. People are named as the ledger names them: `user-12`.

    So an entry tells of nobody who was erased, and needs no change when they are. `actor_ref` is
    empty for a stranger. `subject_ref`: whom or what it was done to.
    """

    action = models.CharField(max_length=32, choices=Action.choices)
    actor_ref = models.CharField("who", max_length=REF_CHARS, blank=True, default="")
    subject_ref = models.CharField("to what", max_length=REF_CHARS, blank=True, default="")
    detail = models.JSONField(default=dict, blank=True)  # short facts, never content or secrets
    created_at = models.DateTimeField(default=timezone.now)

    objects = AuditQuerySet.as_manager()

    class Meta:
        app_label = "accounts"
        ordering = ["-created_at", "-pk"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="audit_by_time"),
            models.Index(fields=["action", "created_at"], name="audit_by_action"),
            models.Index(fields=["actor_ref", "created_at"], name="audit_by_actor"),
            models.Index(fields=["subject_ref", "created_at"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}, {self.created_at:%Y-%m-%d %H:%M:%S} UTC"

    def save(self, **kwargs: Any) -> None:
        """Add this entry. Raises AuditIsAppendOnly when it is there already."""
        if not self._state.adding:
            raise AuditIsAppendOnly
        super().save(force_insert=True, using=kwargs.get("using"))

    def delete(self, *_: Any, **__: Any) -> Never:
        raise AuditIsAppendOnly


class AuditOrigin(models.Model):
    """The network address that an entry came from. It is personal: it goes with its person, and
    after AUDIT_ADDRESS_DAYS, while the entry stays."""

    entry = models.OneToOneField(
        AuditEntry, on_delete=models.PROTECT, primary_key=True, related_name="origin"
    )
    address = models.GenericIPAddressField()

    class Meta:
        app_label = "accounts"
        default_permissions = ()

    def __str__(self) -> str:
        return self.address
