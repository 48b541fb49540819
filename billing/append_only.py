"""Triggers by which the database itself refuses to change or delete rows of a table.

They are put in place by a migration. SQLite drops them without a word when a later migration
rebuilds the table (most changes of a column do): such a migration ends with `guard` again, and
a test looks for it.

Nothing in the application lifts them. `manage.py flush` is refused too; the tests, which empty
their database with it, lift and restore them in tests/emptying.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.backends.base.base import BaseDatabaseWrapper

POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
POSTGRES_TRIGGER = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""
SQLITE_TRIGGER = """
CREATE TRIGGER {table}_no_{change} BEFORE {change} ON {table}
BEGIN
    SELECT RAISE(ABORT, '{table} is append-only: {change} refused');
END
"""
CHANGES = ("update", "delete")  # what SQLite has triggers for; it knows no TRUNCATE


def guard(connection: BaseDatabaseWrapper, table: str) -> None:
    """Refuse every UPDATE and DELETE (and TRUNCATE) on `table`, as an IntegrityError."""
    if connection.vendor == "postgresql":
        statements = [POSTGRES_FUNCTION, POSTGRES_TRIGGER.format(table=table)]
    else:
        statements = [SQLITE_TRIGGER.format(table=table, change=change) for change in CHANGES]
    _execute(connection, statements)


def lift(connection: BaseDatabaseWrapper, table: str) -> None:
    """Take the guard away."""
    if connection.vendor == "postgresql":
        statements = [f"DROP TRIGGER {table}_append_only ON {table}"]
    else:
        statements = [f"DROP TRIGGER {table}_no_{change}" for change in CHANGES]
    _execute(connection, statements)


def _execute(connection: BaseDatabaseWrapper, statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
