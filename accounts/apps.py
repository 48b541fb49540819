from importlib import import_module

from django.apps import AppConfig, apps


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        import_module("accounts.audit_admin")  # the admin itself looks for admin.py only
        import_module("accounts.audit_signals")
        import_module("accounts.sign_in_admin")
        import_module("accounts.invitation_admin")
        if apps.is_installed("allauth.mfa"):
            import_module("accounts.audit_factors")
