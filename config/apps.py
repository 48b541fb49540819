from django.apps import AppConfig
from django.core.checks import Tags, register

from config.safety import check_deployment


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        register(check_deployment, Tags.security, deploy=True)
