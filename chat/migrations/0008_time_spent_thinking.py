from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0007_search_full_text'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='reasoning_ms',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]
