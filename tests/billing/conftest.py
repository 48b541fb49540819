"""Who is billed."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser


@pytest.fixture
def person(db: None) -> AbstractUser:
    return get_user_model().objects.create_user("ada", password="engine")
