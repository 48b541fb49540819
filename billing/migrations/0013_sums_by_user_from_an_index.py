"""Who spent what is read from an index alone, on PostgreSQL: the rows are three times as wide."""

from typing import Any

from django.db import migrations

CREATE = """
CREATE INDEX rollups_by_user ON billing_usagerollup (span, starts_on)
INCLUDE (user_ref, cost_usd, entries, purpose, kind) WHERE user_ref > ''
"""


def create(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE)


def drop(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX rollups_by_user")


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_second_answers_are_calls")]
    operations = [migrations.RunPython(create, drop)]
