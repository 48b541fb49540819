"""The lookup behind `Message.objects.matching(text)`: one word for both databases.

What a person types becomes terms (`search_text.py`); only words, of letters and digits, reach a
database, and never as a part of a statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup, TextField
from django.db.models.sql.compiler import SQLCompiler

from chat.search_index import POSTGRES_VECTOR, TABLE
from chat.search_text import Term


@TextField.register_lookup
class Matching(Lookup):
    """`text__matching=terms`: the full text of a message holds what the terms ask for."""

    lookup_name = "matching"
    prepare_rhs = False

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """SQLite: by the index, whose row numbers are the keys of messages."""
        key = (
            f"{compiler.quote_name_unless_alias(self.lhs.alias)}.{connection.ops.quote_name('id')}"
        )
        found = f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s"  # noqa: S608  # nosec B608 # constants
        return f"{key} IN ({found})", (_fts5(self.rhs),)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        text, params = self.process_lhs(compiler, connection)
        vector = POSTGRES_VECTOR.format(text=text)
        return f"{vector} @@ to_tsquery('simple', %s)", (*params, _tsquery(self.rhs))


def _fts5(terms: Sequence[Term]) -> str:
    """In FTS5's language. A word in quotes is never an operator."""
    wanted = [_fts5_term(term) for term in terms if term.is_wanted]
    unwanted = [_fts5_term(term) for term in terms if not term.is_wanted]
    query = " AND ".join(wanted)
    return f"({query}) NOT ({' OR '.join(unwanted)})" if unwanted else query


def _fts5_term(term: Term) -> str:
    return f'"{" ".join(term.words)}"' + (" *" if term.is_start else "")


def _tsquery(terms: Sequence[Term]) -> str:
    return " & ".join(_tsquery_term(term) for term in terms)


def _tsquery_term(term: Term) -> str:
    words = [f"'{word}'" for word in term.words]
    if term.is_start:
        words[-1] += ":*"
    phrase = f"({' <-> '.join(words)})"
    return phrase if term.is_wanted else f"!{phrase}"
