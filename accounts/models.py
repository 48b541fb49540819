"""Who: the user model, our own from the first migration."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who signs in."""
