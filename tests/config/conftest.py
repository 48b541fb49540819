"""A deployment as it should be, for tests that spoil it."""

from __future__ import annotations

import pytest
from pytest_django import Settings


@pytest.fixture
def public(settings: Settings) -> Settings:
    """A good deployment behind one proxy."""
    settings.SECRET_KEY = "".join(map(chr, range(48, 110)))
    settings.DEBUG = settings.DEMO = False
    settings.HTTPS = True
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.CSRF_TRUSTED_ORIGINS = []
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    settings.REDIS_URL = ""
    return settings
