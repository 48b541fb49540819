"""The settings under test: the real ones, with what a test machine needs.

`DATABASE_URL` in the environment decides between SQLite (default) and PostgreSQL.
"""

import os

os.environ.setdefault("SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV")
os.environ.setdefault("KEY_ENCRYPTION_KEYS", "b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMhISE=")
for variable in ("OPENROUTER_API_KEY", "OPENROUTER_BASE_URL", "HTTPS", "DEBUG"):
    os.environ[variable] = {"OPENROUTER_BASE_URL": "https://openrouter.ai/api/v1"}.get(variable, "")

from config.settings import *  # noqa: E402, F403

# One database a run, so that two runs at once do not meet; a file, as threads share no memory.
ON_SQLITE = DATABASE["ENGINE"].endswith("sqlite3")  # noqa: F405
DATABASE["TEST"] = {  # noqa: F405
    "NAME": VAR_DIR / f"test-{os.getpid()}.sqlite3" if ON_SQLITE else f"test_{os.getpid()}"  # noqa: F405
}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Where nothing is collected: ServeStatic looks here at each new client of a test, and complains
# where there is no folder at all.
STATIC_ROOT = VAR_DIR / "test-static"  # noqa: F405
STATIC_ROOT.mkdir(exist_ok=True)

# Empties the database between transactional tests, which the append-only ledger refuses.
INSTALLED_APPS = [*INSTALLED_APPS, "tests.emptying"]  # noqa: F405

# All tests come from one address, and in one minute.
MAX_REQUESTS_PER_MINUTE = MAX_REQUESTS_PER_MINUTE_ADDRESS = 0

# Figures of our own calls come from a thread of its own, which would see another transaction.
ROUTING_LIVE_SOURCE = ""
