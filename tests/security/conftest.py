"""The people, the small catalogue and the turns of the chat's tests; and what is ada's."""

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import User
from chat.runner import runner
from tests.chat.conftest import Ask, _catalogue, ada, ask, eve
from tests.security.matrix import Belongings, belongings

__all__ = ["_catalogue", "ada", "ask", "eve"]


@pytest.fixture(autouse=True)
def _connections_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels closes connections when a socket ends, and with it a test's transaction."""
    monkeypatch.setattr("channels.db.close_old_connections", lambda: None)


@pytest.fixture
def hers(ask: Ask, ada: User, settings: Settings, tmp_path: Path) -> Belongings:
    """One of everything of ada's; and for each beginning of an address, what ids fit there."""
    settings.ATTACHMENT_DIR = str(tmp_path)
    settings.ACCOUNT_REAUTHENTICATION_REQUIRED = False  # it would ask before it looked at an id
    return belongings(ask, ada)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """No reply is written: what a form leads to is in the rows."""
    monkeypatch.setattr(runner, "_call", lambda *_: None)


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password="engine")
