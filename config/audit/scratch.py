"""A database that lives as long as the audit: nothing of it reaches the installation's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from django.conf import settings
from django.db import connection


@contextmanager
def scratch_database() -> Iterator[str]:
    """Migrate an empty database, make it this process's default, and yield its DATABASE_URL."""
    usual = connection.settings_dict["NAME"]
    name = f"audit_{os.getpid()}"
    on_file = connection.vendor == "sqlite"
    connection.settings_dict["TEST"]["NAME"] = (
        str(settings.VAR_DIR / f"{name}.sqlite3") if on_file else name
    )
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield database_url()
    finally:
        connection.close()
        if not on_file:
            connection.close_pool()  # type: ignore[attr-defined]
        connection.creation.destroy_test_db(usual, verbosity=0)


def database_url() -> str:
    """The DATABASE_URL of the database that this process uses now."""
    where = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{where['NAME']}"
    who = ":".join(quote(str(where[part]), safe="") for part in ("USER", "PASSWORD") if where[part])
    port = f":{where['PORT']}" if where["PORT"] else ""
    return f"postgres://{who}@{where['HOST']}{port}/{where['NAME']}"
