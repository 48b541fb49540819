"""What has to be in the audit log, told to whoever keeps it (the setting AUDIT_LOG)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def note(action: str, **about: Any) -> None:
    """Tell it, in the transaction that is open: see accounts/audit.py for what may be told."""
    import_string(settings.AUDIT_LOG)(action, **about)


class Audited:
    """For an admin of what the audit log follows: every change of its rows is told.

    `audit_action`: what is told; `audit_subject` and `audit_facts` say of which row, and what it
    holds now.
    """

    audit_action: str

    def audit_subject(self, obj: Any) -> str:
        return f"{self.audit_action.split('-')[0]}-{obj.pk}"

    def audit_facts(self, obj: Any) -> dict[str, Any]:
        return {}

    def log_addition(self, request: Any, obj: Any, message: Any) -> Any:
        self._tell("added", [obj])
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: Any, obj: Any, message: Any) -> Any:
        self._tell("changed", [obj])
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: Any, queryset: Iterable[Any]) -> Any:
        rows = list(queryset)
        self._tell("deleted", rows)
        return super().log_deletions(request, rows)  # type: ignore[misc]

    def _tell(self, done: str, rows: Iterable[Any]) -> None:
        for row in rows:
            facts = {"done": done, **self.audit_facts(row)}
            note(self.audit_action, subject=self.audit_subject(row), detail=facts)
