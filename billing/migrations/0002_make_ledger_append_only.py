from django.db import migrations

from billing.append_only import guard, lift

LEDGER = "billing_usagerecord"


class Migration(migrations.Migration):
    """Two triggers on SQLite, one on PostgreSQL: see billing/append_only.py."""

    dependencies = [("billing", "0001_create_calls_and_ledger")]

    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: guard(schema_editor.connection, LEDGER),
            lambda apps, schema_editor: lift(schema_editor.connection, LEDGER),
        )
    ]
