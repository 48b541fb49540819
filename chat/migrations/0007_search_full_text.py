from django.db import migrations

from chat.search_index import install, remove


def forwards(apps, schema_editor):
    install(schema_editor.connection)


def backwards(apps, schema_editor):
    remove(schema_editor.connection)


class Migration(migrations.Migration):
    """The index is no model: each database has its own (chat/search_index.py)."""

    dependencies = [
        ("chat", "0006_thumb_of_a_reply"),
    ]

    operations = [
        migrations.RunPython(forwards, backwards),
    ]
