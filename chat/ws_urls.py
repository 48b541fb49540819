from django.urls import path

from chat.consumers import ConversationConsumer

urlpatterns = [path("ws/c/<uuid:pk>/", ConversationConsumer.as_asgi())]
