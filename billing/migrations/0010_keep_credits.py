import django.utils.timezone
from django.db import migrations, models

import billing.money


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0009_add_up_usage'),
    ]

    operations = [
        migrations.CreateModel(
            name='CreditsSnapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('taken_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name='asked (UTC)')),
                ('total_usd', billing.money.UsdField(verbose_name='bought in USD')),
                ('used_usd', billing.money.UsdField(verbose_name='used in USD')),
            ],
            options={
                'verbose_name': 'credits',
                'verbose_name_plural': 'credits',
                'ordering': ['-taken_at', '-pk'],
            },
        ),
    ]
