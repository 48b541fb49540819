"""Who is billed."""

import pytest

from accounts.models import User


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("ada", password="engine")
