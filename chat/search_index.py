"""The index of the full text of messages: what it is on each database, and how it stays true.

PostgreSQL keeps a GIN index over an expression, and needs no more. SQLite keeps an FTS5 table
that triggers fill; a migration that makes `chat_message` anew drops them with the old table, so
they are looked after whenever migrations have run.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "chat_message_search"
# What PostgreSQL indexes of a message. A tsvector ends at 1 MB, and past it the message could not
# be saved: this much text fits whatever is in it.
INDEXED_CHARS: Final = 120_000
# Words are compared without accents and are letters and digits alone, as SQLite's tokenizer has
# them: PostgreSQL's own would take `example.org/a-b` for one word.
_MARKS: Final = "[\u0300-\u036f]+"
_NO_WORD: Final = "./-_@:&=?#+~<>*^"
POSTGRES_VECTOR: Final = (
    "to_tsvector('simple'::regconfig, translate(normalize(regexp_replace("
    f"normalize(left({{text}}, {INDEXED_CHARS}), NFD), '{_MARKS}', '', 'g'), NFC),"
    f" '{_NO_WORD}', '{' ' * len(_NO_WORD)}'))"
)
POSTGRES: Final = (
    "CREATE INDEX IF NOT EXISTS message_full_text ON chat_message USING gin "
    f"(({POSTGRES_VECTOR.format(text='text')}))"
)
SQLITE_TABLE: Final = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} USING fts5("
    "text, content='chat_message', content_rowid='id',"
    " tokenize='unicode61 remove_diacritics 2')"
)
_REMOVE = f"INSERT INTO {TABLE}({TABLE}, rowid, text) VALUES ('delete', old.id, old.text);"  # noqa: S608  # nosec B608 # constants
_ADD = f"INSERT INTO {TABLE}(rowid, text) VALUES (new.id, new.text);"  # noqa: S608  # nosec B608 # constants
SQLITE_TRIGGERS: Final = {
    f"{TABLE}_insert": f"AFTER INSERT ON chat_message BEGIN {_ADD} END",
    f"{TABLE}_delete": f"AFTER DELETE ON chat_message BEGIN {_REMOVE} END",
    f"{TABLE}_update": (
        "AFTER UPDATE OF text ON chat_message WHEN old.text IS NOT new.text"
        f" BEGIN {_REMOVE} {_ADD} END"
    ),
}


def install(connection: BaseDatabaseWrapper) -> bool:
    """Make what is missing of the index, and fill it then. Whether anything was missing."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRES)
            return False
        cursor.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'trigger')")
        there = {row[0] for row in cursor.fetchall()}
        missing = {TABLE, *SQLITE_TRIGGERS} - there
        if "chat_message" not in there or not missing:
            return False
        cursor.execute(SQLITE_TABLE)
        for name in missing - {TABLE}:
            cursor.execute(f"CREATE TRIGGER {name} {SQLITE_TRIGGERS[name]}")
        cursor.execute(f"INSERT INTO {TABLE}({TABLE}) VALUES ('rebuild')")  # noqa: S608  # nosec B608 # constants
        return True


def remove(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP INDEX IF EXISTS message_full_text")
            return
        for name in SQLITE_TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")


def look_after(*, using: str, plan: list[Any] | None = None, **_: Any) -> None:
    """After migrations: one of them may have dropped the triggers."""
    if plan:
        install(connections[using])
