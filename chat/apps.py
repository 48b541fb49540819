from django.apps import AppConfig
from django.db.models.signals import post_migrate

from chat.search_index import look_after


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        post_migrate.connect(look_after, sender=self, dispatch_uid="chat.search_index")
