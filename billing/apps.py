from importlib import import_module

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from billing.money import teach_sqlite


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        connection_created.connect(teach_sqlite, dispatch_uid="billing.money")
        import_module("billing.credits_admin")  # the admin itself looks for admin.py only
        import_module("billing.key_admin")
        import_module("billing.usage_admin")
