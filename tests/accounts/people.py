"""An administrator, a folder of each test's own for files, and what the audit log has."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import AuditEntry, User


@pytest.fixture(autouse=True)
def files_apart(settings: Settings, tmp_path: Path) -> None:
    settings.ATTACHMENT_DIR = str(tmp_path / "attachments")


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password="engine")


def noted(action: str) -> list[AuditEntry]:
    """What the audit log has of one kind, oldest first."""
    return list(AuditEntry.objects.filter(action=action).order_by("pk"))
