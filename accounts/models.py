"""Who: the user model, our own from the first migration; invitations; and the audit log."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from accounts.audit_models import Action, AuditEntry, AuditOrigin
from accounts.invitation_models import Invitation

# Django looks for models here
__all__ = ["Action", "AuditEntry", "AuditOrigin", "Invitation", "User"]


class User(AbstractUser):
    """A person who signs in. `has_to_confirm`: they signed up by themselves, and may come in only
    with an address that they have confirmed."""

    has_to_confirm = models.BooleanField(default=False, editable=False)
